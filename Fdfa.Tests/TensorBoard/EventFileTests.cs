using Fdfa.Experiments.Runs;
using Fdfa.Experiments.TensorBoard;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.TensorBoard;

/// <summary>Files for TensorBoard, read by the formats' descriptions.</summary>
public sealed class EventFileTests : IDisposable
{
    private static readonly DateTimeOffset s_time = new(2026, 1, 31, 12, 0, 0, 250, TimeSpan.Zero);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>RFC 3720, B.4, and the check value of the catalogues.</summary>
    public static TheoryData<byte[], uint> KnownChecksums => new()
    {
        { "123456789"u8.ToArray(), 0xe3069283 },
        { new byte[32], 0x8a9136aa },
        { [.. Enumerable.Repeat((byte)0xff, 32)], 0x62a8ab43 },
        { [.. Enumerable.Range(0, 32).Select(value => (byte)value)], 0x46dd794e },
        { [.. Enumerable.Range(0, 32).Select(value => (byte)(31 - value))], 0x113fdb5c },
        { [], 0 },
    };

    [Theory]
    [MemberData(nameof(KnownChecksums))]
    public void A_masked_checksum_is_that_of_the_known_one(byte[] bytes, uint known)
    {
        uint masked = MaskedChecksum.Of(bytes);
        uint rotated = unchecked(masked - 0xa282ead8u);

        Assert.Equal(known, (rotated >> 17) | (rotated << 15));
        Assert.Equal(known, EventReader.Crc32C(bytes));
    }

    [Fact]
    public void A_file_is_its_version_and_an_event_per_step()
    {
        string path = folder.File("a/events.out.tfevents.1.fdfa");
        EventFile.Append(
            path, [new ScalarEvent(1, [("loss/test", 0.25), ("loss/training", double.NaN)]), new ScalarEvent(long.MaxValue, [])], s_time);

        IReadOnlyList<ReadEvent> events = EventReader.Read(path);

        Assert.Equal(3, events.Count);
        Assert.All(events, each => Assert.Equal(s_time.ToUnixTimeMilliseconds() / 1000.0, each.WallTime));
        Assert.Equal(["brain.Event:2", null, null], events.Select(each => each.FileVersion));
        Assert.Equal([0, 1, long.MaxValue], events.Select(each => each.Step));
        Assert.Equal([("loss/test", 0.25f), ("loss/training", float.NaN)], events[1].Scalars);
    }

    /// <summary>
    /// Whatever byte a killed process stopped at, and whatever became of the file since, the next epoch leaves every epoch once.
    /// </summary>
    [Fact]
    public void A_file_cut_or_damaged_anywhere_is_whole_again_after_the_next_epoch()
    {
        string path = folder.File("events.out.tfevents.1.fdfa");
        ScalarEvent[] epochs = [.. Enumerable.Range(1, 3).Select(epoch => new ScalarEvent(epoch, [("loss/test", 1.0 / epoch)]))];
        EventFile.Append(path, epochs[..2], s_time);
        byte[] two = File.ReadAllBytes(path);
        EventFile.Append(path, epochs, s_time);
        byte[] whole = File.ReadAllBytes(path);
        Assert.Equal(two, whole[..two.Length]);

        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            EventFile.Append(path, epochs, s_time);
            Assert.Equal(whole, File.ReadAllBytes(path));
        }

        for (var place = 0; place < whole.Length; place++)
        {
            byte[] damaged = [.. whole];
            damaged[place] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            EventFile.Append(path, epochs, s_time);
            Assert.Equal(whole, File.ReadAllBytes(path));
        }

        // A length with a true checksum that no file has room for.
        byte[] hostile =
        [
            .. Enumerable.Repeat((byte)0xff, 8),
            .. BitConverter.GetBytes(MaskedChecksum.Of([.. Enumerable.Repeat((byte)0xff, 8)])), 1, 2, 3, 4
        ];
        File.WriteAllBytes(path, hostile);
        EventFile.Append(path, epochs, s_time);
        Assert.Equal(whole, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_run_writes_its_metrics_for_each_seed_and_goes_on_with_them()
    {
        string run = folder.File("run");
        string[] tiny = ["train", "--limit", "64", "--network", "784-8-10", "--batch-size", "16", "--device", "cpu", "--seeds", "2"];
        Assert.Equal(0, CommandLineRun.Of([.. tiny, "--epochs", "2", "--quiet", "--tensorboard", "--output", run]).ExitCode);
        string first = AssertMetricsAreEvents(run, epochs: 2);
        byte[] before = File.ReadAllBytes(first);

        Assert.Equal(0, CommandLineRun.Of("train", "--resume", run, "--epochs", "4", "--quiet").ExitCode);

        Assert.Equal(first, AssertMetricsAreEvents(run, epochs: 4));
        Assert.Equal(before, File.ReadAllBytes(first)[..before.Length]);

        // Without being asked for there are none, and they can be asked for later: then the epochs before are in them too.
        string silent = folder.File("silent");
        Assert.Equal(0, CommandLineRun.Of([.. tiny, "--epochs", "1", "--quiet", "--output", silent]).ExitCode);
        Assert.False(Directory.Exists(Path.Combine(silent, "tensorboard")));
        Assert.Equal(0, CommandLineRun.Of("train", "--resume", silent, "--epochs", "2", "--quiet", "--tensorboard").ExitCode);
        AssertMetricsAreEvents(silent, epochs: 2);
    }

    [Fact]
    public void The_runs_of_a_sweep_write_theirs_and_an_unfinished_one_is_trained_anew()
    {
        string[] sweep = ["train", .. CommandLineRun.Tiny, "--tensorboard", "--sweep", "lr=1e-3", "--output", folder.File("store")];
        Assert.Equal(0, CommandLineRun.Of(sweep).ExitCode);
        string run = Assert.Single(Directory.GetDirectories(folder.File("store")));
        AssertMetricsAreEvents(run, epochs: 1);
        File.Delete(Path.Combine(run, "metrics.csv"));

        CommandLineRun.Of(sweep).AssertDone();
        AssertMetricsAreEvents(run, epochs: 1);
    }

    [Fact]
    public async Task A_run_interrupted_before_its_first_epoch_writes_its_events_when_it_goes_on_and_a_finished_one_when_it_is_asked_to()
    {
        string run = folder.File("run");
        using (var cancelled = new CancellationTokenSource())
        {
            await cancelled.CancelAsync();
            CommandLineRun interrupted = CommandLineRun.Of(
                cancelled.Token, ["train", .. CommandLineRun.Tiny, "--quiet", "--tensorboard", "--output", run]);
            Assert.Equal(130, interrupted.ExitCode);
        }

        Assert.EndsWith(" --tensorboard", RunFolder.ReadConfiguration(run).Repeat, StringComparison.Ordinal);
        Assert.Equal(0, (await FdfaProcess.OfAsync("train", "--resume", run, "--quiet")).ExitCode);
        AssertMetricsAreEvents(run, epochs: 1);

        Directory.Delete(Path.Combine(run, "tensorboard"), recursive: true);
        CommandLineRun finished = CommandLineRun.Of("train", "--resume", run, "--tensorboard").AssertDone();
        Assert.Equal(
            $"The run in {run} is finished, nothing to train; more --epochs than its 1 would go on with it. "
            + $"Its epochs are in {Path.Combine(run, "tensorboard")} for TensorBoard.",
            finished.Output.Trim());
        AssertMetricsAreEvents(run, epochs: 1);
    }

    /// <returns>The file of seed 0.</returns>
    private static string AssertMetricsAreEvents(string run, int epochs)
    {
        IReadOnlyList<MetricsRow> rows = RunFolder.ReadMetrics(run);
        ulong[] seeds = [.. rows.Select(row => row.Seed).Distinct()];
        Assert.Equal(epochs * seeds.Length, rows.Count);
        foreach (ulong seed in seeds)
        {
            string file = Assert.Single(Directory.GetFiles(Path.Combine(run, "tensorboard", $"seed{seed}")));
            Assert.Contains("tfevents", Path.GetFileName(file), StringComparison.Ordinal);
            ReadEvent[] events = [.. EventReader.Read(file)];
            Assert.Equal("brain.Event:2", events[0].FileVersion);
            Assert.Equal(Enumerable.Range(1, epochs).Select(epoch => (long)epoch), events.Skip(1).Select(each => each.Step));
            foreach ((ReadEvent each, MetricsRow row) in events.Skip(1).Zip(rows.Where(row => row.Seed == seed)))
            {
                Assert.Equal(
                    [
                        ("loss/training", (float)row.TrainingLoss), ("loss/test", (float)row.TestLoss),
                        ("accuracy/training", (float)row.TrainingAccuracy), ("accuracy/test", (float)row.TestAccuracy),
                        ("rate/weights", (float)row.LearningRate), ("rate/feedback", (float)row.FeedbackRate!.Value),
                    ],
                    each.Scalars);
            }
        }

        return Directory.GetFiles(Path.Combine(run, "tensorboard", $"seed{seeds[0]}"))[0];
    }
}
