using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Tests.Devices;

/// <summary>A driver that fails in the middle of work: one sentence, an exit code of its own, and a run folder that is whole.</summary>
public sealed class DriverFailureTests
{
    /// <summary>What the driver throws, and what of it must be told.</summary>
    public static TheoryData<Exception, string> Failures { get; } = new()
    {
        { new CLException(CLError.CL_DEVICE_NOT_AVAILABLE), "CL_DEVICE_NOT_AVAILABLE" },
        { new CLException(CLError.CL_OUT_OF_RESOURCES), "CL_OUT_OF_RESOURCES" },
        { new CudaException("an illegal memory access was encountered"), "an illegal memory access was encountered" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_device_lost_in_the_second_epoch_leaves_the_first_one_whole(Exception failure, string words)
    {
        using var temporary = new TemporaryFolder();
        string folder = temporary.File("run");

        CommandLineRun run = Failing(
            failure,
            () => File.Exists(Path.Combine(folder, "model-seed0.safetensors")),
            () => CommandLineRun.Of(["train", "--output", folder, "--epochs", "3", .. s_tiny]));

        Assert.Equal(3, run.ExitCode);
        AssertOneSentence(run, words);
        Assert.Contains(folder, run.Error, StringComparison.Ordinal);
        Assert.Contains("Metrics and models of the finished epochs", run.Error, StringComparison.Ordinal);
        Assert.Equal(
            ["checkpoints", "config.json", "curves.png", "curves.svg", "log.txt", "metrics.csv", "model-seed0.safetensors"],
            RunFolderTests.FileNames(folder));
        Assert.Equal(1, Assert.Single(RunFolder.ReadMetrics(folder)).Epoch);
        RunFolder.ReadModel(folder, 0, RunFolder.ReadConfiguration(folder).ToRequest().Network);
        Assert.Contains(words, File.ReadAllText(Path.Combine(folder, "log.txt")), StringComparison.Ordinal);
        Assert.EndsWith($"to go on: fdfa train --resume {folder}.", run.Error.TrimEnd(), StringComparison.Ordinal);

        Assert.Equal(0, CommandLineRun.Of("train", "--resume", folder, "--quiet").ExitCode);
        Assert.Equal([1, 2, 3], RunFolder.ReadMetrics(folder).Select(row => row.Epoch));
    }

    [Fact]
    public void A_device_lost_in_the_first_step_leaves_configuration_and_log()
    {
        using var temporary = new TemporaryFolder();
        string folder = temporary.File("run");

        CommandLineRun run = Failing(
            new CLException(CLError.CL_OUT_OF_RESOURCES), () => true, () => CommandLineRun.Of(["train", "--output", folder, .. s_tiny]));

        Assert.Equal(3, run.ExitCode);
        AssertOneSentence(run, "Configuration and log are in");
        Assert.Equal(["config.json", "log.txt", "metrics.csv"], RunFolderTests.FileNames(folder));
    }

    [Fact]
    public void A_device_that_runs_out_of_memory_in_a_launch_says_what_to_reduce()
    {
        using var temporary = new TemporaryFolder();

        CommandLineRun run = Failing(
            new CLException(CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE), () => true,
            () => CommandLineRun.Of(["train", "--output", temporary.File("run"), .. s_tiny]));

        Assert.Equal(2, run.ExitCode);
        AssertOneSentence(
            run,
            "ran out of memory in the middle of the run (CL_MEM_OBJECT_ALLOCATION_FAILURE); "
            + "make a layer or the batch smaller, or train fewer seeds at once.");
    }

    [Fact]
    public void A_reproduction_ends_with_the_device_and_goes_on_after_the_last_finished_run()
    {
        using var temporary = new TemporaryFolder();
        string[] reproduce = [.. ReproductionRun.Options, "--limit", "64", "--output", temporary.File("tables")];

        CommandLineRun lost = Failing(
            new CLException(CLError.CL_DEVICE_NOT_AVAILABLE), () => FinishedRuns() > 0, () => ReproductionRun.Of(reproduce));

        Assert.Equal(3, lost.ExitCode);
        Assert.Contains(
            "finished runs are kept, and the same command goes on with this one where its last checkpoint is.", lost.Error,
            StringComparison.Ordinal);
        Assert.Equal(1, FinishedRuns());
        CommandLineRun again = ReproductionRun.Of(reproduce);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("of which 1 are in", again.Output, StringComparison.Ordinal);

        int FinishedRuns() => Directory.Exists(temporary.File("tables"))
            ? Directory.GetFiles(temporary.File("tables"), "curves.svg", SearchOption.AllDirectories).Length
            : 0;
    }

    [Fact]
    public void Outside_of_a_run_it_is_one_sentence_too()
    {
        CommandLineRun run = Failing(
            new CLException(CLError.CL_DEVICE_NOT_AVAILABLE), () => true, () => CommandLineRun.Of("check", "--device", "cpu"));

        Assert.Equal(3, run.ExitCode);
        AssertOneSentence(
            run,
            "The device failed, and nothing on it can be read any more: CL_DEVICE_NOT_AVAILABLE; "
            + "give the command again, or another --device.");
    }

    [Fact]
    public void Memory_that_there_is_not_is_refused_with_what_was_asked_and_what_there_is()
    {
        using var device = ComputeDevice.Open("cpu");

        var refusal = Assert.Throws<DeviceException>(() => new DeviceBuffer<float>(device, 1L << 45));

        Assert.Matches(
            @"has no room for another 140737488\.\d MB \(.+\): this process may use [\d.]+ GB, and fdfa holds 0\.0 GB; "
            + @"make a layer or the batch smaller", refusal.Message);
    }

    private static readonly string[] s_tiny =
        ["--limit", "64", "--network", "784-8-10", "--batch-size", "16", "--device", "cpu", "--quiet"];

    /// <summary>Runs a command on a device that fails at a launch, and ever after: whatever frees its memory fails too.</summary>
    private static CommandLineRun Failing(Exception failure, Func<bool> fails, Func<CommandLineRun> run)
    {
        var isLost = false;
        ComputeDevice.ProbeOfNext = new DeviceProbe
        {
            OnDriverCall = () =>
            {
                isLost = isLost || fails();
                if (isLost)
                {
                    throw failure;
                }
            },
        };
        try
        {
            return run();
        }
        finally
        {
            ComputeDevice.ProbeOfNext = null;
        }
    }

    private static void AssertOneSentence(CommandLineRun run, string words)
    {
        Assert.Contains(words, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("fdfa: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }
}
