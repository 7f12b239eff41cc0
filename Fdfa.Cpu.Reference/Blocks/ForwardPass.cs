using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>A batch on its way through the network: what <see cref="NetworkForward"/> computed for every block.</summary>
/// <param name="Network">The network.</param>
/// <param name="BatchSize">N.</param>
/// <param name="Inputs">y⁽⁰⁾, [N × n₀].</param>
/// <param name="Blocks">Blocks 1…L at index l − 1.</param>
public sealed record ForwardPass(NetworkDescription Network, int BatchSize, double[] Inputs, IReadOnlyList<BlockPass> Blocks)
{
    /// <summary>y⁽ᴸ⁾, [N × n_L].</summary>
    public double[] Outputs => Blocks[^1].Outputs;

    /// <summary>a⁽ˡ⁾ at index l − 1.</summary>
    public IReadOnlyList<double[]> Preactivations => [.. Blocks.Select(block => block.Preactivations)];

    /// <summary>y⁽ˡ⁾ at index l − 1, [N × n_l].</summary>
    public IReadOnlyList<double[]> Activations => [.. Blocks.Select(block => block.Outputs)];
}
