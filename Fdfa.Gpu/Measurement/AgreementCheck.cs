using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Measurement;

/// <summary>How far a device is from the reference for one rule and network.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Case">Network, batch size and number of steps.</param>
/// <param name="LargestError">The largest norm-wise relative error over parameters, activations and tangents.</param>
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
    private static readonly int[] s_stepCounts = [1, 50];

    /// <summary>Runs every rule for one step and for a trajectory of fifty, with both optimizers' defaults, on an odd-sized network.</summary>
    /// <param name="device">The device to check.</param>
    public static IReadOnlyList<AgreementRow> Run(ComputeDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return [.. from rule in LearningRule.All
                   from activation in s_activations
                   from steps in s_stepCounts
                   select Compare(device, rule, activation, steps)];
    }

    private static AgreementRow Compare(ComputeDevice device, LearningRule rule, ActivationFunction activation, int steps)
    {
        var network = new NetworkDescription([37, 65, 17, 10], activation);
        var options = new TrainingOptions { Rule = rule, BatchSize = 21 };
        var reference = new ReferenceTrajectory(network, options, steps, 0, 1);

        // Max would hide a NaN among larger errors; this keeps it.
        var largest = DeviceTrajectory.Compare(device, reference)
            .Aggregate(0.0, (worst, one) => one.RelativeError <= worst ? worst : one.RelativeError);
        return new AgreementRow(
            rule.Name,
            $"{network}, batch {options.BatchSize}, {(steps == 1 ? "1 step" : $"{steps} steps")}, 2 seeds",
            largest,
            steps == 1 ? OneStepTolerance : TrajectoryTolerance);
    }
}
