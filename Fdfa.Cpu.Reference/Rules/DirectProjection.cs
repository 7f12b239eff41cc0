using Fdfa.Cpu.Reference.Blocks;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>The error on its way straight to each hidden block: g⁽ˡ⁾ = (error · B⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾)  (Eq. 6 and 14).</summary>
internal static class DirectProjection
{
    /// <summary>Projects an error; the output block takes e itself.</summary>
    /// <param name="step">The step.</param>
    /// <param name="error">What hidden blocks are sent, [N × n_L].</param>
    /// <returns>g⁽ˡ⁾ at index l − 1.</returns>
    public static IReadOnlyList<double[]> Run(TrainingStep step, double[] error)
    {
        var g = new double[step.LastBlock][];
        g[step.LastBlock - 1] = step.OutputError;
        for (var l = 1; l < step.LastBlock; l++)
        {
            double[] delta = MatrixProduct.Times(
                error, step.Parameters.Blocks[l - 1].Feedback, step.BatchSize, step.Network.OutputSize, step.Neurons(l));
            g[l - 1] = step.Forward.TimesDerivative(l, delta);
        }

        return g;
    }
}
