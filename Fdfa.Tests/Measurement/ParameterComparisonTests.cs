using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Measurement;

/// <summary>That no array of a network can differ unseen.</summary>
public sealed class ParameterComparisonTests
{
    private static readonly NetworkDescription Network = Topology.Parse(
        "3C3/2+1-P3/2-2C2-5-4", inputShape: new ImageShape(3, 13, 13), batchNormalization: true);

    [Theory]
    [InlineData("BP")]
    [InlineData("FDFA")]
    [InlineData("LG-FG-A")]
    public void A_trajectory_agrees_with_itself_and_every_array_that_moves_is_seen(string rule)
    {
        var reference = Trajectory(rule);
        Assert.All(Compare(reference, parameters => parameters), one => Assert.Equal(0, one.RelativeError));
        var seen = new List<string>();
        for (var index = 0; index < Network.Blocks.Count; index++)
        {
            foreach (var change in Changes.Where(change => change.ValuesOf(reference.Parameters(0).Blocks[index]) is { Length: > 0 }))
            {
                var found = Assert.Single(
                    Compare(reference, parameters => Changed(parameters, index, change)), one => one.RelativeError != 0);
                Assert.Equal(change.Quantity, found.Quantity);
                Assert.Contains($"block {index + 1}", found.Place, StringComparison.Ordinal);
                Assert.Equal(0, found.WorstIndex);
                seen.Add($"{change.Quantity} of {found.Place}");
            }
        }

        // Weights of four blocks, the output's bias and four arrays of three normalizations; then feedback, or two heads' arrays.
        Assert.Equal(4 + 1 + 12 + (rule == "FDFA" ? 3 : rule == "BP" ? 0 : 4), seen.Distinct().Count());
    }

    [Fact]
    public void An_array_that_is_missing_is_no_agreement()
    {
        var reference = Trajectory("FDFA");
        NetworkParameters Without(Func<BlockParameters, BlockParameters> change) => new([.. reference.Parameters(0).Blocks.Select(change)]);

        Assert.Equal(
            12,
            Compare(reference, _ => Without(block => block with { Normalization = null })).Count(one => double.IsNaN(one.RelativeError)));
        Assert.Equal(
            3, Compare(reference, _ => Without(block => block with { Feedback = [] })).Count(one => double.IsNaN(one.RelativeError)));
        Assert.Equal(
            8,
            Compare(reference, _ => Without(block => block with { Head = new LocalHead([1], [2]) }))
                .Count(one => double.IsNaN(one.RelativeError)));
    }

    private static IEnumerable<Change> Changes =>
    [
        new(Quantity.Weights, block => block.Weights, (block, values) => block with { Weights = values }),
        new(Quantity.Biases, block => block.Biases, (block, values) => block with { Biases = values }),
        new(Quantity.Feedback, block => block.Feedback, (block, values) => block with { Feedback = values }),
        new(Quantity.Weights, block => block.Head?.Weights, (block, values) => block with { Head = block.Head! with { Weights = values } }),
        new(Quantity.Biases, block => block.Head?.Biases, (block, values) => block with { Head = block.Head! with { Biases = values } }),
        new(
            Quantity.Scale,
            block => block.Normalization?.Scale,
            (block, values) => block with { Normalization = block.Normalization! with { Scale = values } }),
        new(
            Quantity.Shift,
            block => block.Normalization?.Shift,
            (block, values) => block with { Normalization = block.Normalization! with { Shift = values } }),
        new(
            Quantity.RunningMean,
            block => block.Normalization?.RunningMean,
            (block, values) => block with { Normalization = block.Normalization! with { RunningMean = values } }),
        new(
            Quantity.RunningVariance,
            block => block.Normalization?.RunningVariance,
            (block, values) => block with { Normalization = block.Normalization! with { RunningVariance = values } }),
    ];

    private static ReferenceTrajectory Trajectory(string rule) =>
        new(
            Network,
            new TrainingOptions { Rule = LearningRule.Parse(rule), BatchSize = 4, PerturbationSite = PerturbationSite.BeforePool },
            2,
            0);

    private static List<Discrepancy> Compare(ReferenceTrajectory reference, Func<NetworkParameters, NetworkParameters> change)
    {
        var actual = change(reference.Parameters(0));
        return [.. Enumerable.Range(0, Network.Blocks.Count).SelectMany(index => ParameterComparison.Of(
            $"block {index + 1}", reference.Parameters(0).Blocks[index], actual.Blocks[index], reference.LastResults[0].Blocks[index]))];
    }

    private static NetworkParameters Changed(NetworkParameters parameters, int index, Change change)
    {
        var blocks = parameters.Blocks.ToArray();
        double[] values = [.. change.ValuesOf(blocks[index])!];
        values[0] += 1;
        blocks[index] = change.Put(blocks[index], values);
        return new NetworkParameters(blocks);
    }

    private sealed record Change(
        Quantity Quantity, Func<BlockParameters, double[]?> ValuesOf, Func<BlockParameters, double[], BlockParameters> Put);
}
