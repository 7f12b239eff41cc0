using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>The numbers of one dense block, in PyTorch's layout.</summary>
/// <param name="Weights">W, [outputs × inputs] row-major.</param>
/// <param name="Biases">b, [outputs].</param>
/// <param name="Feedback">B, row-major, <see cref="LearningRule.FeedbackRows"/> × outputs; empty where there is none.</param>
public sealed record BlockParameters(double[] Weights, double[] Biases, double[] Feedback)
{
    /// <summary>The linear head of the block's own loss; null where it has none.</summary>
    public LocalHead? Head { get; init; }
}

/// <summary>A linear output with a loss of its own after a hidden block: y = H y⁽ˡ⁾ + c.</summary>
/// <param name="Weights">H, [n_L × outputs] row-major.</param>
/// <param name="Biases">c, [n_L].</param>
public sealed record LocalHead(double[] Weights, double[] Biases);

/// <summary>The numbers of a network, one entry per block.</summary>
public sealed record NetworkParameters(IReadOnlyList<BlockParameters> Blocks)
{
    /// <summary>Refuses numbers that are not those of a network trained by a rule.</summary>
    /// <param name="network">The network.</param>
    /// <param name="rule">Decides which blocks have feedback and heads.</param>
    /// <exception cref="ShapeMismatchException">A size differs; the message names the first.</exception>
    public void RequireFit(NetworkDescription network, LearningRule rule)
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
            DenseBlock block = network.Blocks[l - 1];
            BlockParameters numbers = Blocks[l - 1];
            int headRows = rule.HasLocalHead(network, l) ? network.OutputSize : 0;
            Shape.Require($"weights of block {l}", numbers.Weights.Length, block.Outputs, block.Inputs);
            Shape.Require($"biases of block {l}", numbers.Biases.Length, block.Outputs, 1);
            Shape.Require($"feedback values of block {l}", numbers.Feedback.Length, rule.FeedbackRows(network, l), block.Outputs);
            Shape.Require($"head weights of block {l}", numbers.Head?.Weights.Length ?? 0, headRows, block.Outputs);
            Shape.Require($"head biases of block {l}", numbers.Head?.Biases.Length ?? 0, headRows, 1);
        }
    }
}
