using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>What is added to a block's tangent on its way; null where nothing is.</summary>
/// <param name="AtLinear">Added to z', [N × values of a⁽ˡ⁾]: FG-W's [y 1] Vᵀ.</param>
/// <param name="AtPreactivation">Added to a': u⁽ˡ⁾ at this site, or FG-W's V_γ x̂ + V_β.</param>
/// <param name="BeforePool">Added to σ(a)': u⁽ˡ⁾ at this site.</param>
/// <param name="AtOutput">Added to y⁽ˡ⁾': u⁽ˡ⁾ at the block's output, [N × n_l].</param>
public sealed record BlockPerturbation(double[]? AtLinear, double[]? AtPreactivation, double[]? BeforePool, double[]? AtOutput)
{
    /// <summary>Nothing is added.</summary>
    public static BlockPerturbation None { get; } = new(null, null, null, null);

    /// <summary>u⁽ˡ⁾ at a site.</summary>
    /// <param name="site">Where.</param>
    /// <param name="perturbations">u⁽ˡ⁾; null for nothing.</param>
    public static BlockPerturbation At(PerturbationSite site, double[]? perturbations) => site switch
    {
        PerturbationSite.BlockOutput => None with { AtOutput = perturbations },
        PerturbationSite.BeforePool => None with { BeforePool = perturbations },
        PerturbationSite.PreActivation => None with { AtPreactivation = perturbations },
        _ => throw InvalidOptionException.UnknownValue("perturbation site", site),
    };
}
