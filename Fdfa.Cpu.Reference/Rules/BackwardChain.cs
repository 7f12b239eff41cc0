using Fdfa.Cpu.Reference.Blocks;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>The error on its way back from block to block: g⁽ᴸ⁾ = e, g⁽ˡ⁾ = (g⁽ˡ⁺¹⁾ M⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾).</summary>
internal static class BackwardChain
{
    /// <summary>Runs the chain.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputError">e, [N × n_L].</param>
    /// <param name="matrixInto">M⁽ˡ⁾ of l = 1 … L − 1, [n_{l+1} × n_l]: W⁽ˡ⁺¹⁾, or feedback in its place.</param>
    /// <returns>g⁽ˡ⁾ at index l − 1.</returns>
    public static IReadOnlyList<double[]> Run(ForwardPass forward, double[] outputError, Func<int, double[]> matrixInto)
    {
        int lastBlock = forward.Network.Blocks.Count;
        var g = new double[lastBlock][];
        g[lastBlock - 1] = outputError;
        for (int l = lastBlock - 1; l >= 1; l--)
        {
            int above = forward.Network.Blocks[l].Outputs;
            int here = forward.Network.Blocks[l - 1].Outputs;
            g[l - 1] = forward.TimesDerivative(l, MatrixProduct.Times(g[l], matrixInto(l), forward.BatchSize, above, here));
        }

        return g;
    }
}
