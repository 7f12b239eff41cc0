using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Tests.Kernels;

/// <summary>Kernels against the double-precision reference: every rule, activation, tile program and odd size.</summary>
[Collection(OnCpuAccelerators.Name)]
public sealed class DenseAgreementTests(CpuAccelerators devices)
{
    private static readonly int[] s_sizes = [1, 3, 17, 65, 800];
    private static readonly int[] s_batches = [1, 5, 64, 65];
    private static readonly ActivationFunction[] s_activations = [ActivationFunction.ReLU, ActivationFunction.Tanh];

    /// <summary>Rule, activation, size, batch.</summary>
    public static TheoryData<string, ActivationFunction, int, int> Cases()
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
                        cases.Add(rule.Name, activation, size, batch);
                    }
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void One_step_agrees(string rule, ActivationFunction activation, int size, int batch)
    {
        var network = new NetworkDescription([size, size, size, 3], activation);
        var averaging = Averaging(rule, batch, rate: 0.5);
        var adam = WithAdam(rule, batch) with { FeedbackOrder = FeedbackOrder.Simultaneous };
        if (size <= 100)
        {
            AssertTrajectory(network, averaging, 1);
            AssertTrajectory(network, adam, 1);
            return;
        }

        // The SIMT program would take minutes for two square blocks of 800: one shows it the same reductions.
        AssertTrajectory(network, averaging, 1, "simd", "simd-native");
        AssertTrajectory(network, adam, 1, "simd", "simd-native");
        AssertTrajectory(new NetworkDescription([size, size, 3], activation), averaging, 1, "simt");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fifty_steps_agree(string rule, ActivationFunction activation, int size, int batch)
    {
        int[] sizes = size > 100 ? [3, size, 3] : [size, size, size, 3];
        var network = new NetworkDescription(sizes, activation);
        AssertTrajectory(network, Averaging(rule, batch, rate: 0.02), 50);
        AssertTrajectory(network, WithAdam(rule, batch), 50);
    }

    [Fact]
    public void A_network_without_hidden_blocks_agrees()
    {
        foreach (var rule in LearningRule.All)
        {
            AssertTrajectory(new NetworkDescription([19, 5]), WithAdam(rule.Name, 7), 20);
        }
    }

    [Theory]
    [InlineData(FeedbackOrder.FeedbackFirst)]
    [InlineData(FeedbackOrder.Simultaneous)]
    public void Both_feedback_orders_agree(FeedbackOrder order) => AssertTrajectory(
        new NetworkDescription([19, 33, 18, 5]),

        // A large feedback rate tells the old B from the new one.
        Averaging("FDFA", 9, rate: 0.5) with { FeedbackOrder = order },
        1);

    /// <summary>The shape that GPUs run, 64 threads: slow here, where each thread is one of the system's, so one small case.</summary>
    [Fact]
    public void The_tile_shape_of_GPUs_agrees()
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.Simt(), 1);
        foreach (var rule in LearningRule.All)
        {
            var reference = new ReferenceTrajectory(new NetworkDescription([18, 35, 17, 3]), Averaging(rule.Name, 33, rate: 0.5), 1, 3);
            Assert.All(DeviceTrajectory.Compare(device, reference), one => Assert.InRange(one.RelativeError, 0, AgreementCheck.OneStepTolerance));
        }
    }

    // The exponential average and plain SGD: updates large beside the parameters, so that a wrong gradient shows in them.
    private static TrainingOptions Averaging(string rule, int batch, double rate) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = batch,
        LearningRate = rate,
        FeedbackRate = 0.1,
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackOptimizer = OptimizerKind.Sgd,
        FeedbackOrder = FeedbackOrder.Simultaneous,
        Loss = LossFunction.MeanSquaredError,
        FeedbackInitialisation = Initialisation.KaimingUniform,
        WeightInitialisation = Initialisation.PyTorchDefault,
    };

    private static TrainingOptions WithAdam(string rule, int batch) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = batch,
        LearningRate = 1e-3,
        FeedbackRate = 1e-3,
        FeedbackInitialisation = Initialisation.KaimingUniform,
    };

    private void AssertTrajectory(NetworkDescription network, TrainingOptions options, int steps, params string[] tilePrograms)
    {
        var reference = new ReferenceTrajectory(network, options, steps, 3);
        var tolerance = AgreementCheck.ToleranceOf(reference);
        foreach (var tiles in tilePrograms.Length > 0 ? tilePrograms : CpuAccelerators.TilePrograms)
        {
            Assert.All(DeviceTrajectory.Compare(devices.Open(tiles), reference), one =>
            {
                var error = AgreementCheck.ErrorOf(one, reference);
                Assert.True(
                    error <= tolerance,
                    $"{tiles}, {options.WeightOptimizer}: {one.Quantity} of {one.Place} differ by {error:E2} (norm-wise; at most {tolerance:E0}), most at index {one.WorstIndex}: {one.Actual:R} instead of {one.Expected:R}");
            });
        }
    }
}
