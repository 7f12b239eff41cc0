using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>A run of three epochs, and the same with one more: trained once, for tests to copy.</summary>
public sealed class StoppedRun : IDisposable
{
    private static readonly string[] s_training =
        ["train", "--limit", "96", "--network", "784-8-10", "--batch-size", "16", "--device", "cpu", "--seeds", "2", "--quiet"];

    private readonly TemporaryFolder _temporary = new();

    public StoppedRun()
    {
        Stopped = Train("stopped", "3");
        Undisturbed = Train("undisturbed", "4");
    }

    /// <summary>The folder of the shorter.</summary>
    public string Stopped { get; }

    /// <summary>The folder of the longer.</summary>
    public string Undisturbed { get; }

    public void Dispose() => _temporary.Dispose();

    private string Train(string name, string epochs)
    {
        string run = _temporary.File(name);
        Assert.Equal(0, CommandLineRun.Of([.. s_training, "--epochs", epochs, "--output", run]).ExitCode);
        return run;
    }
}

/// <summary>A run goes on where it stopped, to the same bits, or says in a sentence why it cannot.</summary>
public sealed class ResumeTests(StoppedRun runs) : IClassFixture<StoppedRun>, IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    /// <summary>What happens to the newest checkpoint, and what the log must say of it.</summary>
    public static TheoryData<string, Action<string>, string> Damages() => new()
    {
        { "nothing", _ => { }, "Resumed after 3 epoch(s) and 0 step(s)" },
        { "a state is cut", newest => Change(State(newest), bytes => bytes[..^100]), "its state-seed1.safetensors has " },
        { "a bit of a state flips", newest => Change(State(newest), bytes => Flip(bytes, bytes.Length - 5)),
            "its state-seed1.safetensors has changed since it was written" },
        { "a state is missing", newest => File.Delete(State(newest)), "its state-seed1.safetensors is missing" },
        { "a state is another seed's", newest => File.Copy(Path.Combine(newest, "state-seed0.safetensors"), State(newest), overwrite: true),
            "has changed since" },
        { "the metrics are empty", newest => File.WriteAllText(Path.Combine(newest, "metrics.csv"), ""), "its metrics.csv has 0 bytes" },
        { "a bit of a number flips", newest => Change(Manifest(newest), bytes => Flip(bytes, bytes.AsSpan().IndexOf("\"step\": "u8) + 8)),
            "its checkpoint.json is damaged" },
        { "the counters are cut", newest => Change(Manifest(newest), bytes => bytes[..^1]), "its checkpoint.json is damaged" },
        { "the counters are missing", newest => File.Delete(Manifest(newest)), "Could not find file" },
        { "the counters are of a later fdfa", newest => Rewrite(newest, manifest => manifest with { SchemaVersion = 2 }),
            "its schemaVersion is 2, and this fdfa reads 1" },
        { "it is of another run", newest => Rewrite(newest, manifest => manifest with { Run = manifest.Run.AddTicks(1) }),
            "it is of another run" },
        { "it names no state", newest => Rewrite(newest, manifest => manifest with { Files = [] }),
            "does not name state-seed0.safetensors" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void It_goes_on_from_the_newest_checkpoint_that_is_whole(string what, Action<string> damage, string logged)
    {
        string run = Stopped();
        damage(Checkpoints(run)[^1]);

        Resume(run, "--epochs", "4").AssertDone();
        Assert.Contains(logged, File.ReadAllText(Path.Combine(run, "log.txt")), StringComparison.Ordinal);
        Assert.Equal(
            what != "nothing",
            File.ReadAllText(Path.Combine(run, "log.txt")).Contains("Resumed after 2 epoch(s)", StringComparison.Ordinal));
        SameRun.Assert(runs.Undisturbed, run);
        Assert.Equal(["step-000000000018", "step-000000000024"], Checkpoints(run).Select(Path.GetFileName));
    }

    [Fact]
    public void Without_a_checkpoint_that_is_whole_it_says_so_and_changes_nothing()
    {
        string run = Stopped();
        foreach (string checkpoint in Checkpoints(run))
        {
            File.Delete(State(checkpoint));
        }

        Resume(run, "--epochs", "4")
            .AssertRefused("its state-seed1.safetensors is missing, and no older one can; train again: fdfa train --rule FDFA");
        Assert.Equal(2, Checkpoints(run).Length);
    }

    [Fact]
    public void Killed_before_its_first_checkpoint_it_begins_at_its_beginning()
    {
        string run = Stopped();
        Directory.Delete(Path.Combine(run, "checkpoints"), recursive: true);
        foreach (string file in new[] { "metrics.csv", "model-seed0.safetensors", "model-seed1.safetensors" })
        {
            File.Delete(Path.Combine(run, file));
        }

        CommandLineRun resumed = Resume(run, "--epochs", "4");

        Assert.Equal(0, resumed.ExitCode);
        SameRun.Assert(runs.Undisturbed, run);
    }

    [Fact]
    public void A_run_of_an_fdfa_without_checkpoints_is_refused()
    {
        string run = Stopped();
        Directory.Delete(Path.Combine(run, "checkpoints"), recursive: true);

        Resume(run, "--epochs", "4")
            .AssertRefused("has no checkpoints, because an older fdfa trained it or they were deleted; train again: fdfa train");
    }

    [Fact]
    public void A_folder_that_was_left_before_its_run_began_takes_the_run()
    {
        string run = _temporary.File("run");
        _temporary.Write("run/.fdfa-write-test", [0]);
        _temporary.Write("run/.config.json.0123456789abcdef0123456789abcdef.tmp", [0]);

        CommandLineRun resumed = Resume(run);
        int exitCode = CommandLineRun.Of(["train", .. CommandLineRun.Tiny, "--quiet", "--output", run]).ExitCode;

        resumed.AssertRefused("is not a run folder: it has no config.json");
        Assert.Equal(0, exitCode);
        Assert.DoesNotContain(RunFolderTests.FileNames(run), name => name.StartsWith('.'));
    }

    [Fact]
    public void A_process_killed_anywhere_around_a_checkpoint_leaves_nothing_that_matters()
    {
        string run = Stopped();
        string newest = Checkpoints(run)[^1];
        string half = Path.Combine(run, "checkpoints", ".step-000000000024.0123456789abcdef0123456789abcdef.tmp");
        Directory.CreateDirectory(half);
        File.WriteAllText(Path.Combine(half, "metrics.csv"), "seed,ep");
        File.WriteAllText(Path.Combine(run, ".metrics.csv.0123456789abcdef0123456789abcdef.tmp"), "seed,ep");

        // Behind the checkpoint, before all that follows it.
        File.Delete(Path.Combine(run, "model-seed0.safetensors"));
        File.Delete(Path.Combine(run, "curves.png"));
        string[] lines = File.ReadAllLines(Path.Combine(run, "metrics.csv"));
        File.WriteAllLines(Path.Combine(run, "metrics.csv"), lines[..^2]);

        CommandLineRun resumed = Resume(run);

        Assert.Equal(0, resumed.ExitCode);
        Assert.Equal(lines, File.ReadAllLines(Path.Combine(run, "metrics.csv")));
        Assert.Equal(RunFolderTests.FileNames(runs.Undisturbed), RunFolderTests.FileNames(run));
        Assert.Equal(newest, Checkpoints(run)[^1]);
        Assert.False(Directory.Exists(half));
    }

    [Fact]
    public void A_finished_run_has_nothing_to_do()
    {
        string run = Stopped();
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(run, "metrics.csv"));

        CommandLineRun resumed = Resume(run).AssertDone();
        Assert.Equal($"The run in {run} is finished, nothing to do; more --epochs than its 3 would go on with it.", resumed.Output.Trim());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(run, "metrics.csv")));
    }

    [Fact]
    public async Task Cancelled_within_an_epoch_it_goes_on_with_the_next_step()
    {
        string[] training = ["train", "--network", "784-32-10", "--limit", "4000", "--batch-size", "4", "--device", "cpu"];
        string run = _temporary.File("run");
        using (var cancellation = new CancellationTokenSource())
        {
            Task<CommandLineRun> running = Task.Run(
                () => CommandLineRun.Of(cancellation.Token, [.. training, "--epochs", "1000000", "--output", run]));
            while (!running.IsCompleted && !(File.Exists(Path.Combine(run, "metrics.csv")) && RunFolder.ReadMetrics(run).Count > 0))
            {
                await Task.Delay(10);
            }

            await cancellation.CancelAsync();
            Assert.Contains($"To go on: fdfa train --resume {run}", (await running).Error, StringComparison.Ordinal);
        }

        // One epoch more than it has would have been enough.
        int epochs = RunFolder.ReadMetrics(run).Count + 1;
        await File.WriteAllTextAsync(Path.Combine(run, "config.json"), RunFolder.ReadConfiguration(run).WithEpochs(epochs).ToJson());

        CommandLineRun.Of("train", "--resume", run).AssertDone("Goes on after ");
        string undisturbed = _temporary.File("undisturbed");
        string count = epochs.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(0, CommandLineRun.Of([.. training, "--epochs", count, "--quiet", "--output", undisturbed]).ExitCode);
        SameRun.Assert(undisturbed, run);
    }

    [Theory]
    [InlineData("--rule BP", "The option --rule cannot be given with --resume, because the run's config.json decides it; leave it out")]
    [InlineData("--learning-rate 1e-4", "The option --learning-rate cannot be given with --resume")]
    [InlineData("--no-batch-norm", "The option --no-batch-norm cannot be given with --resume")]
    [InlineData("--output elsewhere", "The option --output cannot be given with --resume")]
    [InlineData("--epochs 2", "The run has 3 epochs, and --epochs 2 would cut it short; give more than that, or leave --epochs out.")]
    [InlineData("--epochs 4 --device cuda:99", "cuda:99")]
    [InlineData("--epochs 4 --data-dir /nowhere-at-all", "The data set embedded is part of fdfa")]
    public void What_contradicts_the_run_is_refused(string options, string expected)
    {
        string run = Stopped();

        Resume(run, options.Split(' ')).AssertRefused(expected);
        Assert.Equal(3, RunFolder.ReadConfiguration(run).Epochs);
    }

    [Fact]
    public void Other_data_are_refused()
    {
        string run = Stopped();
        string configuration = Path.Combine(run, "config.json");
        string sha256 = RunFolder.ReadConfiguration(run).Data.Sha256!;
        File.WriteAllText(configuration, File.ReadAllText(configuration).Replace(sha256, new string('0', 64), StringComparison.Ordinal));

        Resume(run, "--epochs", "4").AssertRefused("is not the one that the run began with");
    }

    [Fact]
    public void Another_kind_of_device_is_refused_unless_it_is_asked_for()
    {
        string run = Stopped();
        Rewrite(
            Checkpoints(run)[^1], manifest => manifest with { Devices = [new DeviceInfo("cuda:0", DeviceKind.Cuda, "Some GPU", 1, "")] });

        CommandLineRun refused = Resume(run, "--epochs", "4");
        CommandLineRun resumed = Resume(run, "--epochs", "4", "--any-device");

        refused.AssertRefused("The run was on cuda:0 (Some GPU), and numbers of cpu (", "or --any-device to go on all the same.");
        Assert.Equal("", resumed.Error);
        Assert.Contains("Before, it ran on Some GPU", File.ReadAllText(Path.Combine(run, "log.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_longer_run_is_asked_for_as_it_was_but_for_its_epochs()
    {
        RunConfiguration placed = SomeRun.Configuration.AsLayerParallel();
        Assert.Equal(placed.Repeat.Replace("--epochs 3", "--epochs 5", StringComparison.Ordinal), placed.WithEpochs(5).Repeat);
    }

    [Theory]
    [InlineData("cuda", "cuda", true)]
    [InlineData("cuda", "cuda cuda", true)]
    [InlineData("cpu cuda", "cpu cuda", true)]
    [InlineData("cpu", "cuda", false)]
    [InlineData("cpu cuda", "cuda cpu", false)]
    [InlineData("cpu cuda", "cuda", false)]
    public void Seeds_keep_their_bits_where_they_keep_their_kind_of_device(string before, string now, bool keep)
    {
        Assert.Equal(keep, Checkpoint.HasSameBits(DevicesOf(before), DevicesOf(now)));

        static DeviceInfo[] DevicesOf(string kinds) =>
            [.. kinds.Split(' ').Select(kind => new DeviceInfo(kind, Enum.Parse<DeviceKind>(kind, ignoreCase: true), kind, 1, ""))];
    }

    [Fact]
    public void Two_processes_do_not_go_on_with_one_run()
    {
        string run = Stopped();
        using RunFolder folder = RunFolder.Reopen(run, verbose: false);

        Resume(run, "--epochs", "4").AssertRefusedAs($"fdfa: Another fdfa is at work on the run '{run}'; wait until it ends.");
    }

    /// <summary>A copy of the run that stopped.</summary>
    private string Stopped()
    {
        string run = _temporary.File("run");
        foreach (string file in Directory.GetFiles(runs.Stopped, "*", SearchOption.AllDirectories))
        {
            _temporary.Write(Path.Combine("run", Path.GetRelativePath(runs.Stopped, file)), File.ReadAllBytes(file));
        }

        return run;
    }

    private static CommandLineRun Resume(string run, params string[] options) =>
        CommandLineRun.Of(["train", "--resume", run, "--quiet", .. options]);

    private static string[] Checkpoints(string run) =>
        [.. Directory.GetDirectories(Path.Combine(run, "checkpoints")).Order(StringComparer.Ordinal)];

    private static string State(string checkpoint) => Path.Combine(checkpoint, "state-seed1.safetensors");

    private static string Manifest(string checkpoint) => Path.Combine(checkpoint, "checkpoint.json");

    private static void Change(string file, Func<byte[], byte[]> change) => File.WriteAllBytes(file, change(File.ReadAllBytes(file)));

    private static byte[] Flip(byte[] bytes, int index)
    {
        bytes[index] ^= 1;
        return bytes;
    }

    private static void Rewrite(string checkpoint, Func<CheckpointManifest, CheckpointManifest> change) =>
        File.WriteAllText(Manifest(checkpoint), change(CheckpointManifest.Parse(File.ReadAllText(Manifest(checkpoint)))).ToText());
}
