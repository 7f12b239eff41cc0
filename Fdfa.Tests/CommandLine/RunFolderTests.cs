using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

public sealed class RunFolderTests : IDisposable
{
    private static readonly MetricsRow[] s_rows =
    [
        new(0, 1, 1.0 / 3, 0.1 + 0.2, double.NaN, 2.0 / 3, 1e-4, 9.5e-5, 1.25),
        new(ulong.MaxValue, 1, double.Epsilon, 1, double.PositiveInfinity, 0, double.MaxValue, null, 0),
    ];

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Metrics_read_back_to_the_same_bits_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };

            IReadOnlyList<MetricsRow> read = MetricsTable.Parse(MetricsTable.ToCsv(s_rows), "metrics.csv");

            Assert.Equal(s_rows, read);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("", "first line")]
    [InlineData("seed,epoch\n0,1\n", "first line")]
    [InlineData("0,1,2", "Line 2")]
    [InlineData("0,1,x,1,1,1,1,1,1", "Line 2")]
    [InlineData("0,1,1,1,1,1,1,1,1,1", "Line 2")]
    public void Damaged_metrics_are_refused_by_line(string text, string expected)
    {
        string csv = text.Contains("epoch", StringComparison.Ordinal) || text.Length == 0 ? text : MetricsTable.ToCsv([]) + text + "\n";

        Refusal.Of<RunFolderException>(() => MetricsTable.Parse(csv, "metrics.csv"), expected);
    }

    [SkippableFact]
    public void Metrics_are_replaced_as_a_whole_while_somebody_reads_them()
    {
        // Windows refuses to replace an open file; there a reader delays the writer instead.
        Skip.If(OperatingSystem.IsWindows(), "An open file cannot be replaced on Windows.");
        using RunFolder folder = RunFolder.Create(_temporary.File("run"), verbose: false);
        folder.WriteMetrics(s_rows[..1]);
        using var reader = new StreamReader(new FileStream(
            _temporary.File("run/metrics.csv"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

        folder.WriteMetrics(s_rows);

        Assert.Equal(MetricsTable.ToCsv(s_rows[..1]), reader.ReadToEnd());
        Assert.Equal(s_rows, RunFolder.ReadMetrics(_temporary.File("run")));
        Assert.Equal([".fdfa-lock", "metrics.csv"], FileNames(_temporary.File("run")));
    }

    [Fact]
    public void A_configuration_reads_back_as_it_was_written()
    {
        using RunFolder folder = RunFolder.Create(_temporary.File("run"), verbose: false);

        folder.WriteConfiguration(SomeRun.Configuration);

        RunConfiguration read = RunFolder.ReadConfiguration(_temporary.File("run"));
        Assert.Equal(SomeRun.Configuration.ToJson(), read.ToJson());
        Assert.Equal(SomeRun.Request.ToArguments(), read.ToRequest().ToArguments());
        Assert.Equal(SomeRun.Request.Options, read.ToRequest().Options);
    }

    [Fact]
    public void A_configuration_from_before_a_rule_had_more_options_reads_with_what_it_had_then()
    {
        JsonNode json = JsonNode.Parse(SomeRun.Configuration.ToJson())!;
        json.AsObject().Remove("differences");
        Assert.True(json.AsObject().Remove("batchNormalization"));
        Assert.True(json["data"]!.AsObject().Remove("shape"));
        string[] later = ["feedbackDecay", "perturbations", "noise", "antithetic", "weightNoise", "outputGradient", "perturbationSite"];
        Assert.All(later, name => Assert.True(json["options"]!.AsObject().Remove(name), name));

        RunConfiguration read = RunConfiguration.Parse(json.ToJsonString(), "config.json");

        Assert.Equal(SomeRun.Request.Options, read.ToRequest().Options);
        Assert.Equal(SomeRun.Request.ToArguments(), read.ToRequest().ToArguments());
        Assert.False(read.ToRequest().Network.HasBatchNormalization);
    }

    [Fact]
    public void A_configuration_says_how_it_differs_from_each_preset() => Assert.Equal(
        [
            "Differs from the preset paper in: activation tanh (relu), batch size 32 (64), learning rate 0.0003333333333333333 (1e-4), "
            + "weights start as pytorch (kaiming), feedback rate decay per epoch 1 (0.95), feedback is updated simultaneous (first).",
            "Differs from the preset published-code in: activation tanh (relu), batch size 32 (64), "
            + "learning rate 0.0003333333333333333 (1e-4), batch normalization no (yes).",
        ],
        RunConfiguration.Parse(SomeRun.Configuration.ToJson(), "config.json").Differences);

    [Fact]
    public void The_command_line_of_a_configuration_asks_for_the_same_run()
    {
        var command = new TrainCommand();

        RunRequest read = command.Read(command.Parse([.. SomeRun.Request.ToArguments().Skip(1)]));

        Assert.Equal(SomeRun.Request.Options, read.Options);
        Assert.Equal(SomeRun.Request.ToArguments(), read.ToArguments());
        Assert.Contains("--data-dir 'a folder/with '\\''quotes'\\'''", SomeRun.Configuration.Repeat, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is not the configuration of a run: it is not whole, or its line 1 is not JSON.")]
    [InlineData("{\n\"schemaVersion\": 1,", "is not the configuration of a run: it is not whole, or its line 2 is not JSON.")]
    [InlineData("[]", "no schemaVersion")]
    [InlineData("""{"schemaVersion": "1"}""", "no schemaVersion")]
    [InlineData("{}", "no schemaVersion")]
    [InlineData("""{"schemaVersion": 2}""", "schemaVersion 2")]
    [InlineData("""{"\ud800schemaVersion": 1}""", "is not the configuration of a run: it holds half a character.")]
    [InlineData("""{"schemaVersion": 1}""", "is not the configuration of a run: a part of it is missing.")]
    public void A_damaged_configuration_is_refused(string json, string expected) =>
        AssertEvaluateRefuses(json, expected);

    [Theory]
    [InlineData("\"rule\": \"FDFA\"", "\"rule\": \"FDFB\"", "Unknown rule")]
    [InlineData("\"rule\": \"FDFA\"", "\"rule\": null", "its options.rule is not of the right kind.")]
    [InlineData("\"network\": \"784-30-10\"", "\"network\": \"784\"", "topology")]
    [InlineData("\"network\": \"784-30-10\"", "\"network\": null", "its network is not of the right kind.")]
    [InlineData("\"name\": \"embedded\"", "\"name\": null", "its data.name is not of the right kind.")]
    [InlineData("\"limit\": 100,", "", "its data is not of the right kind.")]
    [InlineData("\"batchSize\": 32", "\"batchSize\": \"many\"", "its options.batchSize is not of the right kind.")]
    [InlineData("\"batchSize\": 32", "\"batchSize\": 0", "batch size")]
    [InlineData("\"loss\": \"SoftmaxCrossEntropy\"", "\"loss\": \"Hinge\"", "its options.loss is not of the right kind.")]
    public void A_configuration_with_an_impossible_value_is_refused(string valid, string invalid, string expected)
    {
        string json = SomeRun.Configuration.ToJson();
        Assert.Contains(valid, json, StringComparison.Ordinal);

        AssertEvaluateRefuses(json.Replace(valid, invalid, StringComparison.Ordinal), expected);
    }

    [Fact]
    public void A_damaged_row_of_metrics_is_shown_on_one_line()
    {
        var failure = Assert.Throws<RunFolderException>(
            () => MetricsTable.Parse(MetricsTable.ToCsv([]) + "0,1,\v\0" + new string('9', 1000), "metrics.csv"));

        Assert.StartsWith("Line 2 of 'metrics.csv' is not a row of metrics: '0,1,??999", failure.Message, StringComparison.Ordinal);
        Assert.InRange(failure.Message.Length, 60, 130);
    }

    [Theory]
    [InlineData(0, false, "it has not trained an epoch yet, or its models are gone. This trains it on: fdfa train --resume ")]
    [InlineData(4, false, "runs of a sweep and of a table keep none. This trains it again, and keeps them: fdfa train --rule FDFA ")]
    [InlineData(4, true, "model-seed0.safetensors' is missing.")]
    public void A_run_without_its_models_is_refused_with_the_way_to_have_them(int epochs, bool hasAnother, string expected)
    {
        RunConfiguration configuration = SomeRun.Configuration with { Epochs = 4 };
        _temporary.Write("config.json", System.Text.Encoding.UTF8.GetBytes(configuration.ToJson()));
        _temporary.Write("metrics.csv", System.Text.Encoding.UTF8.GetBytes(MetricsTable.ToCsv(SomeRun.Rows(epochs, seeds: 3))));
        if (hasAnother)
        {
            _temporary.Write("model-seed1.safetensors", []);
        }

        CommandLineRun.Of("evaluate", _temporary.Path).AssertRefused(expected);
        CommandLineRun.Of("export", _temporary.Path, "--seed", "0", "--onnx", _temporary.File("x.onnx")).AssertRefused(expected);
    }

    [Fact]
    public void An_unused_folder_goes_with_every_parent_it_brought()
    {
        using (RunFolder.Create(_temporary.File("a/b/c"), verbose: false))
        {
            Assert.True(Directory.Exists(_temporary.File("a/b/c")));
        }

        Assert.False(Directory.Exists(_temporary.File("a")));
        Assert.True(Directory.Exists(_temporary.Path));
    }

    [Fact]
    public void An_empty_folder_that_was_there_before_stays()
    {
        RunFolder.Create(_temporary.Path, verbose: false).Dispose();

        Assert.True(Directory.Exists(_temporary.Path));
    }

    [Fact]
    public void The_curves_are_a_png_and_an_svg_with_their_words()
    {
        using RunFolder folder = RunFolder.Create(_temporary.File("run"), verbose: false);

        folder.WriteCurves(
            new Curves("A title", LossFunction.SoftmaxCrossEntropy, [new CurveSeries("FDFA", s_rows), new CurveSeries("Nothing", [])]));

        Assert.Equal<byte>([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(_temporary.File("run/curves.png"))[..4]);
        Assert.Equal("svg", XDocument.Load(_temporary.File("run/curves.svg")).Root!.Name.LocalName);
        Assert.Equal([".fdfa-lock", "curves.png", "curves.svg"], FileNames(_temporary.File("run")));
    }

    [Fact]
    public void A_run_is_named_by_its_time_rule_and_network()
    {
        var now = new DateTime(2026, 1, 31, 12, 0, 0, DateTimeKind.Local);

        string path = RunFolder.DefaultPath(SomeRun.Request, now);

        Assert.Equal(Path.Combine("runs", "20260131-120000-FDFA-784-30-10"), path);
    }

    internal static string[] FileNames(string folder) =>
        [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private void AssertEvaluateRefuses(string json, string expected)
    {
        _temporary.Write("config.json", System.Text.Encoding.UTF8.GetBytes(json));

        CommandLineRun run = CommandLineRun.Of("evaluate", _temporary.Path).AssertRefused(expected);
        Assert.Equal("", run.Output);
    }
}
