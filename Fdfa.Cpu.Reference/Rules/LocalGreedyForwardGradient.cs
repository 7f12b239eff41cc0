using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>
/// LG-FG-A: FG-A with a linear head and a loss of its own after each hidden block l &lt; L − 1 (Ren et al., 2023; Appendix A).
/// </summary>
/// <remarks>
/// <code>
/// injected   u⁽ˡ⁾ at every block; the tangent of a block with a head goes no further, so d⁽ˡ⁾ = u⁽ˡ⁾ in every hidden block
/// z⁽ˡ⁾   = y⁽ˡ⁾ H⁽ˡ⁾ᵀ + c⁽ˡ⁾,   e⁽ˡ⁾ = ∂(mean loss of z⁽ˡ⁾)/∂z⁽ˡ⁾
/// c_s    = e_s⁽ˡ⁾ · (d_s⁽ˡ⁾ H⁽ˡ⁾ᵀ),   g⁽ˡ⁾ = (1/K) Σ_k c_{k,s} u_{k,s}⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾)      l &lt; L − 1
/// ∂H⁽ˡ⁾  = e⁽ˡ⁾ᵀ y⁽ˡ⁾                                        the head's gradient is exact, because it is local
/// l = L − 1 and L as in FG-A, by the network's loss
/// </code>
/// A head reads the block's flattened output, channel by channel. Each loss trains one hidden block, so a derivative mixes n_l
/// perturbations instead of all. With one or two blocks there is no head, and the rule is FG-A.
/// </remarks>
public sealed class LocalGreedyForwardGradient : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<TangentPass> InjectTangents(TrainingStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return TangentPass.PerturbActivations(step, l => step.Options.Rule.HasLocalHead(step.Network, l));
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(tangents);
        return [.. Enumerable.Range(1, step.LastBlock).Select(l => step.Parameters.Blocks[l - 1].Head is { } head
            ? OfLocalLoss(step, tangents, l, head)
            : ActivityPerturbedForwardGradient.OfGlobalLoss(step, tangents, l))];
    }

    private static BlockGradient OfLocalLoss(TrainingStep step, IReadOnlyList<TangentPass> tangents, int l, LocalHead head)
    {
        int neurons = step.Neurons(l);
        int classes = step.Network.OutputSize;
        double[] y = step.Forward.Blocks[l - 1].Outputs;
        double[] z = MatrixProduct.TimesTransposed(y, head.Weights, step.BatchSize, neurons, classes);
        for (var i = 0; i < z.Length; i++)
        {
            z[i] += head.Biases[i % classes];
        }

        var error = new double[z.Length];
        step.Loss.Evaluate(z, step.Labels, error);
        double[][] derivatives = [.. tangents.Select(pass => DirectionalDerivative.PerSample(
            error,
            MatrixProduct.TimesTransposed(pass.Tangents[l - 1], head.Weights, step.BatchSize, neurons, classes),
            step.BatchSize))];

        var biases = new double[classes];
        for (var i = 0; i < error.Length; i++)
        {
            biases[i % classes] += error[i];
        }

        return BlockGradient.FromDeltas(
            step, l, DirectionalDerivative.TimesPerturbations(step, l, tangents, derivatives), step.Site) with
        {
            Head = new LocalHead(MatrixProduct.TransposedTimes(error, y, classes, step.BatchSize, neurons), biases),
        };
    }
}
