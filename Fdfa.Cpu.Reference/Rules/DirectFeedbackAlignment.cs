namespace Fdfa.Cpu.Reference.Rules;

/// <summary>DFA: random fixed feedback from the output to every hidden block (Nøkland, 2016).</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ᴸ⁾ = e
/// g⁽ˡ⁾ = (e B⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾),   ∂W⁽ˡ⁾ = Σ_s g_s⁽ˡ⁾ ⊗ y_s⁽ˡ⁻¹⁾      (Eq. 6)
/// feedback   fixed
/// </code>
/// Appendix A starts the weights at zero: then a = 0 everywhere, and with σ'(0) = 0 nothing but the output bias would ever
/// move. The preset of the paper takes σ'(0) = 1 (<see cref="Description.ActivationFunction.ReLUOpenAtZero"/>).
/// </remarks>
public sealed class DirectFeedbackAlignment : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        return BlockGradient.FromDeltas(step.Forward, DirectProjection.Run(step, step.OutputError));
    }
}
