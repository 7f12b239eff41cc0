namespace Fdfa.Cpu.Reference;

/// <summary>One training step, laid open for comparison.</summary>
/// <param name="Loss">Mean loss over the batch, before the update.</param>
/// <param name="Correct">Samples classified correctly, before the update.</param>
/// <param name="OutputError">e, [N × n_L].</param>
/// <param name="Blocks">Blocks 1…L at index l − 1.</param>
public sealed record StepResult(double Loss, int Correct, double[] OutputError, IReadOnlyList<BlockTrace> Blocks);

/// <summary>What one block computed in one training step; gradients are those that the optimizer was given.</summary>
public sealed record BlockTrace
{
    /// <summary>a⁽ˡ⁾, [N × n_l].</summary>
    public required double[] Preactivations { get; init; }

    /// <summary>y⁽ˡ⁾, [N × n_l].</summary>
    public required double[] Activations { get; init; }

    /// <summary>d⁽ˡ⁾, [N × n_l]; null for a rule without tangents.</summary>
    public required double[]? Tangents { get; init; }

    /// <summary>u⁽ˡ⁾, [N × n_l]; null where nothing is injected.</summary>
    public required double[]? Perturbations { get; init; }

    /// <summary>g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾), [N × n_l]; e in the output block. It carries 1/N.</summary>
    public required double[] PreactivationDeltas { get; init; }

    /// <summary>∂W⁽ˡ⁾, [n_l × n_{l-1}].</summary>
    public required double[] WeightGradient { get; init; }

    /// <summary>∂b⁽ˡ⁾, [n_l].</summary>
    public required double[] BiasGradient { get; init; }

    /// <summary>∂B⁽ˡ⁾, [n_L × n_l]; null where feedback stays as it is.</summary>
    public required double[]? FeedbackGradient { get; init; }
}
