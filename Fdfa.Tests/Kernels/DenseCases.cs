using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Kernels;

/// <summary>What kernels and reference are compared on, and how.</summary>
internal static class DenseCases
{
    private static readonly int[] s_sizes = [1, 3, 17, 65, 800];
    private static readonly int[] s_batches = [1, 5, 64, 65];
    private static readonly ActivationFunction[] s_activations = [ActivationFunction.ReLU, ActivationFunction.Tanh];

    /// <summary>The tile programs with vectors, as wide as they come and as .NET has them.</summary>
    public static string[] SimdPrograms { get; } = ["simd", "simd-native"];

    /// <summary>Rule, activation, size, batch.</summary>
    public static TheoryData<string, ActivationFunction, int, int> All()
    {
        var cases = new TheoryData<string, ActivationFunction, int, int>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var activation in s_activations)
            {
                foreach (var size in s_sizes)
                {
                    foreach (var batch in s_batches)
                    {
                        // The largest blocks take most of the time; the rules whose kernels hold the others' parts see them with
                        // every batch, the others without the one that is neither odd nor small. What an activation does to an
                        // element does not depend on how many there are: the second one sees large blocks with one batch.
                        var holdsOthers = rule.Name is "BP" or "FDFA";
                        var isSecond = activation != s_activations[0];
                        if (size < 65 || (isSecond ? batch == 5 || (size == 65 && holdsOthers) : size == 65 || batch != 64 || holdsOthers))
                        {
                            cases.Add(rule.Name, activation, size, batch);
                        }
                    }
                }
            }
        }

        return cases;
    }

    /// <summary>Updates large beside the parameters, so that a wrong gradient shows in them.</summary>
    public static TrainingOptions LargeStep(string rule, int batch)
    {
        // DRTP's deltas do not shrink with the error: a larger step takes a lone bias from one side of zero to the other.
        var factor = rule == "DRTP" ? 5 : 25;
        var options = Averaging(rule, batch);
        return options with { LearningRate = factor * options.LearningRate };
    }

    /// <summary>The exponential average and plain SGD.</summary>
    public static TrainingOptions Averaging(string rule, int batch) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = batch,
        LearningRate = AgreementCheck.StableRate(LearningRule.Parse(rule)),
        FeedbackRate = 0.1,
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackOptimizer = OptimizerKind.Sgd,
        FeedbackOrder = FeedbackOrder.Simultaneous,
        Loss = LossFunction.MeanSquaredError,
        FeedbackInitialisation = Initialisation.KaimingUniform,
        WeightInitialisation = Initialisation.PyTorchDefault,
    };

    /// <summary>Adam for both.</summary>
    public static TrainingOptions WithAdam(string rule, int batch) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = batch,
        LearningRate = 1e-3,
        FeedbackRate = 1e-3,
        FeedbackInitialisation = Initialisation.KaimingUniform,
    };

    /// <summary>Compares every tile program, or those given, with the reference.</summary>
    public static void AssertAgreement(
        CpuAccelerators devices, NetworkDescription network, TrainingOptions options, int steps, params string[] tilePrograms)
    {
        var reference = new ReferenceTrajectory(network, options, steps, 3);
        foreach (var tiles in tilePrograms.Length > 0 ? tilePrograms : CpuAccelerators.TilePrograms)
        {
            AssertAgreement(devices.Open(tiles), reference);
        }
    }

    /// <summary>Compares a device with the reference.</summary>
    public static void AssertAgreement(ComputeDevice device, ReferenceTrajectory reference)
    {
        var tolerance = AgreementCheck.ToleranceOf(reference);
        Assert.All(DeviceTrajectory.Compare(device, reference).Where(one => !IsSignOfRounding(one, reference)), one =>
        {
            var error = reference.ErrorOf(one);
            Assert.True(
                error <= tolerance,
                $"{device.Tiles.Programs.First().Name}, {reference.Options.WeightOptimizer}: {one.Quantity} of {one.Place} differ by {error:E2} (norm-wise; at most {tolerance:E0}), most at index {one.WorstIndex}: {one.Actual:R} instead of {one.Expected:R}");
        });
    }

    // Adam's first step is the sign of the gradient, and where that is zero but for rounding a weight goes either way. Parameters count where it is
    // not; normalization makes the loss notice the others.
    private static bool IsSignOfRounding(Discrepancy one, ReferenceTrajectory reference) =>
        one.Quantity == Quantity.Loss
        && reference.Options.WeightOptimizer == OptimizerKind.Adam
        && reference.Network.HasBatchNormalization;
}
