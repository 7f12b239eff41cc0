using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Kernels;

/// <summary>Kernels against the double-precision reference: one step of every rule, activation, tile program and odd size.</summary>
[Collection(OnCpuAccelerators.Name)]
public sealed class DenseAgreementTests(CpuAccelerators devices)
{
    [Theory]
    [MemberData(nameof(DenseCases.All), MemberType = typeof(DenseCases))]
    public void One_step_agrees(string rule, ActivationFunction activation, int size, int batch)
    {
        var network = new NetworkDescription([size, size, size, 3], activation);
        var averaging = DenseCases.LargeStep(rule, batch);
        var adam = DenseCases.WithAdam(rule, batch) with { FeedbackOrder = FeedbackOrder.Simultaneous };
        if (size <= 100)
        {
            DenseCases.AssertAgreement(devices, network, averaging, 1);
            DenseCases.AssertAgreement(devices, network, adam, 1);
            return;
        }

        // The SIMT program would take minutes for two square blocks of 800: one shows it the same reductions.
        DenseCases.AssertAgreement(devices, network, averaging, 1, DenseCases.SimdPrograms);
        DenseCases.AssertAgreement(devices, network, adam, 1, DenseCases.SimdPrograms);
        DenseCases.AssertAgreement(devices, new NetworkDescription([size, size, 3], activation), averaging, 1, "simt");
    }

    [Fact]
    public void A_network_without_hidden_blocks_agrees()
    {
        foreach (var rule in LearningRule.All)
        {
            DenseCases.AssertAgreement(devices, new NetworkDescription([19, 5]), DenseCases.WithAdam(rule.Name, 7), 20);
        }
    }

    [Fact]
    public void A_rule_whose_weights_start_at_zero_agrees_where_the_derivative_at_zero_is_one() => DenseCases.AssertAgreement(
        devices,
        new NetworkDescription([19, 33, 18, 5], ActivationFunction.ReLUOpenAtZero),
        DenseCases.LargeStep("DFA", 9) with { WeightInitialisation = Initialisation.Zeros },
        20);

    [Theory]
    [InlineData(FeedbackOrder.FeedbackFirst)]
    [InlineData(FeedbackOrder.Simultaneous)]
    public void Both_feedback_orders_agree(FeedbackOrder order) => DenseCases.AssertAgreement(
        devices,
        new NetworkDescription([19, 33, 18, 5]),

        // A large feedback rate tells the old B from the new one.
        DenseCases.LargeStep("FDFA", 9) with { FeedbackOrder = order },
        1);

    /// <summary>The shape that GPUs run, 64 threads: slow here, where each thread is one of the system's, so one small case.</summary>
    [Fact]
    public void The_tile_shape_of_GPUs_agrees()
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.Simt(), 1);
        foreach (var rule in LearningRule.All)
        {
            var reference = new ReferenceTrajectory(new NetworkDescription([18, 35, 17, 3]), DenseCases.LargeStep(rule.Name, 33), 1, 3);
            Assert.All(DeviceTrajectory.Compare(device, reference), one => Assert.InRange(one.RelativeError, 0, AgreementCheck.OneStepTolerance));
        }
    }
}
