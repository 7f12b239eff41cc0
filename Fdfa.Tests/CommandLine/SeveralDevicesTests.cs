using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.CommandLine;

/// <summary>Runs on two devices, which on this machine are two CPU accelerators: the command line cannot name those.</summary>
public sealed class SeveralDevicesTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private static readonly RunRequest s_request = new(
        Topology.Parse("784-8-10"), new TrainingOptions { BatchSize = 16 }, Preset.Paper.Name, Epochs: 2, [0, 1, 2], "embedded",
        null, Limit: 64);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_leaves_what_it_leaves_on_one_device(bool isLayerParallel)
    {
        using var temporary = new TemporaryFolder();
        using var second = ComputeDevice.OpenCpu(TileProgram.Simd(2), 2);
        string one = Train(temporary.File("one"), false, devices.Open("simd"));
        string both = Train(temporary.File("both"), isLayerParallel, devices.Open("simd"), second);

        SameRun.Assert(one, both);
        RunConfiguration configuration = RunFolder.ReadConfiguration(both);
        Assert.Equal(2, configuration.Devices.Count);
        Assert.Equal(isLayerParallel, configuration.IsLayerParallel);
        Assert.EndsWith(
            isLayerParallel ? "--device cpu,cpu --layer-parallel" : "--device cpu,cpu", configuration.Repeat, StringComparison.Ordinal);
        Assert.Single(RunFolder.ReadConfiguration(one).Devices);
    }

    [SkippableFact]
    public void All_devices_of_a_machine_without_a_GPU_are_its_processor()
    {
        Skip.If(ComputeDevice.Survey().Devices.Count > 1, "This machine has a GPU.");
        using var temporary = new TemporaryFolder();
        string folder = temporary.File("run");
        CommandLineRun run = CommandLineRun.Of(
            ["train", "--limit", "64", "--epochs", "1", "--network", "784-8-10", "--seeds", "2", "--device", "all", "--output", folder]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("cpu", Assert.Single(RunFolder.ReadConfiguration(folder).Devices).Selector);
        CommandLineRun evaluation = CommandLineRun.Of("evaluate", folder, "--device", "all");
        Assert.Equal(0, evaluation.ExitCode);

        CommandLineRun parallel = CommandLineRun.Of("train", "--device", "all", "--layer-parallel", "--output", temporary.File("parallel"))
            .AssertRefused("needs two devices and two blocks, but there is one device here, cpu; leave it out.");
        Assert.False(Directory.Exists(temporary.File("parallel")));
    }

    private static string Train(string path, bool isLayerParallel, params IReadOnlyList<ComputeDevice> devices)
    {
        using RunFolder folder = RunFolder.Create(path, verbose: false);
        using LoadedData data = DataSource.Load(s_request, null, CancellationToken.None);
        RunConfiguration configuration = RunConfiguration.Describe(s_request, data.Description, [.. devices.Select(device => device.Info)]);
        using var run = new TrainingRun(
            isLayerParallel ? configuration.AsLayerParallel() : configuration, data, devices, folder, isLayerParallel: isLayerParallel);
        CommandLineRun.Written(
            output => ProgressDisplay.Run(output, quiet: false, progress => run.Execute(progress, CancellationToken.None)));
        return path;
    }
}
