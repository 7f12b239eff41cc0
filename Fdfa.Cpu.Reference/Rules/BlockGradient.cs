using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>What a rule makes of one block: the gradients that its optimizers are given.</summary>
/// <param name="Weights">∂W⁽ˡ⁾, as W⁽ˡ⁾.</param>
/// <param name="Biases">∂b⁽ˡ⁾, as b⁽ˡ⁾; empty where there is batch normalization.</param>
/// <param name="PreactivationDeltas">g⁽ˡ⁾, the derivative by a⁽ˡ⁾, [N × values of a⁽ˡ⁾]; null for FG-W, which has none.</param>
public sealed record BlockGradient(double[] Weights, double[] Biases, double[]? PreactivationDeltas)
{
    /// <summary>The derivative by z, which ∂W⁽ˡ⁾ and block l − 1 see: g⁽ˡ⁾ back through batch normalization. Null for FG-W.</summary>
    public double[]? LinearDeltas { get; init; }

    /// <summary>∂γ; null where there is no batch normalization.</summary>
    public double[]? Scale { get; init; }

    /// <summary>∂β; null where there is no batch normalization.</summary>
    public double[]? Shift { get; init; }

    /// <summary>The gradient of the block's local head; null where it has none.</summary>
    public LocalHead? Head { get; init; }

    /// <summary>From an error within a block to its gradients: exact and local (Eq. 14).</summary>
    /// <param name="step">The step.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="deltas">The error, as large as the site.</param>
    /// <param name="site">Where it arrives.</param>
    public static BlockGradient FromDeltas(TrainingStep step, int l, double[] deltas, PerturbationSite site)
    {
        ArgumentNullException.ThrowIfNull(step);
        BlockPass pass = step.Forward.Blocks[l - 1];
        BlockDeltas back = pass.Backward(step.Parameters.Blocks[l - 1], deltas, site);
        return new BlockGradient(
            LinearMap.WeightGradient(pass.Block, back.Linear, pass.Inputs, pass.BatchSize),
            LinearMap.BiasGradient(pass.Block, back.Linear),
            back.Preactivations)
        {
            LinearDeltas = back.Linear,
            Scale = back.Scale,
            Shift = back.Shift,
        };
    }
}
