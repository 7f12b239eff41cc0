using System.Reflection;
using System.Text;
using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Kernels;
using Fdfa.Tests.Networks;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;

namespace Fdfa.Tests.Devices;

/// <summary>The kernels of GPUs, with all their threads, under Oclgrind.</summary>
/// <remarks>
/// It simulates an OpenCL device and reports races, bad accesses and uninitialized values.
/// .ci/run installs it, names its driver and the file of its reports, lets it report however much there is, and sets FDFA_OCLGRIND to that
/// file's name.
/// </remarks>
public sealed class OpenClRaceTests
{
    private static readonly string? s_reports = Environment.GetEnvironmentVariable("FDFA_OCLGRIND");

    /// <summary>Rule, and what it does besides its defaults.</summary>
    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var variant in AgreementCheck.Variants(rule).Where(_ => OnOpenCl.IsTaken(rule.Name)).Select(variant => variant.Name)
                .Prepend(string.Empty))
            {
                cases.Add(rule.Name, variant);
            }
        }

        return cases;
    }

    // More rows than a tile has, and not a multiple of it.
    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Steps_agree_without_a_race_or_a_bad_access(string rule, string variant)
    {
        var vary = AgreementCheck.Variants(LearningRule.Parse(rule)).FirstOrDefault(one => one.Name == variant).Vary ?? (same => same);
        AssertClean(new NetworkDescription([5, 19, 18, 3]), vary(Options(rule, 9)));
    }

    /// <summary>A tile program that large or small problems are given, and a rule.</summary>
    public static TheoryData<string, string> OtherTiles()
    {
        var cases = new TheoryData<string, string>();
        foreach (var tiles in TileTable.Gpu(1).Programs.Distinct().Where(tiles => tiles != TileProgram.Simt()))
        {
            foreach (var rule in OpenClDenseTests.FewRules)
            {
                cases.Add(tiles.Name, rule);
            }
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(OtherTiles))]
    public void Steps_with_other_tiles_agree_without_a_race_or_a_bad_access(string tiles, string rule)
    {
        var program = TileTable.Gpu(1).Programs.First(one => one.Name == tiles);
        AssertClean(new NetworkDescription([5, program.TileRows + 3, 18, 3]), Options(rule, 9), program);
    }

    [SkippableTheory]
    [MemberData(nameof(OtherTiles))]
    public void Steps_of_convolutions_with_other_tiles_agree_without_a_race_or_a_bad_access(string tiles, string rule)
    {
        var network = Topology.Parse("5C3/2+1-P3/2-4C3+1-5", inputShape: new ImageShape(2, 9, 6), batchNormalization: true);
        Skip.IfNot(DeviceSupport.HasKernels(network, LearningRule.Parse(rule)), $"{rule} has no kernels for convolutions.");
        AssertClean(network, Options(rule, 9), TileTable.Gpu(1).Programs.First(one => one.Name == tiles));
    }

    /// <summary>Rule, and where perturbation and error arrive.</summary>
    public static TheoryData<string, PerturbationSite> ChannelSites()
    {
        var cases = new TheoryData<string, PerturbationSite>();
        foreach (var (index, rule) in SmallNetworks.ChannelRules.Index().Where(one => OnOpenCl.IsTaken(one.Item) || one.Item == "FG-W"))
        {
            // FDFA, whose kernels hold most of the others' parts, everywhere; the others in turn, by day FG-W alone, which perturbs
            // weights.
            PerturbationSite[] all = Enum.GetValues<PerturbationSite>();
            foreach (var site in rule == "FDFA" ? all : [all[index % all.Length]])
            {
                cases.Add(rule, site);
            }
        }

        return cases;
    }

    // A stride, padding, overlapping windows and a border, at as few positions as have them: each takes a second. Statistics are over ten
    // values or more.
    [SkippableTheory]
    [MemberData(nameof(ChannelSites))]
    public void Steps_of_normalized_convolutions_agree_without_a_race_or_a_bad_access(string rule, PerturbationSite site) => AssertClean(
        Topology.Parse("5C3/2+1-P3/2-4C3+1-5", inputShape: new ImageShape(2, 9, 6), batchNormalization: true),
        Options(rule, 9) with { PerturbationSite = site });

    [SkippableTheory]
    [MemberData(nameof(OpenClChannelTests.FewRules), MemberType = typeof(OpenClChannelTests))]
    public void Steps_of_a_normalized_dense_block_agree_without_a_race_or_a_bad_access(string rule) => AssertClean(
        Topology.Parse("5-19-3", batchNormalization: true), Options(rule, 17));

    [SkippableFact]
    public void Augmented_batches_agree_without_a_race_or_a_bad_access()
    {
        using var device = OpenSimulator();
        var before = Reports();
        using var images = new AugmentedBatch(device, ImageAugmentation.PublishedCode with { Side = 10 }, new ImageShape(3, 7, 7), 5);
        images.Gather(step: 3);
        images.AssertAgreement((seed, sample) => RandomCrop.Draw(images.Augmentation, images.Image, seed, 3, sample), 1e-5);
        AssertNothingSince(before);
    }

    [SkippableFact]
    public void A_kernel_whose_barriers_are_taken_away_is_caught()
    {
        using var device = OpenSimulator();
        var method = typeof(DenseBackward).GetMethod(nameof(DenseBackward.Run))!
            .MakeGenericMethod(TileProgram.Simt().Type, typeof(ReLU));
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

        kernel(device.Accelerator.DefaultStream, device.Launch(TileProgram.Simt(), 1, 1), projection, 16);
        device.Accelerator.Synchronize();

        Assert.Contains("data race", ReportsSince(before), StringComparison.Ordinal);

        // What Oclgrind suppresses here it would suppress in every test that comes after this one.
        Assert.DoesNotContain("suppressing further errors", File.ReadAllText(s_reports!), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(64, false)]
    [InlineData(63, true)]
    public void A_kernel_that_reads_what_nobody_staged_is_caught(int stagingThreads, bool isCaught)
    {
        using var device = OpenSimulator();
        var kernel = device.Load<ArrayView<float>, int>(typeof(BrokenKernels).GetMethod(nameof(BrokenKernels.StagedInPart))!);
        using var buffer = new DeviceBuffer<float>(device, 64);
        var before = Reports();

        kernel(device.Accelerator.DefaultStream, device.Launch(TileProgram.Simt(), 1, 1), buffer.View, stagingThreads);
        device.Accelerator.Synchronize();

        Assert.Equal(isCaught, ReportsSince(before).Contains("Uninitialized value written to global memory", StringComparison.Ordinal));
    }

    private static TrainingOptions Options(string rule, int batchSize) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = batchSize,
        LearningRate = AgreementCheck.StableRate(LearningRule.Parse(rule)),
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackInitialisation = Initialisation.KaimingUniform,
    };

    /// <summary>Three steps, of which the last is a partial batch, and an evaluation.</summary>
    private static void AssertClean(NetworkDescription network, TrainingOptions options, TileProgram? tiles = null)
    {
        using var device = OpenSimulator(tiles);
        var reference = new ReferenceTrajectory(network, options, 3, 0);
        var before = Reports();
        Assert.All(DeviceTrajectory.Compare(device, reference), one => Assert.InRange(reference.ErrorOf(one), 0, 1e-4));
        AssertNothingSince(before);
    }

    private static ComputeDevice OpenSimulator(TileProgram? tiles = null)
    {
        Skip.If(s_reports is null, "Needs Oclgrind, which .ci/run installs and runs this under.");
        ComputeDevice.ProbeOfNext = new OclgrindMemory().Probe;
        try
        {
            return ComputeDevice.OpenUnsupportedOpenCl(tiles ?? TileProgram.Simt())!;
        }
        finally
        {
            ComputeDevice.ProbeOfNext = null;
        }
    }

    private static void AssertNothingSince(long before)
    {
        var reports = ReportsSince(before);
        Assert.True(reports.Length == 0, $"Oclgrind reports:\n{reports[..Math.Min(reports.Length, 2000)]}");
    }

    private static string ReportsSince(long before) => Encoding.UTF8.GetString(File.ReadAllBytes(s_reports!).AsSpan((int)before));

    private static long Reports() => File.Exists(s_reports) ? new FileInfo(s_reports).Length : 0;
}
