using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>--validation</c>, and what goes by it: rankings, <c>--keep best</c> and <c>--patience</c>.</summary>
public sealed class ValidationTests : IDisposable
{
    private static readonly string[] s_tiny = ["train", .. CommandLineRun.TinyOf(epochs: 2), "--seeds", "2"];
    private static readonly ValidationPart s_quarter = ValidationPart.OfShare(0.25);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_trains_on_the_rest_and_writes_what_validation_came_to()
    {
        CommandLineRun run = CommandLineRun.Of([.. s_tiny, "--validation", "0.25", "--tensorboard", "--output", folder.File("run")])
            .AssertDone(
                "embedded: 48 training samples, 16 validation samples, 2000 test samples; 2 epochs",
                "Validation accuracy", "Validation loss", "epoch 2/2: validation accuracy ");
        Assert.DoesNotContain("epoch 2/2: test accuracy", run.Output, StringComparison.Ordinal);
        IReadOnlyList<MetricsRow> rows = RunFolder.ReadMetrics(folder.File("run"));
        Assert.Equal(4, rows.Count);
        Assert.All(rows, row => Assert.Equal(16 * row.Validation!.Accuracy, Math.Round(16 * row.Validation.Accuracy), 1e-9));
        Assert.Contains("validation", File.ReadAllText(folder.File("run/log.txt")), StringComparison.Ordinal);
        Assert.Contains("FDFA, validation", Words("run"), StringComparison.Ordinal);
        string events = Encoding.Latin1.GetString(
            File.ReadAllBytes(Assert.Single(Directory.GetFiles(folder.File("run/tensorboard/seed0")))));
        string[] tags = ["loss/validation", "accuracy/validation", "loss/test"];
        Assert.All(tags, tag => Assert.Contains(tag, events, StringComparison.Ordinal));
        CommandLineRun.Of("watch", folder.File("run"), "--once").AssertDone("Validation", "Finished: 2 of 2 epochs.");
        CommandLineRun.Of("watch", folder.File("run")).AssertDone(", validation loss ");

        // The part does not change what is evaluated later, nor which data they are.
        string evaluated = CommandLineRun.Of("evaluate", folder.File("run"), "--device", "cpu").AssertDone().Output;
        Assert.DoesNotContain("not those of the run", evaluated, StringComparison.Ordinal);
        CommandLineRun.Of("evaluate", folder.File("run"), "--best").AssertRefused("kept no models of its best epochs; train it with");

        // The same again, by its own command line; and each seed alone has the same part.
        RunRequest request = RunFolder.ReadConfiguration(folder.File("run")).ToRequest();
        Assert.Equal(0, CommandLineRun.Of([.. request.ToArguments(), "--device", "cpu", "--output", folder.File("again")]).ExitCode);
        SameRun.Assert(folder.File("run"), folder.File("again"));
        request = request with { Seeds = [1] };
        Assert.Equal(0, CommandLineRun.Of([.. request.ToArguments(), "--device", "cpu", "--output", folder.File("alone")]).ExitCode);
        Assert.Equal(SameRun.Numbers(folder.File("alone")), SameRun.Numbers(folder.File("run")).Where(row => row.Seed == 1));
    }

    [Fact]
    public void A_run_without_validation_has_the_files_and_the_key_that_it_always_had()
    {
        RunRequest validated = SomeRun.Request with { Validation = s_quarter };
        string json = SomeRun.Configuration.ToJson();
        string[] words = ["validation", "keep", "patience"];

        Assert.All(words, word => Assert.DoesNotContain(word, json, StringComparison.OrdinalIgnoreCase));
        Assert.StartsWith(
            "seed,epoch,training_loss,training_accuracy,test_loss,test_accuracy,learning_rate,feedback_rate,seconds\n",
            MetricsTable.ToCsv(SomeRun.Rows(1, 1)),
            StringComparison.Ordinal);
        Assert.Equal("FDFA-784-30-10-embedded-3epochs-3seeds-55d9f607", RunKey.Of(SomeRun.Request));
        RunRequest[] others =
        [
            SomeRun.Request, validated, validated with { Validation = ValidationPart.OfCount(16) },
            validated with { Patience = 1 }, validated with { Patience = 2 },
        ];
        Assert.Equal(others.Length, others.Select(RunKey.Of).Distinct().Count());
        Assert.Equal(RunKey.Of(validated), RunKey.Of(validated with { Keep = KeptModels.Best }));
    }

    [Fact]
    public void Metrics_and_configuration_read_back_as_they_were_written()
    {
        MetricsRow[] rows = Rows(0.25, 1.0 / 3);
        Assert.Equal(rows, MetricsTable.Parse(MetricsTable.ToCsv(rows), "metrics.csv"));
        Refusal.Of<RunFolderException>(
            () => MetricsTable.Parse(MetricsTable.HeaderOf(hasValidation: true) + "0,1,1,1,1,1,1,1,1", "metrics.csv"),
            "Line 2 of 'metrics.csv'");

        RunRequest request = SomeRun.Request with { Validation = ValidationPart.OfCount(25), Keep = KeptModels.Best, Patience = 3 };
        RunConfiguration read = RunConfiguration.Parse(Described(request).ToJson(), "config.json");
        Assert.Equal(request.ToArguments(), read.ToRequest().ToArguments());
        Assert.Equal(request.ToArguments(), SomeRun.Read([.. request.ToArguments().Skip(1)]).ToArguments());
        Assert.Null(read.ToRequest().Part?.Training);
        Refusal.Of<RunFolderException>(
            () => RunConfiguration.Parse(
                Described(request).ToJson().Replace("\"validation\": \"25\"", "\"validation\": \"most\"", StringComparison.Ordinal),
                "config.json"),
            "its data.validation is not of the right kind");
    }

    [Theory]
    [InlineData(
        "--validation 1",
        "'1' of --validation is not a share of the training samples above 0 and below 1, such as 0.1, "
        + "or a whole number of them of at least 2.")]
    [InlineData("--validation 1.5", "The value '1.5' of --validation is not a share")]
    [InlineData("--validation ten", "The value 'ten' of --validation is not a share")]
    [InlineData(
        "--validation 0.01 --limit 64",
        "The value '0.01' of --validation does not fit the data: A validation part of 0.01 makes 1 of 64 training samples")]
    [InlineData(
        "--validation 64 --limit 64",
        "makes 64 of 64 training samples, but it needs at least 2 and must leave a sample of each class: at most 54.")]
    [InlineData(
        "--keep best",
        "The option --keep best goes by the validation accuracy; give --validation too, such as --validation 0.1, or leave it out.")]
    [InlineData("--patience 2", "The option --patience goes by the validation accuracy; give --validation too")]
    [InlineData("--patience 0 --validation 0.1", "'0' of --patience is not a whole number from 1")]
    [InlineData("--keep beast --validation 0.1", "Unknown kept model 'beast'; did you mean best? Known kept models: last, best.")]
    [InlineData("--sweep lr=1e-3 --validation 0.1 --keep best", "Runs of a sweep keep no models; leave out --keep")]
    [InlineData("--sweep validation=0.1,half", "The value 'half' of --validation")]
    public void A_mistake_is_one_sentence(string options, string expected)
    {
        CommandLineRun.Of(["train", .. options.Split(' '), "--device", "cpu", "--output", folder.File("run")]).AssertRefused(expected);
        Assert.False(Directory.Exists(folder.File("run")));
    }

    [Fact]
    public void A_sweep_picks_by_validation_where_the_test_set_would_pick_otherwise()
    {
        WritePlantedData();
        string[] sweep =
        [
            "train", "--rule", "BP", "--data", "cifar-10", "--data-dir", folder.File("data"), "--network", "3072-10",
            "--batch-size", "5", "--epochs", "2", "--device", "cpu",
            "--sweep", "lr=1e-9,1e-8,1e-3", "--sweep", "decay=1,0.5,0.25", "--output", folder.File("store"),
        ];

        CommandLineRun byValidation = CommandLineRun.Of([.. sweep, "--validation", "0.1"]).AssertDone(
            "Mean validation accuracy (%)",
            "Validation accuracy after the last epoch",
            "The best has learning-rate=1e-3, the largest of its values");
        string[][] lines = Lines(folder.File("store"));

        Assert.DoesNotContain("Ranked by test accuracy", byValidation.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["learning-rate", "decay", "state", "validation_accuracy", "validation_accuracy_deviation", "test_accuracy"], lines[0][..6]);
        Assert.Equal(9, lines.Length - 1);
        Assert.Equal(("1e-3", "1"), (lines[1][0], lines[1][3]));

        // What it did not look at: the test set would have taken any other.
        double[] tests = [.. lines.Skip(1).Select(line => RunFolder.ReadMetrics(folder.File($"store/{line[^1]}"))[^1].TestAccuracy)];
        Assert.Equal(0, tests[0]);
        Assert.True(tests.Max() > 0);
        Assert.Equal(["0", .. Enumerable.Repeat("", 8)], lines.Skip(1).Select(line => line[5]));

        // While a point is missing, none is chosen and none is tested.
        Directory.Delete(folder.File($"store/{lines[9][^1]}"), recursive: true);
        Assert.Equal(1, CommandLineRun.Of([.. sweep, "--validation", "0.1", "--gather"]).ExitCode);
        Assert.All(Lines(folder.File("store")).Skip(1), line => Assert.Equal("", line[5]));

        string[] byTest = [.. sweep[..^1], folder.File("other")];
        CommandLineRun.Of(byTest).AssertDone(
            "Ranked by test accuracy, which flatters the point that it chooses; "
            + "--validation 0.1 sets a part of the training samples aside to rank by.");
        Assert.NotEqual("1e-3", Lines(folder.File("other"))[1][0]);
    }

    [Fact]
    public void A_run_of_a_sweep_that_stopped_early_is_finished()
    {
        WritePlantedData();
        string[] sweep =
        [
            "train", "--rule", "BP", "--data", "cifar-10", "--data-dir", folder.File("data"), "--network", "3072-10", "--batch-size", "5",
            "--epochs", "9", "--validation", "0.1", "--patience", "1", "--device", "cpu", "--sweep", "lr=1e-9,1e-8", "--output",
            folder.File("store"),
        ];

        CommandLineRun.Of(sweep).AssertDone("Validation accuracy after the last epoch");

        Assert.All(
            Lines(folder.File("store")).Skip(1),
            line => Assert.InRange(RunFolder.ReadMetrics(folder.File($"store/{line[^1]}"))[^1].Epoch, 2, 8));
        CommandLineRun.Of([.. sweep, "--gather"]).AssertDone("Validation accuracy after the last epoch");
    }

    [Fact]
    public void Runs_that_are_compared_are_ranked_by_validation_where_all_have_it()
    {
        ComparedRun worse = new("runs/worse", Described(SomeRun.Request with { Validation = s_quarter }), Rows(0.5));
        ComparedRun better = worse with { Path = "runs/better", Rows = [.. Rows(0.75).Select(row => row with { TestAccuracy = 0.125 })] };
        ComparedRun begun = worse with { Rows = [] };
        ComparedRun without = new("runs/without", SomeRun.Configuration, SomeRun.Rows(1, 1));

        Assert.Equal([2, 1, 0], new RunComparison([begun, worse, better]).Ranking);
        Assert.Null(new RunComparison([worse, better, without]).Ranking);
        Assert.Null(new RunComparison([begun, begun]).Ranking);
        string ranked = Compared(begun, worse, better);
        Assert.Contains("Ranked by validation accuracy; the test set is shown for the best alone.", ranked, StringComparison.Ordinal);
        Assert.Contains("12.50 %", ranked, StringComparison.Ordinal);
        Assert.DoesNotContain("85.00 %", ranked, StringComparison.Ordinal);
        string mixed = Compared(worse, better, without);
        Assert.Contains("Some of these runs have no validation part, so they are not ranked", mixed, StringComparison.Ordinal);
        Assert.Contains("85.00 %", mixed, StringComparison.Ordinal);
        Assert.DoesNotContain("alidation part", Compared(without, without), StringComparison.Ordinal);
    }

    [Fact]
    public void The_best_epoch_is_the_first_of_the_best_and_patience_counts_from_that_of_the_mean()
    {
        // Two seeds: the mean is 0.5, 0.6, 0.6, 0.55.
        double[][] accuracies = [[0.3, 0.7], [0.5, 0.7], [0.5, 0.7], [0.6, 0.5]];
        MetricsRow[] rows = [.. accuracies.SelectMany((epoch, index) => epoch.Select((accuracy, seed) => Row(seed, index + 1, accuracy)))];

        var history = ValidationHistory.Of(rows, seeds: 2);

        Assert.Equal((2, 2), (history.BestEpoch, history.EpochsSinceBest));
        Assert.Equal((4, 1), (history.BestEpochOf(0), history.BestEpochOf(1)));
        RunConfiguration run = SomeRun.Configuration with { Seeds = [0, 1], Epochs = 10, Patience = 2 };
        Assert.True(MetricsTable.IsComplete(rows, run));
        Assert.False(MetricsTable.IsComplete(rows, run with { Patience = 3 }));
        Assert.False(MetricsTable.IsComplete(rows, run with { Patience = null }));
        Assert.False(MetricsTable.IsComplete(rows[..^1], run));
        Assert.False(MetricsTable.IsComplete(rows[..^2], run));
        Assert.True(MetricsTable.IsComplete(rows[..4], run with { Epochs = 2 }));
    }

    /// <summary>Cancelled before its first step, after the first epoch or before the last, or killed after its last checkpoint.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    public void A_run_with_keep_best_and_patience_that_is_resumed_ends_byte_equal(int cancelledAfter, bool isKilledAtItsEnd)
    {
        RunRequest tiny = TrainingObserver.Tiny(epochs: 50, 0, 1);
        RunRequest request = tiny with
        {
            Limit = 200,
            Validation = s_quarter,
            Keep = KeptModels.Best,
            Patience = 2,
            Options = tiny.Options with { LearningRate = 0.01, FeedbackRate = 0.01 },
        };
        string undisturbed = folder.File("undisturbed");
        RunResult whole = TrainingObserver.Train(request, undisturbed, (_, _) => { });
        int last = whole.Rows[^1].Epoch;
        var history = ValidationHistory.Of(whole.Rows, seeds: 2);
        Assert.InRange(last, 4, 49);
        Assert.Equal(last - 2, history.BestEpoch);
        Assert.Equal(
            $"Stopped early, after epoch {last} of 50: the mean validation accuracy was best after epoch {last - 2} (--patience 2).",
            whole.EarlyEnd);
        foreach (ulong seed in request.Seeds)
        {
            IReadOnlyDictionary<string, string> words = ModelFile.ReadMetadata(RunFolder.ModelPath(undisturbed, seed, isBest: true));
            Assert.Equal(history.BestEpochOf(seed).ToString(CultureInfo.InvariantCulture), words[TrainingRun.EpochsWord]);
            Assert.Equal("0", words[TrainingRun.StepsWord]);
        }

        string run = folder.File("run");
        int cancelledEpoch = cancelledAfter < 0 ? last + cancelledAfter : cancelledAfter;
        using var cancellation = new CancellationTokenSource();
        if (cancelledAfter == 0 && !isKilledAtItsEnd)
        {
            cancellation.Cancel();
        }

        TrainingObserver.Train(
            request,
            run,
            (_, observer) => observer.OnEpoch = epoch => (epoch == cancelledEpoch ? cancellation : null)?.Cancel(),
            cancellation.Token);
        if (isKilledAtItsEnd)
        {
            // The checkpoint of the last epoch is there, and nothing that comes after it.
            string metrics = Path.Combine(run, "metrics.csv");
            File.WriteAllLines(metrics, File.ReadAllLines(metrics)[..^2]);
            File.Delete(Path.Combine(run, "curves.png"));
            File.Delete(RunFolder.ModelPath(run, 0));
        }

        CommandLineRun.Of("train", "--resume", run, "--quiet").AssertDone(whole.EarlyEnd!);
        SameRun.Assert(undisturbed, run);
        Assert.Equal(4, Directory.GetFiles(run, "model-seed*.safetensors").Length);
        Assert.Equal(RunFolderTests.FileNames(undisturbed), RunFolderTests.FileNames(run));
        Assert.Equal(
            $"The run in {run} is finished, nothing to do; its --patience 2 ended it after epoch {last}.",
            CommandLineRun.Of("train", "--resume", run).AssertDone().Output.Trim());
        CommandLineRun.Of("watch", run, "--once").AssertDone($"Finished: stopped early, after {last} of 50 epochs.");

        // The best models can be used, and are those of the epochs that are recorded.
        CommandLineRun evaluated = CommandLineRun.Of("evaluate", run, "--best", "--device", "cpu").AssertDone();
        Assert.DoesNotContain("as of epoch", evaluated.Output, StringComparison.Ordinal);
        Assert.All(request.Seeds, seed => Assert.Contains(
            ConsoleOutput.Percent(whole.Rows.Single(row => row.Seed == seed && row.Epoch == history.BestEpochOf(seed)).TestAccuracy),
            evaluated.Output,
            StringComparison.Ordinal));
        CommandLineRun.Of("export", run, "--seed", "1", "--best", "--onnx", folder.File("best.onnx"))
            .AssertDone("seed 1, best epoch, as ONNX");
    }

    [Fact]
    public void Curves_to_choose_from_leave_the_test_set_out()
    {
        using (RunFolder run = RunFolder.Create(folder.File("run"), verbose: false))
        {
            CurveSeries[] two = [new CurveSeries("first", Rows(0.5, 0.75)), new CurveSeries("second", Rows(0.25))];
            run.WriteCurves(new Curves("Two", LossFunction.SoftmaxCrossEntropy, two));
        }

        Assert.Contains("second, validation", Words("run"), StringComparison.Ordinal);
        Assert.DoesNotContain(", test", Words("run"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_best_model_that_went_with_the_folder_is_told_in_the_log()
    {
        RunRequest request = TrainingObserver.Tiny(epochs: 3, 0) with { Validation = s_quarter, Keep = KeptModels.Best };
        request = request with { Options = request.Options with { LearningRate = 1e-9 } };

        TrainingObserver.Train(request, folder.File("run"), (_, observer) => observer.OnEpoch = epoch =>
        {
            if (epoch == 1)
            {
                Directory.Delete(folder.File("run"), recursive: true);
            }
        });

        string log = File.ReadAllText(folder.File("run/log.txt"));
        Assert.Equal(2, log.Split("The model of seed 0 after its best epoch so far, 1, is gone, and is not written again").Length);
    }

    [Fact]
    public void A_best_model_whose_checkpoint_was_written_before_it_is_written_by_who_goes_on()
    {
        RunRequest request = TrainingObserver.Tiny(epochs: 2, 0) with { Validation = s_quarter, Keep = KeptModels.Best };
        TrainingObserver.Train(request, folder.File("undisturbed"), (_, _) => { });
        using var cancellation = new CancellationTokenSource();
        TrainingObserver.Train(
            request, folder.File("run"), (_, observer) => observer.OnEpoch = _ => cancellation.Cancel(), cancellation.Token);
        File.Delete(RunFolder.ModelPath(folder.File("run"), 0, isBest: true));

        Assert.Equal(0, CommandLineRun.Of("train", "--resume", folder.File("run"), "--quiet").ExitCode);

        SameRun.Assert(folder.File("undisturbed"), folder.File("run"));
    }

    private static MetricsRow Row(int seed, int epoch, double accuracy) =>
        SomeRun.Rows(1, 1)[0] with { Seed = (ulong)seed, Epoch = epoch, Validation = new Evaluation(1 - accuracy, accuracy) };

    /// <summary>An epoch per accuracy, of one seed.</summary>
    private static MetricsRow[] Rows(params double[] accuracies) =>
        [.. accuracies.Select((accuracy, index) => Row(0, index + 1, accuracy))];

    private static RunConfiguration Described(RunRequest request) => RunConfiguration.Describe(
        request,
        new DataDescription("embedded", request.DataDirectory, "memory", 100, 75, 2000, 784, 10)
        {
            Validation = request.Validation,
            ValidationSamples = 25,
        },
        SomeRun.Configuration.Device);

    private static string Compared(params ComparedRun[] runs) =>
        CommandLineRun.Written(output => CompareCommand.Write(output, new RunComparison(runs)), width: 200);

    private static string[][] Lines(string store) =>
        [.. File.ReadAllLines(Assert.Single(Directory.GetFiles(store, "*.csv"))).Select(line => line.Split(','))];

    private string Words(string run) => string.Concat(XDocument.Load(folder.File($"{run}/curves.svg")).Descendants()
        .Where(element => element.Name.LocalName is "text" or "tspan" && !element.HasElements)
        .Select(element => element.Value + "\n"));

    /// <summary>Images that show their class, and a test set that has every class but the right one.</summary>
    private void WritePlantedData()
    {
        folder.Write("data/data_batch_1.bin", Records(image => image, count: 100));
        folder.Write("data/test_batch.bin", Records(image => image + 1, count: 20));

        static byte[] Records(Func<int, int> label, int count) =>
        [
            .. Enumerable.Range(0, count).SelectMany(image => Enumerable.Range(0, CifarFile.PixelBytes)
                .Select(pixel => (byte)(pixel % 10 == image % 10 ? 255 : 0))
                .Prepend((byte)(label(image) % 10))),
        ];
    }
}
