using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;
using ILGPU.Backends.OpenCL;

namespace Fdfa.Tests.Devices;

/// <summary>A driver that refuses a kernel: what it says is kept.</summary>
[Collection(OnOpenCl.Name)]
public sealed class KernelBuildTests
{
    [SkippableFact]
    public void What_an_opencl_driver_says_about_a_kernel_is_kept_in_the_run_folder()
    {
        using ComputeDevice device = OpenAny(new DeviceProbe { OnCompiled = kernel => Break((CLCompiledKernel)kernel) });
        using var temporary = new TemporaryFolder();
        using RunFolder folder = RunFolder.Create(temporary.File("run"), verbose: false);

        DeviceException refusal = Assert.Throws<DeviceException>(() => Train(device, folder));

        string log = temporary.File("run/kernel-build.log");
        Assert.Contains(
            $"could not be built for {device.Info.Name} (CL_BUILD_PROGRAM_FAILURE); update its driver, or use another device. "
            + $"The driver's log is in {log}.", refusal.Message, StringComparison.Ordinal);
        string text = File.ReadAllText(log);
        Assert.Contains(
            "undeclared", text[..text.IndexOf("The source that it refused:", StringComparison.Ordinal)], StringComparison.Ordinal);
        Assert.Contains("kernel void", text, StringComparison.Ordinal);
        Assert.Equal(
            [OutputFolder.LockFile, "config.json", "kernel-build.log", "log.txt"],
            RunFolderTests.FileNames(temporary.File("run")));
    }

    private static void Train(ComputeDevice device, RunFolder folder)
    {
        var request = new RunRequest(
            Topology.Parse("784-8-10"), Preset.Paper.OptionsFor(LearningRule.ForwardDirectFeedbackAlignment), "paper", 1, [0],
            "embedded", null, 64);
        using LoadedData data = DataSource.Load(request, null, CancellationToken.None);
        using var run = new TrainingRun(RunConfiguration.Describe(request, data.Description, [device.Info]), data, [device], folder);
        CommandLineRun.Written(
            output => ProgressDisplay.Run(output, quiet: true, progress => run.Execute(progress, CancellationToken.None)));
    }

    private static void Break(CLCompiledKernel kernel)
    {
        FieldInfo source = typeof(CLCompiledKernel).GetField("<Source>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance)!;
        int body = kernel.Source.LastIndexOf('{') + 1;
        source.SetValue(kernel, kernel.Source.Insert(body, " not_a_variable = 1; "));
    }

    private static ComputeDevice OpenAny(DeviceProbe probe)
    {
        ComputeDevice.ProbeOfNext = probe;
        try
        {
            ComputeDevice? device = ComputeDevice.OpenUnsupportedOpenCl(TileProgram.Simt());
            Skip.If(device is null, "Needs an OpenCL driver, such as PoCL.");
            return device!;
        }
        finally
        {
            ComputeDevice.ProbeOfNext = null;
        }
    }
}
