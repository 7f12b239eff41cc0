using System.Diagnostics;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>A run whose folder, or a part of it, somebody takes away while it trains: nothing of it is lost that it still has.</summary>
public sealed class RemovedFolderTests : IDisposable
{
    private const int Epochs = 4;

    private readonly TemporaryFolder _temporary = new();

    private string Run => _temporary.File("run");

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(1, "checkpoints")]
    [InlineData(1, "config.json")]
    [InlineData(1, "log.txt")]
    [InlineData(1, ".fdfa-lock")]
    [InlineData(1, "")]
    [InlineData(Epochs - 1, "")]
    public void It_ends_as_if_it_had_not_been(int afterEpoch, string what)
    {
        string undisturbed = _temporary.File("undisturbed");
        Train(undisturbed);

        RunResult result = Train(Run, epoch =>
        {
            if (epoch == afterEpoch)
            {
                // In one step, as no deletion is: what is deleted while it is written to comes back.
                Directory.Move(Path.Combine(Run, what), _temporary.File("removed"));
            }
        });

        Assert.Equal(2 * Epochs, result.Rows.Count);
        Assert.Equal(RunFolderTests.FileNames(undisturbed), RunFolderTests.FileNames(Run));
        AssertSame(undisturbed, Run);
        Assert.Equal(0, CommandLineRun.Of("train", "--resume", Run, "--epochs", "5", "--quiet").ExitCode);
    }

    [Theory]
    [InlineData("log.txt", "")]
    [InlineData("notes.txt", "-2")]
    public void What_is_left_of_its_folder_tells_whose_that_is(string left, string ending)
    {
        Train(Run, epoch =>
        {
            if (epoch == 1)
            {
                Directory.Move(Run, _temporary.File("removed"));
                _temporary.Write(Path.Combine("run", left), [(byte)'x']);
            }
        });

        Assert.True(RunFolder.IsFinished(Run + ending, RunFolder.ReadConfiguration(Run + ending)));
        Assert.Equal((byte)'x', File.ReadAllBytes(Path.Combine(Run, left))[0]);
    }

    [Fact]
    public void Where_another_run_is_in_its_place_it_goes_on_beside_it()
    {
        string undisturbed = _temporary.File("undisturbed");
        Train(undisturbed);
        RunFolder? other = null;

        Train(Run, epoch =>
        {
            if (epoch == 1)
            {
                Directory.Move(Run, _temporary.File("removed"));
                other = RunFolder.Create(Run, verbose: false);
            }
        });

        Assert.Equal([OutputFolder.LockPath(Run)], Directory.GetFileSystemEntries(Run));
        other!.Dispose();
        AssertSame(undisturbed, Run + "-2");
        Assert.Contains($"it continues in {Run}-2", File.ReadAllText(Run + "-2/log.txt"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_process_whose_folder_is_deleted_leaves_a_run_that_can_be_resumed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Deletes files that are open, and sends SIGTERM.");
        using Process process = FdfaProcess.Start(["train", .. CommandLineRun.TinyOf(1_000_000), "--quiet", "--output", Run]);
        await FdfaProcess.WaitForEpochsAsync(process, Run, 1);
        using (Process remove = Process.Start("rm", ["-rf", Run]))
        {
            await remove.WaitForExitAsync();
        }

        await FdfaProcess.WaitForEpochsAsync(process, Run, 1);
        await FdfaProcess.SendAsync(process, "TERM");
        CommandLineRun ended = await FdfaProcess.EndOfAsync(process);

        Assert.Equal(130, ended.ExitCode);
        int epochs = RunFolder.ReadMetrics(Run).Count;
        Assert.Equal(Enumerable.Range(1, epochs), RunFolder.ReadMetrics(Run).Select(row => row.Epoch));
        await File.WriteAllTextAsync(Path.Combine(Run, "config.json"), RunFolder.ReadConfiguration(Run).WithEpochs(epochs + 1).ToJson());
        Assert.Equal(0, CommandLineRun.Of("train", "--resume", Run, "--quiet").ExitCode);
    }

    private static RunResult Train(string path, Action<int>? onEpoch = null) =>
        TrainingObserver.Train(TrainingObserver.Tiny(Epochs, 0, 1), path, (_, observer) => observer.OnEpoch = onEpoch);

    private static void AssertSame(string expected, string actual)
    {
        string newest = RunFolderTests.FileNames(Path.Combine(expected, "checkpoints"))[^1];
        string state = Path.Combine("checkpoints", newest, "state-seed1.safetensors");
        Assert.Equal(File.ReadAllBytes(Path.Combine(expected, state)), File.ReadAllBytes(Path.Combine(actual, state)));
        SameRun.Assert(expected, actual);
    }
}
