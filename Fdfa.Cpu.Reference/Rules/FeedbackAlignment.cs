namespace Fdfa.Cpu.Reference.Rules;

/// <summary>FA: backpropagation through random fixed feedback (Lillicrap, Cownden, Tweed and Akerman, 2016).</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ᴸ⁾ = e
/// δ⁽ˡ⁾ = g⁽ˡ⁺¹⁾ B⁽ˡ⁾      g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾)      for l = L − 1 … 1, B⁽ˡ⁾ as large as W⁽ˡ⁺¹⁾ and in its place
/// feedback   fixed
/// </code>
/// Below a convolution B⁽ˡ⁾ is filters, and the error comes back through their transposed convolution.
/// No weight transport, but the backward locking of BP.
/// </remarks>
public sealed class FeedbackAlignment : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        return BackwardChain.Run(step, l => step.Parameters.Blocks[l - 1].Feedback);
    }
}
