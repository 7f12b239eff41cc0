using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>reproduce</c> from end to end, with a table of tiny networks on the embedded data.</summary>
public sealed class ReproduceTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_table_is_trained_once_and_read_from_then_on()
    {
        string store = _temporary.File("store");

        ReproductionRun.Of([.. ReproductionRun.Options, "--output", store])
            .AssertDone("of which 0 are in", "[1/3] BP on embedded, 1 layer epoch 1/1: test accuracy", " left");
        string[] runs = RunsOf(store);
        Assert.Equal(3, runs.Length);
        Assert.All(
            runs,
            run => Assert.Equal(["config.json", "curves.png", "curves.svg", "log.txt", "metrics.csv"], RunFolderTests.FileNames(run)));
        DateTime[] written = WriteTimes(store);
        string markdown = File.ReadAllText(Path.Combine(store, "tiny-published-code-no-batch-norm-1epochs-2seeds-BP+FDFA-embedded.md"));

        // No device is needed to read: this one does not exist.
        CommandLineRun second = ReproductionRun.Of([.. ReproductionRun.Options.SkipLast(1), "cuda:99", "--output", store, "--quiet"])
            .AssertDone();
        Assert.DoesNotContain("epoch 1/1", second.Output, StringComparison.Ordinal);
        Assert.Equal(written, WriteTimes(store));
        Assert.Equal(
            markdown, File.ReadAllText(Path.Combine(store, "tiny-published-code-no-batch-norm-1epochs-2seeds-BP+FDFA-embedded.md")));
    }

    [Fact]
    public void A_run_from_before_batch_normalization_is_found_again_and_not_taken_for_one_with_it()
    {
        Assert.Equal(0, ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"]).ExitCode);
        foreach (string run in RunsOf(_temporary.Path))
        {
            string file = Path.Combine(run, "config.json");
            JsonNode json = JsonNode.Parse(File.ReadAllText(file))!;
            Assert.True(json.AsObject().Remove("batchNormalization"));
            Assert.True(json["data"]!.AsObject().Remove("shape"));
            Assert.True(json["options"]!.AsObject().Remove("perturbationSite"));
            File.WriteAllText(file, json.ToJsonString());
        }

        var request = new ReproductionRequest(
            ReproductionRun.Tiny, [LearningRule.Backpropagation], ["embedded"], Preset.PublishedCode, Epochs: 1, Seeds: 2,
            Quick: false, Download: false, "cpu", _temporary.Path, DataDirectory: null, Quiet: true);
        using RunStore store = RunStore.Open(_temporary.Path);
        using var data = new DataOfRuns(output: null, CancellationToken.None);

        Assert.Equal([true, true], Found(false));
        // The network without a hidden block has nothing to normalize.
        Assert.Equal([true, false], Found(true));

        IEnumerable<bool> Found(bool batchNormalization) => ReproductionPlan
            .Of(request with { BatchNormalization = batchNormalization })
            .Entries.Select(entry => store.Find(data.Identify(entry.Request), Assert.Fail) is not null);
    }

    [Fact]
    public void The_csv_has_the_numbers_of_the_metrics()
    {
        Assert.Equal(0, ReproductionRun.Of([.. ReproductionRun.Options, "--output", _temporary.Path, "--quiet"]).ExitCode);

        string[][] rows = [.. File.ReadAllLines(TableOf(_temporary, "BP+FDFA")).Select(line => line.Split(','))];

        Assert.Equal(4, rows.Length);
        Assert.All(rows, row => Assert.Equal(rows[0].Length, row.Length));
        Dictionary<string, string> bp = rows[0].Zip(rows[1]).ToDictionary(pair => pair.First, pair => pair.Second);
        double[] accuracies = [.. RunFolder.ReadMetrics(_temporary.File(bp["run"])).Select(row => 100 * row.TestAccuracy)];
        Assert.Equal("BP", bp["rule"]);
        Assert.Equal("784-10", bp["network"]);
        Assert.Equal("finished", bp["outcome"]);
        Assert.Equal(accuracies.Average(), Number(bp["test_accuracy_percent"]), 4);
        Assert.Equal(Math.Abs(accuracies[0] - accuracies[1]) / Math.Sqrt(2), Number(bp["standard_deviation"]), 4);
        Assert.Equal("80.00", bp["paper_percent"]);
        Assert.Equal((accuracies.Average() - 80) / 0.5, Number(bp["difference_in_paper_deviations"]), 3);

        // The paper's deviation is zero here: there is no difference in terms of it.
        Assert.Equal("", rows[2][Array.IndexOf(rows[0], "difference_in_paper_deviations")]);
    }

    [Fact]
    public void Interrupted_and_damaged_runs_are_trained_again_and_no_others()
    {
        string store = _temporary.Path;
        Assert.Equal(0, ReproductionRun.Of([.. ReproductionRun.Options, "--output", store, "--quiet"]).ExitCode);
        string whole = File.ReadAllText(TableOf(_temporary, "BP+FDFA"));
        string[] runs = RunsOf(store);

        // Killed within its epoch, as SIGKILL leaves it, _temporary files and a started table included.
        File.WriteAllText(Path.Combine(runs[0], "metrics.csv"), MetricsTable.ToCsv([]));
        File.WriteAllText(Path.Combine(runs[0], ".metrics.csv.0123456789abcdef0123456789abcdef.tmp"), "seed,ep");
        File.WriteAllText(_temporary.File(".table.0123456789abcdef0123456789abcdef.tmp"), "| ");
        File.Delete(Path.Combine(runs[0], "curves.png"));

        // A disk that lost a piece.
        File.WriteAllText(
            Path.Combine(runs[1], "metrics.csv"), File.ReadAllText(Path.Combine(runs[1], "metrics.csv"))[..^20] + "\u0000\u0000");
        DateTime untouched = File.GetLastWriteTimeUtc(Path.Combine(runs[2], "metrics.csv"));

        CommandLineRun again = ReproductionRun.Of([.. ReproductionRun.Options, "--output", store]).AssertDone("of which 1 are in");
        Assert.Single(
            again.Output.Split('\n'),
            line => line.StartsWith("A stored run is trained again, because it cannot be read: Line 3 of", StringComparison.Ordinal));
        Assert.Equal(untouched, File.GetLastWriteTimeUtc(Path.Combine(runs[2], "metrics.csv")));
        Assert.Equal(whole, File.ReadAllText(TableOf(_temporary, "BP+FDFA")));
        Assert.Empty(Directory.GetFiles(store, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_from_its_checkpoint()
    {
        string[] options = [.. OneRun.Select(word => word == "1" ? "3" : word), "--quiet", "--output"];
        Assert.Equal(0, ReproductionRun.Of([.. options, _temporary.File("whole")]).ExitCode);
        string[] whole = RunsOf(_temporary.File("whole"));

        // Two of the three epochs, as a process that was killed then would have left them.
        string stopped = _temporary.File($"store/{Path.GetFileName(whole[0])}");
        RunConfiguration configuration = RunFolder.ReadConfiguration(whole[0]);
        Assert.Equal(
            0,
            CommandLineRun.Of(
                [
                    .. (configuration.ToRequest() with { Epochs = 2 }).ToArguments(), "--device", "cpu", "--quiet", "--output", stopped
                ]).ExitCode);
        File.WriteAllText(Path.Combine(stopped, "config.json"), RunFolder.ReadConfiguration(stopped).WithEpochs(3).ToJson());

        CommandLineRun again = ReproductionRun.Of([.. options, _temporary.File("store")]);

        Assert.Equal("", again.Error);
        Assert.Contains("Resumed after 2 epoch(s)", File.ReadAllText(Path.Combine(stopped, "log.txt")), StringComparison.Ordinal);
        Assert.Equal(SameRun.Numbers(whole[0]), SameRun.Numbers(stopped));
        Assert.False(Directory.Exists(Path.Combine(stopped, "checkpoints")));
    }

    [Theory]
    [InlineData("config.json", "{", "is not the configuration of a run")]
    [InlineData("metrics.csv", "nothing", "is not the metrics of a run")]
    public void A_damaged_file_of_a_run_is_told_once(string file, string text, string expected)
    {
        Assert.Equal(0, ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"]).ExitCode);
        File.WriteAllText(Path.Combine(RunsOf(_temporary.Path)[0], file), text);

        CommandLineRun again = ReproductionRun.Of([.. OneRun, "--output", _temporary.Path]);

        Assert.Equal(0, again.ExitCode);
        Assert.Single(again.Output.Split('\n'), line => line.Contains(expected, StringComparison.Ordinal));
        Assert.Equal(0, ReproductionRun.Of([.. OneRun.SkipLast(1), "cuda:99", "--output", _temporary.Path, "--quiet"]).ExitCode);
    }

    [Fact]
    public void Somebody_s_files_in_an_unfinished_run_are_not_deleted()
    {
        Assert.Equal(0, ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"]).ExitCode);
        string run = RunsOf(_temporary.Path)[0];
        File.Delete(Path.Combine(run, "metrics.csv"));
        File.WriteAllText(Path.Combine(run, "notes.md"), "precious");

        ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"])
            .AssertRefused("has 'notes.md' in it, which fdfa did not write; move that away");
        Assert.Equal("precious", File.ReadAllText(Path.Combine(run, "notes.md")));
    }

    [Fact]
    public void Cancelled_it_says_where_it_stopped_and_goes_on_there()
    {
        using var cancellation = new CancellationTokenSource();
        Assert.Equal(0, ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"]).ExitCode);
        cancellation.Cancel();

        CommandLineRun run = ReproductionRun.Of(cancellation.Token, [.. ReproductionRun.Options, "--output", _temporary.Path, "--quiet"]);

        Assert.Equal(130, run.ExitCode);
        Assert.Equal(
            "fdfa: Interrupted in run 1 of 1 (FDFA on embedded, 1 layer); "
            + "finished runs are kept, and the same command goes on with this one where it stopped.",
            run.Error.Trim());
        Assert.Contains("1 of 3 entries not trained yet", run.Output, StringComparison.Ordinal);
        Assert.Contains(",missing,", File.ReadAllText(TableOf(_temporary, "BP+FDFA")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_divergence_is_an_entry_and_is_remembered()
    {
        Assert.Equal(0, ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"]).ExitCode);
        string run = RunsOf(_temporary.Path)[0];
        File.WriteAllText(Path.Combine(run, "diverged.txt"), "The loss became NaN.\n");

        CommandLineRun again = ReproductionRun.Of([.. ReproductionRun.Options, "--output", _temporary.Path, "--quiet"]);

        Assert.Equal(1, again.ExitCode);
        Assert.Equal("", again.Error);
        Assert.Contains("BP on embedded, 1 layer: diverged. The loss became NaN.", again.Output, StringComparison.Ordinal);
        Assert.Equal(3, RunsOf(_temporary.Path).Length);
        Assert.Contains(",diverged,,,", File.ReadAllText(TableOf(_temporary, "BP+FDFA")), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_processes_do_not_share_a_store()
    {
        using (RunStore.Open(_temporary.Path))
        {
            ReproductionRun.Of([.. OneRun, "--output", _temporary.Path, "--quiet"])
                .AssertRefusedAs(
                    $"fdfa: Another fdfa is at work in the folder '{_temporary.Path}'; "
                    + "wait until it ends, or choose another with --output.");
        }

        Assert.Empty(Directory.GetFileSystemEntries(_temporary.Path));
    }

    [Fact]
    public void Quickly_and_without_any_data_set_it_takes_the_embedded_one_and_says_so()
    {
        Directory.CreateDirectory(_temporary.File("nothing"));

        CommandLineRun run = ReproductionRun.Of(
            "--quick", "--rules", "BP", "--no-batch-norm", "--epochs", "1", "--data-dir", _temporary.File("nothing"), "--device", "cpu",
            "--quiet", "--output", _temporary.File("store"));

        run.AssertDone(
            $"mnist and fashion-mnist are not in '{_temporary.File("nothing")}' (--data-dir), and --quick does without.",
            "do not expect agreement",
            "CIFAR10 is left out of a quick look; name cifar-10 with --data to have it.",
            "1 epoch and 2 seeds, where the paper has 100 and 10",
            "Preset published-code, but without its batch normalization.");
    }

    [Fact]
    public void Rules_that_the_authors_code_does_not_have_are_named()
    {
        ReproductionRequest request = new(
            Table1.Table, LearningRule.OfThePaper, ["embedded"], Preset.PublishedCode, AccuracyTable.PaperEpochs, AccuracyTable.PaperSeeds,
            Quick: false, Download: false, "cpu", "nowhere", DataDirectory: null, Quiet: true);

        Assert.Contains(
            "Preset published-code; FG-A, LG-FG-A as in paper, since the authors' code does not have them.",
            ReproductionPlan.Of(request).Remarks);
        Assert.Contains("Preset paper.", ReproductionPlan.Of(request with { Preset = Preset.Paper }).Remarks);
        Assert.Contains(
            "Preset paper, but batch normalization in every hidden block.",
            ReproductionPlan.Of(request with { Preset = Preset.Paper, BatchNormalization = true }).Remarks);
    }

    [Fact]
    public void Table_B5_agrees_with_the_paper()
    {
        CommandLineRun run = CommandLineRun.Of("reproduce", "tableB5").AssertDone();
        Snapshot.Match(run.Output, "table-b5");
    }

    private static string TableOf(TemporaryFolder store, string rules) =>
        Assert.Single(Directory.GetFiles(store.Path, $"*-{rules}-embedded.csv"));

    private static string[] OneRun =>
        ["--rules", "BP", "--data", "embedded", "--no-batch-norm", "--epochs", "1", "--seeds", "2", "--device", "cpu"];

    private static string[] RunsOf(string store) => [.. Directory.GetDirectories(store).Order(StringComparer.Ordinal)];

    private static DateTime[] WriteTimes(string store) =>
        [.. RunsOf(store).Select(run => File.GetLastWriteTimeUtc(Path.Combine(run, "metrics.csv")))];

    private static double Number(string text) => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
