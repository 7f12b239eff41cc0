using System.Xml.Linq;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Data;
using SkiaSharp;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>compare</c>, with runs that never took place.</summary>
public sealed class CompareTests : IDisposable
{
    private static readonly ComparedRun s_first = new("runs/first", SomeRun.Configuration, SomeRun.Rows(epochs: 3, seeds: 3));

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SkippableFact]
    public void Results_and_differences_side_by_side()
    {
        RunComparison comparison = new(
        [
            s_first,
            s_first with
            {
                Path = "runs/second",
                Configuration = Changed(options => options with { LearningRate = 1e-2, BatchSize = 64 }),
                Rows = SomeRun.Rows(epochs: 2, seeds: 3),
            },
            s_first with
            {
                Path = "runs/begun",
                Configuration = Changed(_ => Preset.Paper.OptionsFor(LearningRule.Backpropagation)),
                Rows = [],
            },
        ]);

        Snapshot.Match(CommandLineRun.Written(output => CompareCommand.Write(output, comparison), width: 120), "comparison");
    }

    [Fact]
    public void A_run_is_named_by_its_rule_and_what_tells_it_from_the_others()
    {
        RunComparison comparison = new(
        [
            s_first,
            s_first with
            {
                Configuration = Changed(options => options with { LearningRate = 1e-2 }) with
                {
                    Device = new DeviceInfo("cuda:0", DeviceKind.Cuda, "Some GPU", 1, ""),
                },
            },
        ]);

        Assert.Equal(["1: FDFA, 0.0003333333333333333", "2: FDFA, 0.01"], comparison.Names);
        Assert.Equal(["Learning rate", "Device"], comparison.Differences.Select(setting => setting.Label));
    }

    [Fact]
    public void What_means_nothing_to_a_rule_is_a_difference_and_no_part_of_its_name()
    {
        RunComparison comparison = new(
            [s_first, s_first with { Configuration = Changed(options => options with { Rule = LearningRule.DirectFeedbackAlignment }) }]);

        Assert.Equal(["1: FDFA", "2: DFA"], comparison.Names);
        SettingDifference rate = Assert.Single(comparison.Differences, setting => setting.Label == "Feedback rate");
        Assert.Equal(["1e-4", null], rate.Values);
    }

    [Theory]
    [InlineData("0123456789abcdef", "0123456789ab", "fedcba987654")]
    [InlineData(null, "not noted", "fedcba987654")]
    public void Runs_on_other_samples_differ_in_what_their_data_hold(string? checksum, params string[] expected)
    {
        RunComparison comparison = new([On(checksum, 2000), On("fedcba9876543210", 2000)]);

        SettingDifference data = Assert.Single(comparison.Differences);
        Assert.Equal("SHA-256 of the data", data.Label);
        Assert.Equal(expected, data.Values);

        // Where the name or the number of samples says it, a checksum would say nothing more.
        Assert.Equal(
            ["Test samples"],
            new RunComparison([On(checksum, 2000), On("fedcba9876543210", 1000)]).Differences.Select(setting => setting.Label));

        static ComparedRun On(string? checksum, int testSamples) => s_first with
        {
            Configuration =
                SomeRun.Configuration with { Data = SomeRun.Configuration.Data with { Sha256 = checksum, TestSamples = testSamples } },
        };
    }

    [Fact]
    public void Equal_configurations_are_said_to_be_equal()
    {
        string written = CommandLineRun.Written(output => CompareCommand.Write(output, new RunComparison([s_first, s_first])));

        Assert.Contains("Their configurations do not differ.", written, StringComparison.Ordinal);
        Assert.Contains("86.00 ± 1.00 %", written, StringComparison.Ordinal);
    }

    [Fact]
    public void Curves_of_all_runs_are_drawn_on_one_picture()
    {
        string[] runs = [.. Enumerable.Range(0, 9).Select(number =>
            Write(
                $"run{number}", Changed(options => options with { LearningRate = 1e-3 * (number + 1) }),
                SomeRun.Rows(epochs: 3, seeds: number < 2 ? 3 : 1)))];

        CommandLineRun few = CommandLineRun.Of(["compare", .. runs[..2], "--output", folder.File("few")]);
        CommandLineRun many = CommandLineRun.Of(["compare", .. runs, "--output", folder.File("many")]);

        few.AssertDone();
        many.AssertDone();
        Assert.Equal(["curves.png", "curves.svg"], RunFolderTests.FileNames(folder.File("few")));
        Assert.Contains("1: FDFA, 0.001, training", Words("few"), StringComparison.Ordinal);
        Assert.Contains("2 runs of FDFA on embedded, 784-30-10 (mean ± sd over 3 seeds)", Words("few"), StringComparison.Ordinal);

        // Their curves coincide, and yet both show, to the left of the legend.
        using SKBitmap picture = SKBitmap.Decode(folder.File("few/curves.png"));
        SKColor[] left =
        [
            .. from y in Enumerable.Range(0, picture.Height) from x in Enumerable.Range(0, picture.Width / 4) select picture.GetPixel(x, y)
        ];
        Assert.All(PlotPanel.Palette.Take(2), color => Assert.InRange(left.Count(pixel => pixel == new SKColor(color.ARGB)), 100, 100_000));
        string words = Words("many");
        Assert.Contains("9: FDFA, 0.009", words, StringComparison.Ordinal);
        Assert.DoesNotContain("training", words, StringComparison.Ordinal);
        Assert.Contains("Accuracy on the test set", words, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_without_an_epoch_have_no_curves_and_leave_no_folder()
    {
        string run = Write("run", SomeRun.Configuration, []);

        CommandLineRun comparison = CommandLineRun.Of(
            "compare", run, Write("other", SomeRun.Configuration, []), "--output", folder.File("comparison"));

        Assert.Equal(0, comparison.ExitCode);
        Assert.Contains("0 of 3", comparison.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("comparison")));
    }

    [Fact]
    public void A_folder_of_runs_stands_for_its_runs()
    {
        Write("sweep/a", SomeRun.Configuration, []);
        string second = Write("sweep/b", SomeRun.Configuration, []);

        Assert.Contains("2: " + second, CommandLineRun.Of("compare", folder.File("sweep")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_compared_is_one_sentence()
    {
        string run = Write("run", SomeRun.Configuration, SomeRun.Rows(epochs: 1, seeds: 1));
        folder.Write("damaged/config.json", System.Text.Encoding.UTF8.GetBytes(SomeRun.Configuration.ToJson()));
        folder.Write("damaged/metrics.csv", "nonsense"u8.ToArray());
        (string[] Arguments, string Expected)[] mistakes =
        [
            ([], "'fdfa compare' needs a RUN; see 'fdfa compare --help'."),
            ([run], "'fdfa compare' takes 2 to 20 run folders, and 1 is given;"),
            ([.. Enumerable.Repeat(run, 21)], "and 21 are given; name those to compare, as in runs/sweep/FDFA*"),
            ([run, run + "/"], "is given 2 times; give it once."),
            ([run, "/nowhere-at-all"], "'/nowhere-at-all' is not a run folder"),
            ([run, folder.File("damaged")], "metrics.csv' is not the metrics of a run"),
            ([run, Write("other", SomeRun.Configuration, []), "--output", run], "is not empty"),
        ];
        foreach (var (arguments, expected) in mistakes)
        {
            CommandLineRun refused = CommandLineRun.Of(["compare", .. arguments]);

            Assert.Contains(expected, refused.Error, StringComparison.Ordinal);
            Assert.Equal(("", 2), (refused.Output, refused.ExitCode));
        }
    }

    /// <summary>The words of a picture: letters stand alone or together, as the renderer likes.</summary>
    private string Words(string name) => string.Concat(XDocument.Load(folder.File($"{name}/curves.svg")).Descendants()
        .Where(element => element.Name.LocalName is "text" or "tspan" && !element.HasElements)
        .Select(element => element.Value + "\n"));

    private string Write(string name, RunConfiguration configuration, IReadOnlyList<MetricsRow> rows)
    {
        using RunFolder run = RunFolder.Create(folder.File(name), verbose: false);
        run.WriteConfiguration(configuration);
        run.WriteMetrics(rows);
        return run.Path;
    }

    private static RunConfiguration Changed(Func<TrainingOptions, TrainingOptions> change) =>
        SomeRun.Configuration with { Options = change(SomeRun.Configuration.Options) };
}
