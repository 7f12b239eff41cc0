using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>BP: error backpropagation, the rule that all others are measured by.</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ᴸ⁾ = e
/// δ⁽ˡ⁾ = g⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾      g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾)      for l = L − 1 … 1
/// feedback   none
/// </code>
/// Block l waits for block l + 1 (the paper's "backward locking") and reads its weights ("weight transport").
/// </remarks>
public sealed class Backpropagation : IRule
{
    /// <inheritdoc/>
    public TangentPass? InjectTangents(ForwardPass forward, NetworkParameters parameters, ulong seed, uint stepNumber) => null;

    /// <inheritdoc/>
    public IReadOnlyList<double[]?> FeedbackGradients(NetworkParameters parameters, TangentPass? tangents)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new double[]?[parameters.Blocks.Count];
    }

    /// <inheritdoc/>
    public IReadOnlyList<double[]> PreactivationDeltas(ForwardPass forward, NetworkParameters parameters, double[] outputError)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(parameters);
        int lastBlock = forward.Network.Blocks.Count;
        var g = new double[lastBlock][];
        g[lastBlock - 1] = outputError;
        for (int l = lastBlock - 1; l >= 1; l--)
        {
            DenseBlock next = forward.Network.Blocks[l];
            double[] delta = MatrixProduct.Times(
                g[l], parameters.Blocks[l].Weights, forward.BatchSize, next.Outputs, next.Inputs);
            g[l - 1] = forward.TimesDerivative(l, delta);
        }

        return g;
    }
}
