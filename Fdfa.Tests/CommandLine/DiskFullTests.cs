using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>A disk without room: exit code 3 and one sentence, and a run that goes on once there is room.</summary>
public sealed class DiskFullTests : IDisposable
{
    private static readonly string[] s_training = ["train", .. CommandLineRun.TinyOf(epochs: 4), "--quiet"];

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [SkippableFact]
    public void A_log_that_cannot_be_written_fails_nothing()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "There is no /dev/full here.");
        using var full = new RunLog("/dev/full", verbose: false);
        using var missing = new RunLog(_temporary.File("nowhere/log.txt"), verbose: false);

        Assert.All([full.Logger, missing.Logger], log => log.Failed(new InvalidOperationException()));
    }

    /// <remarks>The sizes end within the log, the first checkpoint, the models, the curves, and later checkpoints.</remarks>
    [SkippableTheory]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(140)]
    [InlineData(220)]
    [InlineData(300)]
    public void A_run_that_fills_the_disk_goes_on_once_there_is_room(int kilobytes)
    {
        using SmallDisk disk = SmallDisk.Mount(_temporary.File("disk"), kilobytes);
        string run = Path.Combine(disk.Path, "run");
        string undisturbed = _temporary.File("undisturbed");

        CommandLineRun stopped = CommandLineRun.Of([.. s_training, "--output", run]);

        Assert.Equal(3, stopped.ExitCode);
        string error = Assert.Single(stopped.Error.Trim().Split('\n'));
        Assert.StartsWith($"fdfa: The disk of '{run}' is full (No space left on device : ", error, StringComparison.Ordinal);
        Assert.Contains("an epoch needs up to ", error, StringComparison.Ordinal);
        Assert.Contains("B there for its checkpoint and models, and ", error, StringComparison.Ordinal);
        Assert.EndsWith($"Make room; to go on: fdfa train --resume {run}", error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(run, "*.tmp", SearchOption.AllDirectories));

        disk.Resize(10_000);
        CommandLineRun.Of("train", "--resume", run, "--quiet").AssertDone();
        Assert.Equal(0, CommandLineRun.Of([.. s_training, "--output", undisturbed]).ExitCode);
        const string Model = "model-seed0.safetensors";
        Assert.Equal(File.ReadAllBytes(Path.Combine(undisturbed, Model)), File.ReadAllBytes(Path.Combine(run, Model)));
    }

    [SkippableFact]
    public void A_disk_with_room_for_nothing_is_refused_at_once()
    {
        using SmallDisk disk = SmallDisk.Mount(_temporary.File("disk"), kilobytes: 4);
        string run = Path.Combine(disk.Path, "run");

        CommandLineRun refused = CommandLineRun.Of([.. s_training, "--output", run]);

        Assert.StartsWith(
            $"fdfa: The output folder '{run}' cannot be written (No space left on device", refused.Error, StringComparison.Ordinal);
        Assert.EndsWith("; choose another with --output.", refused.Error.Trim(), StringComparison.Ordinal);
        Assert.Equal(3, refused.ExitCode);
        Assert.False(Directory.Exists(run));
    }

    [SkippableFact]
    public void Inodes_that_are_used_up_are_not_another_fdfa()
    {
        using SmallDisk disk = SmallDisk.Mount(_temporary.File("disk"), 10_000, inodes: 2);
        string run = Path.Combine(disk.Path, "run");

        Assert.All(
            [
                CommandLineRun.Of([.. s_training, "--output", run]),
                CommandLineRun.Of([.. s_training, "--sweep", "lr=1e-3", "--output", run]),
                ResumeWhereOnlyItsConfigurationHasRoom(),
            ],
            refused =>
            {
                Assert.Equal(3, refused.ExitCode);
                Assert.Contains("No space left on device", refused.Error, StringComparison.Ordinal);
                Assert.DoesNotContain("Another fdfa", refused.Error, StringComparison.Ordinal);
            });

        CommandLineRun ResumeWhereOnlyItsConfigurationHasRoom()
        {
            File.WriteAllText(Path.Combine(disk.Path, "config.json"), SomeRun.Configuration.ToJson());
            return CommandLineRun.Of("train", "--resume", disk.Path);
        }
    }

    [Fact]
    public void A_run_that_meets_a_full_disk_says_what_it_needs_and_how_to_go_on()
    {
        string run = _temporary.File("run");
        var failure = new IOException("No space left on device.", OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : 28);

        var refusal = Assert.Throws<RunFolderException>(() => TrainingObserver.Train(
            TrainingObserver.Tiny(epochs: 2, seeds: 0), run, (_, observer) => observer.OnEpoch = _ => throw failure));

        Assert.Matches(
            $"^The disk of '{Regex.Escape(run)}' is full \\(No space left on device\\): "
            + "an epoch needs up to 15\\d kB there for its checkpoint and models, and [^ ]+ "
            + "[kMGT]B are free(, so its inodes or a quota may be used up)?\\. Make room; to go on: "
            + $"fdfa train --resume {Regex.Escape(run)}$",
            refusal.Message);
        Assert.True(DiskFull.Is(refusal));
    }

    /// <summary>A file system in memory, of a size.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private SmallDisk(string path) => Path = path;

        public string Path { get; }

        /// <summary>Mounts it, or skips the test where that is not permitted.</summary>
        public static SmallDisk Mount(string path, int kilobytes, int? inodes = null)
        {
            Skip.IfNot(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Mounts a file system, which root may.");
            Directory.CreateDirectory(path);
            string limit = inodes is { } count ? string.Create(CultureInfo.InvariantCulture, $",nr_inodes={count}") : "";
            Skip.IfNot(Run("mount", "-t", "tmpfs", "-o", Size(kilobytes) + limit, "fdfa-test", path), "Mounting is not permitted here.");
            return new SmallDisk(path);
        }

        public void Resize(int kilobytes) => Assert.True(Run("mount", "-o", "remount," + Size(kilobytes), Path));

        public void Dispose() => Run("umount", "-l", Path);

        private static string Size(int kilobytes) => string.Create(CultureInfo.InvariantCulture, $"size={kilobytes}k");

        private static bool Run(string program, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
