using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>
/// The error on its way back from block to block: δ⁽ᴸ⁾ = e, δ⁽ˡ⁾ = ∂z⁽ˡ⁺¹⁾ M⁽ˡ⁾, and within a block as in <see cref="BlockPass"/>.
/// </summary>
internal static class BackwardChain
{
    /// <summary>Runs the chain from e.</summary>
    /// <param name="step">The step.</param>
    /// <param name="matrixInto">M⁽ˡ⁾ of l = 1 … L − 1, as large as W⁽ˡ⁺¹⁾: W⁽ˡ⁺¹⁾ itself, or feedback in its place.</param>
    /// <returns>At index l − 1.</returns>
    public static IReadOnlyList<BlockGradient> Run(TrainingStep step, Func<int, double[]> matrixInto)
    {
        var gradients = new BlockGradient[step.LastBlock];
        double[] delta = step.OutputError;
        for (int l = step.LastBlock; l >= 1; l--)
        {
            gradients[l - 1] = BlockGradient.FromDeltas(step, l, delta, PerturbationSite.BlockOutput);
            if (l > 1)
            {
                delta = LinearMap.Transposed(step.Network.Blocks[l - 1], gradients[l - 1].LinearDeltas!, matrixInto(l - 1), step.BatchSize);
            }
        }

        return gradients;
    }
}
