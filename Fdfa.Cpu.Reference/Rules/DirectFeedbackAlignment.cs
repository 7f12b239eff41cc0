namespace Fdfa.Cpu.Reference.Rules;

/// <summary>DFA: random fixed feedback from the output to every hidden block (Nøkland, 2016).</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ᴸ⁾ = e
/// g⁽ˡ⁾ = (e B⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾),   ∂W⁽ˡ⁾ = Σ_s g_s⁽ˡ⁾ ⊗ y_s⁽ˡ⁻¹⁾      (Eq. 6)
/// feedback   fixed
/// </code>
/// Shown for a dense block; in general e B⁽ˡ⁾ is the error at the perturbation site, and goes from there back through the block.
/// Appendix A starts the weights at zero: then a = 0 everywhere, and with σ'(0) = 0 nothing but the output bias would ever
/// move. The preset of the paper takes σ'(0) = 1 (<see cref="Description.ActivationFunction.ReLUOpenAtZero"/>).
/// </remarks>
public sealed class DirectFeedbackAlignment : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        return DirectProjection.Run(step, step.OutputError);
    }
}
