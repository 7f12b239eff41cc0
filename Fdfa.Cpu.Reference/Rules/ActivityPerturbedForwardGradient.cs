using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>FG-A: activity-perturbed forward gradients, Algorithm 3 of the paper (Ren et al., 2023).</summary>
/// <remarks>
/// <code>
/// injected   u⁽ˡ⁾ at the output of every block, l = 1 … L
/// c_s    = e_s · d_s⁽ᴸ⁾                                    (Eq. 4; line 17)
/// g⁽ˡ⁾   = (1/K) Σ_k c_{k,s} u_{k,s}⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾),   ∂W⁽ˡ⁾ = Σ_s g_s⁽ˡ⁾ ⊗ y_s⁽ˡ⁻¹⁾     (Eq. 5; line 20)
/// feedback   none
/// </code>
/// E[∂W⁽ˡ⁾] is the gradient, because E[u uᵀ] = I (Theorem 3). Each sample has its own u and its own derivative.
/// <para>
/// g⁽ˡ⁾ as it stands is that of a dense block perturbed at its output; in general c u is the error at the
/// perturbation site, and goes from there back through the block. Behind batch normalization a sample's u also moves other samples'
/// outputs; c_s does not see that, so that E[c_s u_s] is the gradient of the sample's own loss alone. What is missing, N − 1 terms of order
/// 1/N, does not vanish with N: behind batch normalization this rule is biased, as is everything that is learned sample by sample (LG-FG-A,
/// FG-W with <see cref="WeightNoise.PerSample"/>, FDFA's B). Only Σ_s c_s, one number for the batch, would not be.
/// </para>
/// <para>
/// Where the paper contradicts itself: line 13 injects only for l &lt; L, but line 20 updates the output block with a
/// perturbation too. Eq. 4 sums over l ≤ L, and so the output is perturbed here. <see cref="OutputGradient.Exact"/> injects nothing
/// at the output and gives it g⁽ᴸ⁾ = e, which is local there.
/// </para>
/// </remarks>
public sealed class ActivityPerturbedForwardGradient : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<TangentPass> InjectTangents(TrainingStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return TangentPass.PerturbActivations(step);
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(tangents);
        return [.. Enumerable.Range(1, step.LastBlock).Select(l => OfGlobalLoss(step, tangents, l))];
    }

    /// <summary>A block's gradient of the network's loss.</summary>
    internal static BlockGradient OfGlobalLoss(TrainingStep step, IReadOnlyList<TangentPass> tangents, int l)
    {
        if (l == step.LastBlock && !step.Options.Perturbs(isOutput: true))
        {
            return BlockGradient.FromDeltas(step, l, step.OutputError, PerturbationSite.BlockOutput);
        }

        double[][] derivatives = [.. tangents.Select(pass =>
            DirectionalDerivative.PerSample(step.OutputError, pass.Tangents[^1], step.BatchSize))];
        return BlockGradient.FromDeltas(
            step, l, DirectionalDerivative.TimesPerturbations(step, l, tangents, derivatives), step.Site);
    }
}
