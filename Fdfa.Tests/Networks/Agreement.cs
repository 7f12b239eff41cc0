using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Networks;

/// <summary>Training on a device beside the double-precision reference.</summary>
internal static class Agreement
{
    /// <summary>Trains on both, and compares what the last step computed, the parameters after it, and the loss.</summary>
    public static void Check(ComputeDevice device, NetworkDescription network, TrainingOptions options, int steps, params ulong[] seeds) =>
        Check(device, new ReferenceTrajectory(network, options, steps, seeds.Length > 0 ? seeds : [3]));

    /// <summary>Trains a device as the reference has been, and compares the two.</summary>
    public static void Check(ComputeDevice device, ReferenceTrajectory reference)
    {
        var tolerance = AgreementCheck.ToleranceOf(reference);
        var wrong = DeviceTrajectory.Compare(device, reference)
            .Where(one => !IsSignOfRounding(one, reference) && !(reference.ErrorOf(one) <= tolerance))
            .Select(
                one => $"{one.Quantity} of {one.Place}: {reference.ErrorOf(one):E2}, most at index {one.WorstIndex}: "
                    + $"{one.Actual:R} instead of {one.Expected:R}")
            .ToList();
        Assert.True(
            wrong.Count == 0,
            $"{device.Tiles.Programs.First().Name}, {reference.Network}, {reference.Options}, {reference.Steps} steps: "
            + $"norm-wise errors of at most {tolerance:E0} are allowed, and these are larger.\n{string.Join('\n', wrong)}");
    }

    // Adam's first step is the sign of the gradient, and where that is zero but for rounding a weight goes either way. Parameters count
    // where it is not; normalization makes the loss notice the others.
    private static bool IsSignOfRounding(Discrepancy one, ReferenceTrajectory reference) =>
        one.Quantity == Quantity.Loss
        && Optimizer.Of(reference.Options.WeightOptimizer).IsAdaptive
        && reference.Network.HasBatchNormalization;
}
