using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Tests.Networks;

/// <summary>Options whose steps can be compared in single and double precision: neither too small to show, nor off to infinity.</summary>
internal static class StepOptions
{
    /// <summary>Adam for both.</summary>
    public static TrainingOptions WithAdam(string rule, int batch) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = batch,
        LearningRate = 1e-3,
        FeedbackRate = 1e-3,
        FeedbackInitialisation = Initialisation.KaimingUniform,
    };

    /// <summary>The exponential average and plain SGD.</summary>
    public static TrainingOptions Averaging(string rule, int batch) => WithRates(WithAdam(rule, batch) with
    {
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackOptimizer = OptimizerKind.Sgd,
        FeedbackOrder = FeedbackOrder.Simultaneous,
        Loss = LossFunction.MeanSquaredError,
        WeightInitialisation = Initialisation.PyTorchDefault,
    });

    /// <summary>Updates large beside the parameters, so that a wrong gradient shows in them.</summary>
    public static TrainingOptions LargeStep(string rule, int batch) => WithRates(Averaging(rule, batch), steps: 1);

    /// <summary>Rates that suit the optimizers, and the number of steps.</summary>
    public static TrainingOptions WithRates(TrainingOptions options, int steps = int.MaxValue)
    {
        // DRTP's deltas do not shrink with the error: a larger step takes a lone bias from one side of zero to the other.
        var factor = steps > 1 ? 1 : options.Rule == LearningRule.DirectRandomTargetPropagation ? 5 : 25;
        return options with
        {
            LearningRate = Optimizer.Of(options.WeightOptimizer).IsAdaptive
                ? 1e-3
                : factor * Calm(options.WeightOptimizer) * AgreementCheck.StableRate(options.Rule),
            FeedbackRate = Optimizer.Of(options.FeedbackOptimizer).IsAdaptive ? 1e-3 : 0.1 * Calm(options.FeedbackOptimizer),
        };
    }

    // Momentum adds up several gradients.
    private static double Calm(OptimizerKind optimizer) => Optimizer.Of(optimizer).HasMomentum ? 0.2 : 1;
}
