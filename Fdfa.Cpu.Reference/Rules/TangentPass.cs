using Fdfa.Cpu.Reference.Blocks;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>What a rule injected into a forward pass along one direction, and what came out.</summary>
/// <param name="Perturbations">u⁽ˡ⁾ at index l − 1, as large as the perturbation site, or null where no activation was perturbed.</param>
/// <param name="Tangents">d⁽ˡ⁾ at index l − 1, [N × n_l].</param>
public sealed record TangentPass(IReadOnlyList<double[]?> Perturbations, IReadOnlyList<double[]> Tangents)
{
    /// <summary>Perturbs activations along K directions, where the options say so.</summary>
    /// <param name="step">The step.</param>
    /// <param name="stopsAfter">Blocks whose tangent goes no further.</param>
    internal static IReadOnlyList<TangentPass> PerturbActivations(TrainingStep step, Func<int, bool>? stopsAfter = null) =>
        [.. Enumerable.Range(0, step.Options.Perturbations).Select(direction =>
        {
            double[]?[] u = [.. Enumerable.Range(1, step.LastBlock).Select(l => step.Options.Perturbs(isOutput: l == step.LastBlock)
                ? step.Noise.OfActivations(l, step.BatchSize, step.SiteSize(l), direction)
                : null)];
            BlockPerturbation[] perturbations = [.. u.Select(values => BlockPerturbation.At(step.Site, values))];
            return new TangentPass(u, NetworkForward.RunTangents(step.Forward, step.Parameters, perturbations, stopsAfter));
        })];
}
