using System.Reflection;
using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Measurement;
using Fdfa.Tests.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Tests.Devices;

/// <summary>The kernels of GPUs, with their 64 threads, under Oclgrind: it simulates an OpenCL device and reports races and bad accesses.</summary>
/// <remarks>.ci/run installs it, names its driver and the file of its reports, and sets FDFA_OCLGRIND to that file's name.</remarks>
public sealed class OpenClRaceTests
{
    private static readonly string? s_reports = Environment.GetEnvironmentVariable("FDFA_OCLGRIND");

    /// <summary>Rule, and what it does besides its defaults.</summary>
    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var rule in LearningRule.All)
        {
            cases.Add(rule.Name, string.Empty);
            foreach (var (variant, _) in AgreementCheck.Variants(rule))
            {
                cases.Add(rule.Name, variant);
            }
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Steps_agree_without_a_race_or_a_bad_access(string rule, string variant)
    {
        using var device = OpenSimulator();
        var learningRule = LearningRule.Parse(rule);
        var options = new TrainingOptions
        {
            Rule = learningRule,
            BatchSize = 9,
            LearningRate = AgreementCheck.StableRate(learningRule),
            WeightOptimizer = OptimizerKind.Sgd,
            FeedbackInitialisation = Initialisation.KaimingUniform,
        };
        var vary = AgreementCheck.Variants(learningRule).FirstOrDefault(one => one.Name == variant).Vary ?? (same => same);

        // The third step is a partial batch. More rows than a tile has, and not a multiple of it.
        var reference = new ReferenceTrajectory(new NetworkDescription([5, 19, 18, 3]), vary(options), 3, 0);
        var before = Reports();
        Assert.All(DeviceTrajectory.Compare(device, reference), one => Assert.InRange(AgreementCheck.ErrorOf(one, reference), 0, 1e-4));
        Assert.Equal(before, Reports());
    }

    [SkippableFact]
    public void Augmented_batches_agree_without_a_race_or_a_bad_access()
    {
        using var device = OpenSimulator();
        var before = Reports();
        using var images = new AugmentedBatch(device, ImageAugmentation.PublishedCode with { Side = 10 }, new ImageShape(3, 7, 7), 5);
        images.Gather(step: 3);
        images.AssertAgreement((seed, sample) => RandomCrop.Draw(images.Augmentation, images.Image, seed, 3, sample), 1e-5);
        Assert.Equal(before, Reports());
    }

    [SkippableFact]
    public void A_kernel_whose_barriers_are_taken_away_is_caught()
    {
        using var device = OpenSimulator();
        var method = typeof(DenseBackward).GetMethod(nameof(DenseBackward.Run))!
            .MakeGenericMethod(typeof(SimtTiles<Four, Sixteen, Sixteen>), typeof(ReLU));
        var compiled = (CLCompiledKernel)device.Accelerator.GetBackend().Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(method), default);
        OpenClBarriers.OrderSharedMemory(compiled);
        var source = typeof(CLCompiledKernel).GetField("<Source>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance)!;
        var withoutBarriers = compiled.Source.Replace("barrier ( CLK", "(void) ( CLK", StringComparison.Ordinal);
        Assert.NotEqual(compiled.Source, withoutBarriers);
        source.SetValue(compiled, withoutBarriers);
        var kernel = device.Accelerator.LoadKernel(compiled)
            .CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, DeltaProjection, int>>();
        using var buffer = new DeviceBuffer<float>(device, 4096);
        var projection = new DeltaProjection
        {
            Outputs = 16,
            ErrorRows = 16,
            Matrix = buffer.View.SubView(0, 256),
            MatrixStride = 16,
            Error = buffer.View.SubView(256, 256),
            OutputFeatures = buffer.View.SubView(512, 512),
            OutputFeatureStride = 16,
            Deltas = buffer.View.SubView(1024, 256),
            SampleCapacity = 16,
            Samples = 16,
        };
        var before = Reports();

        kernel(device.Accelerator.DefaultStream, new KernelConfig(new Index3D(1, 1, 1), new Index3D(64, 1, 1)), projection, 16);
        device.Accelerator.Synchronize();

        Assert.NotEqual(before, Reports());
    }

    private static ComputeDevice OpenSimulator()
    {
        Skip.If(s_reports is null, "Needs Oclgrind, which .ci/run installs and runs this under.");
        return ComputeDevice.OpenOpenCl(WithGenericAddresses, TileProgram.Simt())
            ?? throw new InvalidOperationException("There is no OpenCL device; OCL_ICD_VENDORS must name the folder with Oclgrind's .icd file.");
    }

    // Oclgrind has no generic addresses, and our kernels need none (GeneratedCodeTests): ILGPU must be told otherwise.
    private static bool WithGenericAddresses(CLDevice device)
    {
        typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))!
            .GetSetMethod(nonPublic: true)!.Invoke(device.Capabilities, [true]);
        return true;
    }

    private static long Reports() => File.Exists(s_reports) ? new FileInfo(s_reports).Length : 0;
}
