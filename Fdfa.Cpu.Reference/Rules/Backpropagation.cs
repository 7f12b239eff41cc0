namespace Fdfa.Cpu.Reference.Rules;

/// <summary>BP: error backpropagation, the rule that all others are measured by.</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ᴸ⁾ = e
/// δ⁽ˡ⁾ = g⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾      g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾)      for l = L − 1 … 1
/// feedback   none
/// </code>
/// Block l waits for block l + 1 (the paper's "backward locking") and reads its weights ("weight transport").
/// </remarks>
public sealed class Backpropagation : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        return BackwardChain.Run(step, l => step.Parameters.Blocks[l].Weights);
    }
}
