using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;
using Fdfa.Tests.Networks;
using Fdfa.Tests.Training;

namespace Fdfa.Tests.Devices;

/// <summary>
/// The kernels of GPUs on a real OpenCL driver, against the double-precision reference: dense networks, with the tolerances of the CPU.
/// </summary>
/// <remarks>
/// A driver takes seconds to build a kernel: by day they are FDFA's (<see cref="OnOpenCl.Few"/>), and activations, optimizers and losses
/// come in fewer combinations than on the CPU.
/// </remarks>
[Collection(OnOpenCl.Name)]
public sealed class OpenClDenseTests(OpenClDevice openCl)
{
    public static TheoryData<string> FewRules => OnOpenCl.Few(LearningRule.All.Select(rule => rule.Name));

    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void A_step_of_dense_networks_agrees(string rule)
    {
        int[] sizes = [1, 3, 17, 65];
        int[] batches = [1, 5, 64, 65];
        foreach (var (size, batch) in sizes.SelectMany(size => batches.Select(batch => (size, batch))).Append((800, 65)))
        {
            var network = new NetworkDescription(size > 100 ? [size, size, 3] : [size, size, size, 3]);
            AssertAgreement(network, StepOptions.LargeStep(rule, batch), 1);
            AssertAgreement(network, StepOptions.WithAdam(rule, batch) with { FeedbackOrder = FeedbackOrder.Simultaneous }, 1);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void Fifty_steps_of_dense_networks_agree(string rule)
    {
        foreach (var (size, batch) in new[] { (17, 5), (65, 64) })
        {
            var network = new NetworkDescription([size, size, size, 3]);
            AssertAgreement(network, StepOptions.Averaging(rule, batch), 50);
            AssertAgreement(network, StepOptions.WithAdam(rule, batch), 50);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void Variants_of_a_rule_agree(string rule) => AssertVariants(rule, NoiseDistribution.Normal);

    /// <remarks>
    /// With optimization PoCL 3.1 (LLVM 15) gives a fifth of ±1 the wrong sign, of as_float((word &amp; 0x80000000) ^ 0x3F800000), which
    /// leaves it no choice; without, and on every other device, they are right.
    /// </remarks>
    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void A_variant_with_random_signs_agrees(string rule)
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("POCL_EXTRA_BUILD_FLAGS") == "-cl-opt-disable",
            "PoCL 3.1's optimizer makes wrong signs; runs with POCL_EXTRA_BUILD_FLAGS=-cl-opt-disable, as .ci/run sets it.");
        AssertVariants(rule, NoiseDistribution.Rademacher);
    }

    private void AssertVariants(string rule, NoiseDistribution noise)
    {
        foreach (var (_, vary) in AgreementCheck.Variants(LearningRule.Parse(rule))
            .Where(one => one.Vary(StepOptions.WithAdam(rule, 5)).Noise == noise))
        {
            AssertAgreement(new NetworkDescription([65, 65, 65, 3]), vary(StepOptions.LargeStep(rule, 21)), 1);
            AssertAgreement(new NetworkDescription([17, 17, 17, 3]), vary(StepOptions.WithAdam(rule, 5)), 12);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(OnOpenCl.Activations), MemberType = typeof(OnOpenCl))]
    public void A_step_with_every_activation_agrees(ActivationFunction activation) =>
        AssertAgreement(new NetworkDescription([17, 33, 18, 3], activation), StepOptions.LargeStep("FDFA", 9), 1);

    /// <summary>The numbers of the CPU's snapshot, but for rounding: its bits are another device's.</summary>
    [SkippableFact]
    public void Twenty_steps_match_the_snapshot_of_the_CPU()
    {
        Skip.IfNot(
            KernelSelection.IsExhaustive,
            "A driver builds the kernels of every rule for minutes; set FDFA_EXHAUSTIVE=1, as .ci/nightly does.");
        var device = openCl.Open(TileProgram.Simt());
        var expected = Numbers(File.ReadAllText(Path.Combine(SharedData.Repository!, "Fdfa.Tests", "__snapshots__", "trajectory.snap")));
        var actual = Numbers(TrainerTests.Trajectory(device));
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(
            expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.Second - pair.First), 0, 1e-4 * Math.Max(1, Math.Abs(pair.First))));
    }

    [SkippableFact]
    public async Task A_short_training_learns_as_on_the_CPU()
    {
        var device = openCl.Open(TileProgram.Simt());
        using var cpu = ComputeDevice.Open("cpu");
        using var images = await new DataSetCatalog(new DataLocations(null, null, Path.GetTempPath(), []), downloader: null)
            .LoadAsync("embedded");
        double Accuracy(ComputeDevice on)
        {
            const int Samples = 2000;
            using var train = new DeviceDataSet(
                on, images.Train.Samples.Span[..(Samples * images.Train.SampleSize)], images.Train.Labels.AsSpan(0, Samples),
                images.Train.SampleSize, 10);
            using var trainer = new Trainer(
                on, Topology.Parse("784-100-10"), new TrainingOptions { LearningRate = 1e-3, FeedbackRate = 1e-3 }, train, [0]);
            trainer.TrainEpoch();
            trainer.TrainEpoch();
            return trainer.Evaluate(train)[0].Accuracy;
        }

        var expected = Accuracy(cpu);
        Assert.InRange(expected, 0.6, 1);
        Assert.InRange(Accuracy(device), expected - 0.01, expected + 0.01);
    }

    private static double[] Numbers(string text) =>
        [.. text.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
            .Select(
                word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : (double?)null)
            .OfType<double>()];

    private void AssertAgreement(NetworkDescription network, TrainingOptions options, int steps) =>
        Agreement.Check(openCl.Open(TileProgram.Simt()), network, options, steps);
}
