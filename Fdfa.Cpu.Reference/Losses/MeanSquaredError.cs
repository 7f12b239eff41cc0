namespace Fdfa.Cpu.Reference.Losses;

/// <summary>Mean squared error against one-hot targets, as PyTorch's <c>mse_loss</c> averages it.</summary>
/// <remarks>
/// <code>
/// loss = (1/(N·n_L)) Σ (y − onehot(label))²    e = 2 (y − onehot(label)) / (N·n_L)
/// </code>
/// </remarks>
public sealed class MeanSquaredError : ILoss
{
    /// <inheritdoc/>
    public double Evaluate(ReadOnlySpan<double> outputs, ReadOnlySpan<int> labels, Span<double> outputError)
    {
        int classes = LabelledOutputs.RequireClasses(outputs, labels);
        Description.Shape.Require("output errors", outputError.Length, labels.Length, classes);
        double total = 0;
        for (var sample = 0; sample < labels.Length; sample++)
        {
            for (var i = 0; i < classes; i++)
            {
                double target = i == labels[sample] ? 1 : 0;
                double difference = outputs[sample * classes + i] - target;
                total += difference * difference;
                outputError[sample * classes + i] = 2 * difference / outputs.Length;
            }
        }

        return total / outputs.Length;
    }
}
