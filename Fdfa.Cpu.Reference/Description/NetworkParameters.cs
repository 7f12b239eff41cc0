namespace Fdfa.Cpu.Reference.Description;

/// <summary>The numbers of one dense block, in PyTorch's layout.</summary>
/// <param name="Weights">W, [outputs × inputs] row-major.</param>
/// <param name="Biases">b, [outputs].</param>
/// <param name="Feedback">B, [n_L × outputs] row-major; empty for the output block and for rules without feedback.</param>
public sealed record BlockParameters(double[] Weights, double[] Biases, double[] Feedback);

/// <summary>The numbers of a network, one entry per block.</summary>
public sealed record NetworkParameters(IReadOnlyList<BlockParameters> Blocks);
