using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>L-FDFA: feedback alignment whose feedback is learned from forward gradients, as the paper's Discussion proposes.</summary>
/// <remarks>
/// <code>
/// injected   u⁽ˡ⁾ at the output of hidden blocks, as in FDFA
/// t⁽ˡ⁺¹⁾ = d⁽ˡ⁾ W⁽ˡ⁺¹⁾ᵀ, the tangent that arrives at block l + 1, before σ' and u⁽ˡ⁺¹⁾
/// ∇B⁽ˡ⁾  = B⁽ˡ⁾ − (1/KN) Σ_{k,s} t_s⁽ˡ⁺¹⁾ ⊗ u_s⁽ˡ⁾         B⁽ˡ⁾ [n_{l+1} × n_l]
/// δ⁽ˡ⁾   = g⁽ˡ⁺¹⁾ B⁽ˡ⁾                                     as in FA
/// </code>
/// Below a convolution t ⊗ u is taken filter weight by filter weight, as a mean over the positions where a weight sees the image: there too
/// E[t ⊗ u] = W⁽ˡ⁺¹⁾.
/// d⁽ˡ⁾ is u⁽ˡ⁾ and what came from below, which is independent of u⁽ˡ⁾: E[t ⊗ u] = W⁽ˡ⁺¹⁾, for every block. Where direct
/// feedback approximates a non-linear map, this feedback loses its bias altogether, at the price of backward locking. The chain
/// runs in the step, so weights always see the old B.
/// </remarks>
public sealed class LayerwiseForwardFeedbackAlignment : IRule
{
    private readonly FeedbackAlignment _chain = new();

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
        return ForwardDirectFeedbackAlignment.FeedbackGradients(step, tangents, (l, pass) => SummedProducts(step, l, pass));
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents) =>
        _chain.Gradients(step, tangents);

    private static double[] SummedProducts(TrainingStep step, int l, TangentPass pass)
    {
        Block above = step.Network.Blocks[l];
        double[] t = LinearMap.Run(above, pass.Tangents[l - 1], step.Parameters.Blocks[l].Weights, step.BatchSize);
        double[] sum = LinearMap.WeightGradient(above, t, pass.Perturbations[l - 1]!, step.BatchSize);
        if (above is ConvolutionBlock convolution)
        {
            double[] uses = Convolution.UsesOfWeights(convolution);
            for (var i = 0; i < sum.Length; i++)
            {
                // A weight that never sees the image teaches nothing: its sum is zero, and B stays where it starts if that is zero too.
                sum[i] /= Math.Max(uses[i], 1);
            }
        }

        return sum;
    }
}
