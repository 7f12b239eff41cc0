using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>The numbers of one block, in PyTorch's layout.</summary>
/// <param name="Weights">W row-major, [outputs × inputs] or [filters × channels × kernel × kernel].</param>
/// <param name="Biases">b, [outputs] or [filters]; empty where there is batch normalization.</param>
/// <param name="Feedback">B row-major, as large as <see cref="LearningRule.FeedbackShape"/> says; empty where there is none.</param>
public sealed record BlockParameters(double[] Weights, double[] Biases, double[] Feedback)
{
    /// <summary>The linear head of the block's own loss; null where it has none.</summary>
    public LocalHead? Head { get; init; }

    /// <summary>What batch normalization learns and remembers; null where the block has none.</summary>
    public Normalization? Normalization { get; init; }
}

/// <summary>A linear output with a loss of its own after a hidden block: y = H y⁽ˡ⁾ + c.</summary>
/// <param name="Weights">H, [n_L × outputs] row-major.</param>
/// <param name="Biases">c, [n_L].</param>
public sealed record LocalHead(double[] Weights, double[] Biases);

/// <summary>The numbers of batch normalization, one of each per neuron or filter.</summary>
/// <param name="Scale">γ, at first 1.</param>
/// <param name="Shift">β, at first 0.</param>
/// <param name="RunningMean">The mean that stands for the batch's in evaluation, at first 0.</param>
/// <param name="RunningVariance">The variance that stands for the batch's in evaluation, at first 1.</param>
public sealed record Normalization(double[] Scale, double[] Shift, double[] RunningMean, double[] RunningVariance);

/// <summary>The numbers of a network, one entry per block.</summary>
public sealed record NetworkParameters(IReadOnlyList<BlockParameters> Blocks)
{
    /// <summary>These with another network's weights, biases and normalization; feedback and heads stay.</summary>
    /// <param name="other">Numbers of the same network.</param>
    public NetworkParameters WithWeightsOf(NetworkParameters other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. Blocks.Zip(other.Blocks, (mine, given) => mine with
        {
            Weights = given.Weights,
            Biases = given.Biases,
            Normalization = given.Normalization,
        })]);
    }

    /// <summary>Refuses numbers that are not those of a network trained by a rule.</summary>
    /// <param name="network">The network.</param>
    /// <param name="rule">Decides which blocks have feedback and heads.</param>
    /// <param name="site">Where direct feedback arrives.</param>
    /// <exception cref="ShapeMismatchException">A size differs; the message names the first.</exception>
    public void RequireFit(NetworkDescription network, LearningRule rule, PerturbationSite site = PerturbationSite.BlockOutput)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(rule);
        if (Blocks.Count != network.Blocks.Count)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"The parameters have {Blocks.Count} blocks; the network {network} has {network.Blocks.Count}."));
        }

        for (var l = 1; l <= network.Blocks.Count; l++)
        {
            Block block = network.Blocks[l - 1];
            BlockParameters numbers = Blocks[l - 1];
            int headRows = rule.HasLocalHead(network, l) ? network.OutputSize : 0;
            Shape.Require($"weights of block {l}", numbers.Weights.Length, block.Channels, block.FanIn);
            Shape.Require($"biases of block {l}", numbers.Biases.Length, block.BiasCount, 1);
            var (feedbackRows, feedbackColumns) = rule.FeedbackShape(network, l, site);
            Shape.Require($"feedback values of block {l}", numbers.Feedback.Length, feedbackRows, feedbackColumns);
            Shape.Require($"head weights of block {l}", numbers.Head?.Weights.Length ?? 0, headRows, block.Outputs);
            Shape.Require($"head biases of block {l}", numbers.Head?.Biases.Length ?? 0, headRows, 1);
            Shape.Require($"scales of block {l}", numbers.Normalization?.Scale.Length ?? 0, block.NormalizedChannels, 1);
            Shape.Require($"shifts of block {l}", numbers.Normalization?.Shift.Length ?? 0, block.NormalizedChannels, 1);
            Shape.Require($"running means of block {l}", numbers.Normalization?.RunningMean.Length ?? 0, block.NormalizedChannels, 1);
            Shape.Require(
                $"running variances of block {l}", numbers.Normalization?.RunningVariance.Length ?? 0, block.NormalizedChannels, 1);
        }
    }
}
