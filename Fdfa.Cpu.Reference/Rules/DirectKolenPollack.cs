using Fdfa.Cpu.Reference.Blocks;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>DKP: direct feedback that follows the update of output weights (Webster, Choi and Ahn, 2021).</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ˡ⁾   = (e B⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾)             as in DFA
/// ∇B⁽ˡ⁾  = eᵀ y⁽ˡ⁾ + decay · B⁽ˡ⁾           [n_L × n_l]; with another perturbation site, the values there
/// </code>
/// For l = L − 1 and decay 0 that is the gradient of W⁽ᴸ⁾: at equal rates B − W⁽ᴸ⁾ stays what it was at the start. With the same
/// decay on both it would vanish (Kolen and Pollack, 1994), but weights have no decay here. The published code does without
/// decay too, and recommends 1e-6 on B. <see cref="Description.TrainingOptions.FeedbackOrder"/> says whether e B⁽ˡ⁾ sees B before
/// or after this update, of which the paper says nothing.
/// </remarks>
public sealed class DirectKolenPollack : IRule
{
    private readonly DirectFeedbackAlignment _projection = new();

    /// <inheritdoc/>
    public IReadOnlyList<double[]?> FeedbackGradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        var gradients = new double[]?[step.LastBlock];
        for (var l = 1; l < step.LastBlock; l++)
        {
            double[] b = step.Parameters.Blocks[l - 1].Feedback;
            double[] gradient = MatrixProduct.TransposedTimes(
                step.OutputError, step.Forward.Blocks[l - 1].ValuesAt(step.Site), step.Network.OutputSize, step.BatchSize,
                step.SiteSize(l));
            for (var i = 0; i < gradient.Length; i++)
            {
                gradient[i] += step.Options.FeedbackDecay * b[i];
            }

            gradients[l - 1] = gradient;
        }

        return gradients;
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents) =>
        _projection.Gradients(step, tangents);
}
