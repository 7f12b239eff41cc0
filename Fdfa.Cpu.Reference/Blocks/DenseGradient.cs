namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>The local gradient of a dense block: ∂y⁽ˡ⁾/∂W⁽ˡ⁾ of Eq. 14, and that of the biases.</summary>
public static class DenseGradient
{
    /// <summary>∂W⁽ˡ⁾ = Σ_s g_s ⊗ y_s⁽ˡ⁻¹⁾ = gᵀ y⁽ˡ⁻¹⁾  (Algorithm 1, lines 20 and 23).</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="preactivationDeltas">g⁽ˡ⁾, [N × n_l]; it carries 1/N.</param>
    /// <returns>[n_l × n_{l-1}].</returns>
    public static double[] OfWeights(ForwardPass forward, int l, double[] preactivationDeltas)
    {
        ArgumentNullException.ThrowIfNull(forward);
        return MatrixProduct.TransposedTimes(
            preactivationDeltas,
            forward.InputsOf(l),
            forward.Network.Blocks[l - 1].Outputs,
            forward.BatchSize,
            forward.Network.Blocks[l - 1].Inputs);
    }

    /// <summary>∂b⁽ˡ⁾ = Σ_s g_s: a bias is a weight from an input that is always 1.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="preactivationDeltas">g⁽ˡ⁾, [N × n_l]; it carries 1/N.</param>
    /// <returns>[n_l].</returns>
    public static double[] OfBiases(ForwardPass forward, int l, double[] preactivationDeltas)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(preactivationDeltas);
        var gradient = new double[forward.Network.Blocks[l - 1].Outputs];
        for (var i = 0; i < preactivationDeltas.Length; i++)
        {
            gradient[i % gradient.Length] += preactivationDeltas[i];
        }

        return gradient;
    }
}
