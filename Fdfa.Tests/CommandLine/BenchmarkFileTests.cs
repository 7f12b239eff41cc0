using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Benchmarks;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>Files of times: what <c>fdfa bench --json</c> writes, what <c>--compare</c> reads, and who else may write them.</summary>
public sealed class BenchmarkFileTests
{
    private static readonly DeviceInfo s_device = new("cpu", DeviceKind.Cpu, "Some processor", 8L << 30, "2 cores");

    private static readonly BenchmarkEntry s_entry = new()
    {
        Rule = "FDFA",
        Network = "784-800-10",
        BatchNormalization = false,
        Preset = "paper",
        BatchSize = 64,
        Replicas = 1,
        MedianSeconds = 0.0081,
        LowSeconds = 0.0079,
        HighSeconds = 0.0093,
    };

    /// <summary>What a peer of bench/peers writes: no floor, several variants.</summary>
    private const string Peer = """
        {
          "schemaVersion": 2,
          "program": "pytorch",
          "measuredAt": "2026-01-31T12:00:00+00:00",
          "machine": { "processor": "Some processor", "cores": 2, "operatingSystem": "Linux" },
          "device": { "selector": "cpu", "kind": "Cpu", "name": "Some processor", "memoryBytes": 8589934592, "details": "2 threads" },
          "versions": { "torch": "2.9.0", "python": "3.13.0" },
          "results": [
            {
              "rule": "FDFA", "network": "15C5-40C5-P2-128-10", "input": "1x28x28", "batchNormalization": true, "preset": "published-code",
              "batchSize": 64, "replicas": 1, "variant": "eager", "medianSeconds": 0.0243, "lowSeconds": 0.024, "highSeconds": 0.025
            },
            {
              "rule": "FDFA", "network": "15C5-40C5-P2-128-10", "input": "1x28x28", "batchNormalization": true, "preset": "published-code",
              "batchSize": 64, "replicas": 1, "variant": "compiled", "medianSeconds": 0.0162, "lowSeconds": 0.016, "highSeconds": 0.017
            }
          ]
        }
        """;

    [Fact]
    public void A_file_reads_back_as_it_was_written()
    {
        BenchmarkFile written = BenchmarkFile.Of(
            s_device, [s_entry with { FloorSeconds = 0.005, LaunchesPerStep = 4 }, s_entry with { Rule = "BP" }]);

        BenchmarkFile read = BenchmarkFile.Parse(written.ToJson(), "file");

        Assert.Equal(written.Results, read.Results);
        Assert.Equal(written.ToJson(), read.ToJson());
        Assert.False(read.IsOfPeer);
        Assert.Equal(BenchmarkMachine.Here, read.Machine);
    }

    [SkippableFact]
    public void The_layout_of_a_file_changes_with_its_version_only() => Snapshot.Match(
        (BenchmarkFile.Of(s_device, [s_entry with { Input = "1x28x28", FloorSeconds = 0.005, Ratio = 1.62 }]) with
        {
            MeasuredAt = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
            Machine = new BenchmarkMachine("Some processor", 2, "An operating system"),
            Versions = new Dictionary<string, string> { ["fdfa"] = "1.0" },
        }).ToJson(),
        "benchmark-file");

    [Theory]
    [InlineData("", "'file' is not a file of benchmarks: it is not whole, or its line 1 is not JSON.")]
    [InlineData("{ \"schemaVersion\": 2, \"progr", "it is not whole, or its line 1 is not JSON")]
    [InlineData("[1, 2]", "it has no schemaVersion.")]
    [InlineData("{ \"name\": \"package\" }", "it has no schemaVersion.")]
    [InlineData(
        "{ \"schemaVersion\": 1, \"results\": [] }",
        "'file' has schemaVersion 1, and this fdfa reads 2; use the version of fdfa that wrote it.")]
    [InlineData("{ \"schemaVersion\": 2 }", "'file' is not a file of benchmarks: a part of it is missing.")]
    public void A_text_that_is_no_such_file_is_refused_in_a_sentence(string text, string expected) => AssertRefused(text, expected);

    [Theory]
    [InlineData("\"results\": [", "\"results\": [], \"others\": [", "it has no results.")]
    [InlineData("\"results\": [", "\"results\": [ null,", "its results[0] is empty.")]
    [InlineData(
        "\"lowSeconds\": 0.024", "\"lowSeconds\": 0.03",
        "the seconds of its results[0] are not a low one, a median and a high one above 0.")]
    [InlineData("\"lowSeconds\": 0.016", "\"lowSeconds\": 0", "the seconds of its results[1]")]
    [InlineData("\"medianSeconds\": 0.0243", "\"medianSeconds\": \"fast\"", "its results[0].medianSeconds is not of the right kind.")]
    [InlineData("\"kind\": \"Cpu\"", "\"kind\": \"Tpu\"", "its device.kind is not of the right kind.")]
    public void A_file_with_a_damaged_part_is_refused_with_the_part(string sound, string damaged, string expected) =>
        AssertRefused(Damaged(sound, damaged), expected);

    [Theory]
    [InlineData("\"FDFA\"", "\"FDFB\"", "Unknown rule 'FDFB'; did you mean FDFA?")]
    [InlineData("15C5-40C5-P2-128-10", "15C5-40C5-P2", "'P2'")]
    [InlineData("1x28x28", "28x28", "The input '28x28' is not channels, height and width, such as 1x28x28.")]
    [InlineData("published-code", "papre", "Unknown preset 'papre'; did you mean paper?")]
    [InlineData("\"batchSize\": 64", "\"batchSize\": 0", "The batch size is 0")]
    [InlineData("\"replicas\": 1", "\"replicas\": 0", "The number of replicas is 0; it can be 1 to 1000.")]
    public void A_step_that_cannot_be_timed_is_refused_with_the_file(string sound, string foreign, string expected)
    {
        BenchmarkFile file = BenchmarkFile.Parse(Damaged(sound, foreign), "file");

        Assert.StartsWith(
            "'file' has a step that this fdfa cannot time: ", Refusal.Of<BenchmarkFileException>(() => file.Cases("file"), expected),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_variants_of_a_peer_are_timed_once()
    {
        BenchmarkFile file = BenchmarkFile.Parse(Peer, "file");

        BenchmarkCase only = Assert.Single(file.Cases("file"));

        Assert.True(file.IsOfPeer);
        Assert.Equal("15C5-40C5-P2-128-10", only.Network.Topology);
        Assert.True(only.Network.HasBatchNormalization);
        Assert.Equal(Preset.PublishedCode, only.Preset);
        Assert.Equal((64, 1), (only.Options.BatchSize, only.Replicas));
    }

    [Fact]
    public void A_file_of_another_machine_is_refused_and_one_of_this_machine_is_not()
    {
        BenchmarkFile here = BenchmarkFile.Of(ComputeDevice.Processor, [s_entry]);
        here.RequireSameMachine("file", ComputeDevice.Processor);

        BenchmarkFile[] elsewhere =
        [
            here with { Device = here.Device with { Name = "Another processor" } },
            here with { Device = here.Device with { Kind = DeviceKind.Cuda } },
            here with { Machine = here.Machine with { Processor = "Another processor" } },
            here with { Machine = here.Machine with { Cores = here.Machine.Cores + 1 } },
        ];
        Assert.All(elsewhere, file => Assert.EndsWith(
            "times compare on one machine and device only: compare there, or give the --device that the file is of.",
            Assert.Throws<BenchmarkFileException>(() => file.RequireSameMachine("file", ComputeDevice.Processor)).Message,
            StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0.0094, 0.0096, 0.0099, Change.Slower)]
    [InlineData(0.0092, 0.0096, 0.0099, Change.None)]
    [InlineData(0.0079, 0.0081, 0.0093, Change.None)]
    [InlineData(0.0070, 0.0075, 0.0080, Change.None)]
    [InlineData(0.0070, 0.0072, 0.0078, Change.Faster)]
    public void Only_what_the_spreads_cannot_explain_is_a_change(double low, double median, double high, object change) => Assert.Equal(
        (Change)change,
        new ComparedEntry(s_entry, s_entry with { LowSeconds = low, MedianSeconds = median, HighSeconds = high }).Change);

    [SkippableFact]
    public void The_comparison_with_an_older_measurement()
    {
        BenchmarkEntry wide = s_entry with { Rule = "BP" };
        BenchmarkFile before = BenchmarkFile.Of(s_device, [s_entry, wide]) with
        {
            MeasuredAt = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
            Versions = new Dictionary<string, string> { ["fdfa"] = "1.0+0123456789abcdef" },
        };

        Snapshot.Match(
            Compared(before, [s_entry with { LowSeconds = 0.0094, MedianSeconds = 0.0096, HighSeconds = 0.0099 }, wide]),
            "benchmark-comparison");
    }

    [SkippableFact]
    public void The_comparison_with_a_peer()
    {
        BenchmarkFile peer = BenchmarkFile.Parse(Peer, "file");

        Snapshot.Match(
            Compared(peer, [peer.Results[0] with { Variant = null, LowSeconds = 0.0078, MedianSeconds = 0.0081, HighSeconds = 0.0083 }]),
            "benchmark-peer");
    }

    [Fact]
    public void A_step_that_does_not_fit_leaves_no_file_behind()
    {
        using var temporary = new TemporaryFolder();

        CommandLineRun run = CommandLineRun.Of(
            "bench", "--network", "1000000-1000000-10", "--device", "cpu", "--json", temporary.File("deep/times.json"));

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(temporary.Path));
    }

    [Fact]
    public void A_comparison_of_a_damaged_file_times_nothing()
    {
        using var temporary = new TemporaryFolder();
        temporary.Write("times.json", "{}"u8.ToArray());

        CommandLineRun.Of("bench", "--compare", temporary.File("times.json"), "--json", temporary.File("deep/times.json"))
            .AssertRefused("is not a file of benchmarks: it has no schemaVersion.");
        Assert.Equal(["times.json"], RunFolderTests.FileNames(temporary.Path));
    }

    private static string Compared(BenchmarkFile before, IReadOnlyList<BenchmarkEntry> now) =>
        CommandLineRun.Written(output => BenchmarkComparison.Write(
            output, before, BenchmarkComparison.Of(before, now.Select(entry => (BenchmarkCase.Of(entry), entry)))));

    private static string Damaged(string sound, string damaged)
    {
        Assert.Contains(sound, Peer, StringComparison.Ordinal);
        return Peer.Replace(sound, damaged, StringComparison.Ordinal);
    }

    private static void AssertRefused(string text, string expected) =>
        Refusal.Of<BenchmarkFileException>(() => BenchmarkFile.Parse(text, "file"), expected);
}
