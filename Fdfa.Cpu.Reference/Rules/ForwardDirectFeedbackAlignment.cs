using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>FDFA: Forward Direct Feedback Alignment, Algorithm 1 of the paper.</summary>
/// <remarks>
/// <code>
/// injected   u⁽ˡ⁾ ~ N(0, I) at the output of hidden blocks l = 1 … L − 1        (line 10, lines 14 to 16)
/// d⁽ᴸ⁾   = Σ_{l&lt;L} Σ_i ∂y⁽ᴸ⁾/∂y_i⁽ˡ⁾ u_i⁽ˡ⁾, from the tangent pass             (Eq. 7; lines 8 and 13)
/// ∇B⁽ˡ⁾  = B⁽ˡ⁾ − (1/KN) Σ_{k,s} d_s⁽ᴸ⁾ ⊗ u_s⁽ˡ⁾                           (Eq. 10, averaged over the batch and K directions)
/// B⁽ˡ⁾   ← B⁽ˡ⁾ − α ∇B⁽ˡ⁾ = (1 − α) B⁽ˡ⁾ + α d⁽ᴸ⁾ ⊗ u⁽ˡ⁾                       (Eq. 8 and 9)
/// g⁽ᴸ⁾   = e                                                               (line 20)
/// g⁽ˡ⁾   = e B⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾),   ∂W⁽ˡ⁾ = Σ_s g_s⁽ˡ⁾ ⊗ y_s⁽ˡ⁻¹⁾                    (Eq. 14; line 23)
/// </code>
/// No hidden block waits for another: each needs e, its own B and its own input. E[∇B] = 0 where B = E[∂y⁽ᴸ⁾/∂y⁽ˡ⁾] (Eq. 12),
/// and for l = L − 1 that is W⁽ᴸ⁾ (Eq. 13).
/// <para>
/// e B⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾) is that of a dense block; in general u⁽ˡ⁾ is added and e B⁽ˡ⁾ arrives at the perturbation site, B⁽ˡ⁾ has a column per
/// value there, and the error goes from there back through the block.
/// </para>
/// <para>Where the paper contradicts itself:</para>
/// <list type="bullet">
/// <item>Line 22 of Algorithm 1 has a minus before α(d ⊗ v). Eq. 8 and 10 are right and are what is computed here; with
/// the minus, B would converge to −∂y⁽ᴸ⁾/∂y⁽ˡ⁾ and the hidden blocks would climb the loss.</item>
/// <item>Algorithm 1 updates B (line 22) before line 23 uses it; the authors' published code uses the old B for both.
/// <see cref="TrainingOptions.FeedbackOrder"/> chooses; <see cref="ReferenceNetwork"/> calls these functions in that order.</item>
/// <item>Appendix A trains B with Adam on ∇B, and then B is no longer the exponential average of Eq. 8. The averaging
/// that Proposition 2 speaks of is <see cref="OptimizerKind.Sgd"/> as <see cref="TrainingOptions.FeedbackOptimizer"/>.</item>
/// </list>
/// </remarks>
public sealed class ForwardDirectFeedbackAlignment : IRule
{
    private readonly DirectFeedbackAlignment _projection = new();

    /// <inheritdoc/>
    public IReadOnlyList<TangentPass> InjectTangents(TrainingStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return TangentPass.PerturbActivations(step);
    }

    /// <inheritdoc/>
    public IReadOnlyList<double[]?> FeedbackGradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(tangents);
        return FeedbackGradients(step, tangents, (l, pass) => MatrixProduct.TransposedTimes(
            pass.Tangents[^1], pass.Perturbations[l - 1], step.Network.OutputSize, step.BatchSize, step.SiteSize(l)));
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents) =>
        _projection.Gradients(step, tangents);

    /// <summary>∇B⁽ˡ⁾ = B⁽ˡ⁾ − (1/KN) Σ_{k,s} t_s ⊗ u_s⁽ˡ⁾.</summary>
    /// <param name="step">The step.</param>
    /// <param name="tangents">K directions.</param>
    /// <param name="summedProducts">
    /// Σ_s t_s ⊗ u_s⁽ˡ⁾ of block l and a direction, as B⁽ˡ⁾, with t the tangent where B⁽ˡ⁾ starts from.
    /// </param>
    internal static IReadOnlyList<double[]?> FeedbackGradients(
        TrainingStep step, IReadOnlyList<TangentPass> tangents, Func<int, TangentPass, double[]> summedProducts)
    {
        var gradients = new double[]?[step.LastBlock];
        for (var l = 1; l < step.LastBlock; l++)
        {
            double[] gradient = [.. step.Parameters.Blocks[l - 1].Feedback];
            foreach (TangentPass pass in tangents)
            {
                double[] sum = summedProducts(l, pass);
                for (var i = 0; i < gradient.Length; i++)
                {
                    gradient[i] -= sum[i] / (step.BatchSize * tangents.Count);
                }
            }

            gradients[l - 1] = gradient;
        }

        return gradients;
    }
}
