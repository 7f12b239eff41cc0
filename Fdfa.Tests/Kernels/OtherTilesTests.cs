using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Devices;

namespace Fdfa.Tests.Kernels;

/// <summary>What only some tile programs of the table have, against the reference: a split reduction, blocks of 8 × 8, no staging.</summary>
public sealed class OtherTilesTests : IDisposable
{
    private readonly ComputeDevice[] _devices =
    [
        ComputeDevice.OpenCpu(TileProgram.Direct(), 2),
        ComputeDevice.OpenCpu(TileProgram.Simt<TwoSlices, Rows8<Twice<Float4>>>(), 2),
        ComputeDevice.OpenCpu(TileProgram.Simt<TwoRows, Rows8<Twice<Float4>>>(), 2),
    ];

    [Theory]
    [MemberData(nameof(OpenClRaceTests.Cases), MemberType = typeof(OpenClRaceTests))]
    public void A_step_of_a_dense_network_agrees(string rule, string variant)
    {
        var vary = AgreementCheck.Variants(LearningRule.Parse(rule)).FirstOrDefault(one => one.Name == variant).Vary ?? (same => same);
        AssertAgreement(new NetworkDescription([18, 35, 17, 3]), vary(DenseCases.LargeStep(rule, 33)), 1);
        AssertAgreement(new NetworkDescription([3, 17, 1, 3], ActivationFunction.Tanh), vary(DenseCases.WithAdam(rule, 5)), 4);
    }

    [Theory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void A_step_of_a_network_with_channels_agrees(string rule)
    {
        AssertAgreement(ChannelCases.Pooled(isNormalized: true), DenseCases.LargeStep(rule, 8), 1);
        AssertAgreement(ChannelCases.WithoutDense(isNormalized: false), DenseCases.Averaging(rule, 17), 1);
        AssertAgreement(ChannelCases.NormalizedDense, DenseCases.LargeStep(rule, 21), 1);
    }

    public void Dispose() => Array.ForEach(_devices, device => device.Dispose());

    private void AssertAgreement(NetworkDescription network, TrainingOptions options, int steps)
    {
        var reference = new ReferenceTrajectory(network, options, steps, 3);
        Array.ForEach(_devices, device => DenseCases.AssertAgreement(device, reference));
    }

    /// <summary>Two threads, each with every other step of the reduction.</summary>
    private readonly struct TwoSlices : ITileShape
    {
        public static int Rows => 1;

        public static int Columns => 1;

        public static int Slices => 2;

        public static int Depth => 64;
    }

    /// <summary>Two threads, one above the other.</summary>
    internal readonly struct TwoRows : ITileShape
    {
        public static int Rows => 2;

        public static int Columns => 1;

        public static int Slices => 1;

        public static int Depth => 64;
    }
}
