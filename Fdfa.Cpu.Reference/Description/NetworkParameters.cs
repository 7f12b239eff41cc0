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
public sealed record NetworkParameters(IReadOnlyList<BlockParameters> Blocks);
