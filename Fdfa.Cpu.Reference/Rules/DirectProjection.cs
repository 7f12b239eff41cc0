using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>
/// The error on its way straight to each hidden block: error · B⁽ˡ⁾ at the perturbation site, and from there back through the block
/// (Eq. 6 and 14).
/// </summary>
internal static class DirectProjection
{
    /// <summary>Projects an error; the output block takes e itself.</summary>
    /// <param name="step">The step.</param>
    /// <param name="error">What hidden blocks are sent, [N × n_L].</param>
    /// <returns>At index l − 1.</returns>
    public static IReadOnlyList<BlockGradient> Run(TrainingStep step, double[] error) =>
        [.. Enumerable.Range(1, step.LastBlock).Select(l => l == step.LastBlock
            ? BlockGradient.FromDeltas(step, l, step.OutputError, PerturbationSite.BlockOutput)
            : BlockGradient.FromDeltas(step, l, Project(step, error, l), step.Site))];

    private static double[] Project(TrainingStep step, double[] error, int l) => MatrixProduct.Times(
        error, step.Parameters.Blocks[l - 1].Feedback, step.BatchSize, step.Network.OutputSize, step.SiteSize(l));
}
