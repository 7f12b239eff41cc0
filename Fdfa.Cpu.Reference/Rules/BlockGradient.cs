using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>What a rule makes of one block: the gradients that its optimizers are given.</summary>
/// <param name="Weights">∂W⁽ˡ⁾, [n_l × n_{l-1}].</param>
/// <param name="Biases">∂b⁽ˡ⁾, [n_l].</param>
/// <param name="PreactivationDeltas">g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾), [N × n_l]; null for FG-W, which has none.</param>
public sealed record BlockGradient(double[] Weights, double[] Biases, double[]? PreactivationDeltas)
{
    /// <summary>The gradient of the block's local head; null where it has none.</summary>
    public LocalHead? Head { get; init; }

    /// <summary>∂W⁽ˡ⁾ = gᵀ y⁽ˡ⁻¹⁾ and ∂b⁽ˡ⁾ = Σ_s g_s: the local gradient of Eq. 14.</summary>
    public static BlockGradient FromDeltas(ForwardPass forward, int l, double[] preactivationDeltas) => new(
        DenseGradient.OfWeights(forward, l, preactivationDeltas),
        DenseGradient.OfBiases(forward, l, preactivationDeltas),
        preactivationDeltas);

    /// <summary>The same for all blocks.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="preactivationDeltas">g⁽ˡ⁾ at index l − 1.</param>
    public static IReadOnlyList<BlockGradient> FromDeltas(ForwardPass forward, IReadOnlyList<double[]> preactivationDeltas) =>
        [.. preactivationDeltas.Select((g, index) => FromDeltas(forward, index + 1, g))];
}
