using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Training;

/// <summary>Every array of a block's parameters beside the reference's.</summary>
internal static class ParameterComparison
{
    /// <summary>Compares a block; what one of the two lacks is a difference.</summary>
    /// <param name="name">Block and seed.</param>
    /// <param name="expected">The reference's.</param>
    /// <param name="actual">The device's.</param>
    /// <param name="trace">The step that moved them last.</param>
    public static IEnumerable<Discrepancy> Of(string name, BlockParameters expected, BlockParameters actual, BlockTrace trace)
    {
        var gradient = trace.Gradient;
        yield return Discrepancy.Between(Quantity.Weights, name, expected.Weights, actual.Weights, gradient.Weights);
        yield return Discrepancy.Between(Quantity.Biases, name, expected.Biases, actual.Biases, gradient.Biases, expected.Weights);
        yield return Discrepancy.Between(Quantity.Feedback, name, expected.Feedback, actual.Feedback, trace.FeedbackGradient);
        var head = $"the head of {name}";
        yield return Discrepancy.Between(Quantity.Weights, head, expected.Head?.Weights, actual.Head?.Weights, gradient.Head?.Weights);
        yield return Discrepancy.Between(
            Quantity.Biases, head, expected.Head?.Biases, actual.Head?.Biases, gradient.Head?.Biases, expected.Head?.Weights);

        var (norm, other) = (expected.Normalization, actual.Normalization);
        yield return Discrepancy.Between(Quantity.Scale, name, norm?.Scale, other?.Scale, gradient.Scale);
        yield return Discrepancy.Between(Quantity.Shift, name, norm?.Shift, other?.Shift, gradient.Shift);
        double[] deviations = [.. norm?.RunningVariance.Select(Math.Sqrt) ?? []];
        yield return Discrepancy.Between(Quantity.RunningMean, name, norm?.RunningMean, other?.RunningMean, beside: deviations);
        yield return Discrepancy.Between(Quantity.RunningVariance, name, norm?.RunningVariance, other?.RunningVariance);
    }
}
