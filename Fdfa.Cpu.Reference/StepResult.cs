using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Rules;

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
    /// <summary>Everything that the forward pass computed in the block.</summary>
    public required BlockPass Pass { get; init; }

    /// <summary>a⁽ˡ⁾, [N × n_l], or as large as the map before pooling.</summary>
    public double[] Preactivations => Pass.Preactivations;

    /// <summary>y⁽ˡ⁾, [N × n_l].</summary>
    public double[] Activations => Pass.Outputs;

    /// <summary>d⁽ˡ⁾ of each direction, [N × n_l]; none for a rule without tangents.</summary>
    public required IReadOnlyList<double[]> Tangents { get; init; }

    /// <summary>u⁽ˡ⁾ of each direction, as large as the perturbation site; none where no activation is perturbed.</summary>
    public required IReadOnlyList<double[]> Perturbations { get; init; }

    /// <summary>What the rule made of the block.</summary>
    public required BlockGradient Gradient { get; init; }

    /// <summary>∂B⁽ˡ⁾, as large as B⁽ˡ⁾; null where feedback stays as it is.</summary>
    public required double[]? FeedbackGradient { get; init; }

    /// <summary>g⁽ˡ⁾, as large as a⁽ˡ⁾; e in the output block, carrying 1/N. Null for FG-W.</summary>
    public double[]? PreactivationDeltas => Gradient.PreactivationDeltas;

    /// <summary>∂W⁽ˡ⁾, as W⁽ˡ⁾.</summary>
    public double[] WeightGradient => Gradient.Weights;

    /// <summary>∂b⁽ˡ⁾, as b⁽ˡ⁾.</summary>
    public double[] BiasGradient => Gradient.Biases;
}
