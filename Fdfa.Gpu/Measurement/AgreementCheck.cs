using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Measurement;

/// <summary>How far a device is from the reference for one rule and network.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Case">Network, batch size, optimizer and number of steps.</param>
/// <param name="LargestError">The largest norm-wise relative error over parameters, activations, tangents, deltas and loss.</param>
/// <param name="Tolerance">The bound it is held to.</param>
public sealed record AgreementRow(string Rule, string Case, double LargestError, double Tolerance)
{
    /// <summary>Whether the device agrees. NaN never does.</summary>
    public bool Agrees => LargestError <= Tolerance;
}

/// <summary>Agreement of a device with the double-precision reference.</summary>
public static class AgreementCheck
{
    /// <summary>Bound after one step: single precision's rounding over reductions of up to a thousand terms.</summary>
    public const double OneStepTolerance = 1e-5;

    /// <summary>Bound after fifty steps, over which rounding is amplified.</summary>
    public const double TrajectoryTolerance = 1e-3;

    private static readonly ActivationFunction[] s_activations = [ActivationFunction.ReLU, ActivationFunction.Tanh];

    /// <summary>Runs every rule on odd sizes, for one step and for a trajectory of fifty, with two seeds.</summary>
    /// <param name="device">The device to check.</param>
    /// <param name="cancellation">Ends the check after the current case.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<AgreementRow> Run(ComputeDevice device, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        return [.. LearningRule.All.SelectMany(Cases).Select(one =>
        {
            cancellation.ThrowIfCancellationRequested();
            return Compare(device, one.Network, one.Options, one.Steps);
        })];
    }

    /// <summary>The error that a comparison is judged by.</summary>
    /// <remarks>
    /// After one step with Adam, parameters count where the step is well conditioned: it is the sign of the gradient. After
    /// more, deltas and loss do not count: training can take the error away until nothing but rounding is left of it.
    /// </remarks>
    internal static double ErrorOf(Discrepancy one, ReferenceTrajectory reference) => reference.Steps switch
    {
        1 when reference.Options.WeightOptimizer == OptimizerKind.Adam => one.WellConditionedError,
        > 1 when one.Quantity is Quantity.Deltas or Quantity.Loss => 0,
        _ => one.RelativeError,
    };

    /// <summary>The bound for a trajectory's length.</summary>
    internal static double ToleranceOf(ReferenceTrajectory reference) => reference.Steps == 1 ? OneStepTolerance : TrajectoryTolerance;

    private static IEnumerable<(NetworkDescription Network, TrainingOptions Options, int Steps)> Cases(LearningRule rule)
    {
        // Adam's first step flips where a new B is zero but for rounding, and a delta with it: one step uses the old B.
        var adam = new TrainingOptions { Rule = rule, BatchSize = 21, FeedbackInitialisation = Initialisation.KaimingUniform };
        var averaging = adam with
        {
            BatchSize = 65,
            LearningRate = 0.02,
            FeedbackRate = 0.1,
            WeightOptimizer = OptimizerKind.Sgd,
            FeedbackOptimizer = OptimizerKind.Sgd,
            Loss = LossFunction.MeanSquaredError,
        };
        foreach (var activation in s_activations)
        {
            var network = new NetworkDescription([37, 65, 117, 10], activation);
            yield return (network, adam with { FeedbackOrder = FeedbackOrder.Simultaneous }, 1);
            yield return (network, averaging, 1);
            yield return (network, adam, 50);
            yield return (network, averaging with { FeedbackOrder = FeedbackOrder.Simultaneous }, 50);
        }

        yield return (new NetworkDescription([19, 5]), adam, 50);
    }

    private static AgreementRow Compare(ComputeDevice device, NetworkDescription network, TrainingOptions options, int steps)
    {
        var reference = new ReferenceTrajectory(network, options, steps, 0, 1);

        // Max would hide a NaN among larger errors; this keeps it.
        var largest = DeviceTrajectory.Compare(device, reference)
            .Select(one => ErrorOf(one, reference))
            .Aggregate(0.0, (worst, error) => error <= worst ? worst : error);
        return new AgreementRow(
            options.Rule.Name,
            $"{network}, batch {options.BatchSize}, {options.WeightOptimizer}, {(steps == 1 ? "1 step" : $"{steps} steps")}",
            largest,
            ToleranceOf(reference));
    }
}
