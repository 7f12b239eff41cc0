namespace Fdfa.Cpu.Reference.Rules;

/// <summary>DRTP: random projections of the targets in the place of errors (Frenkel, Lefebvre and Bol, 2021).</summary>
/// <remarks>
/// <code>
/// injected   nothing
/// g⁽ᴸ⁾ = e
/// g⁽ˡ⁾ = (−t/N · B⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾)      t [N × n_L] one-hot: the part of N·e that is known before the forward pass
/// feedback   fixed
/// </code>
/// (with cross-entropy; with the squared error that part is 2/n_L times as large). Frenkel et al. leave the sign to the random B; here it
/// is that of the error it stands for.
/// </remarks>
public sealed class DirectRandomTargetPropagation : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        var targets = new double[step.OutputError.Length];
        for (var sample = 0; sample < step.BatchSize; sample++)
        {
            targets[(sample * step.Network.OutputSize) + step.Labels[sample]] = -1.0 / step.BatchSize;
        }

        return DirectProjection.Run(step, targets);
    }
}
