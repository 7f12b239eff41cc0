using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;

namespace Fdfa.Tests.CommandLine;

/// <summary>The tables as data, the keys of their runs, and how a reproduced table is written.</summary>
public sealed class AccuracyTableTests
{
    [Fact]
    public void The_tables_have_the_paper_s_shape()
    {
        Assert.Equal(LearningRule.OfThePaper, Table1.Table.Sections.Single().Rows.Select(row => row.Rule));
        Assert.Equal(LearningRule.OfThePaper, Table2.Table.Sections.Single().Rows.Select(row => row.Rule));
        Assert.Equal(LearningRule.OfThePaper, Table3.Table.Sections.Single().Rows.Select(row => row.Rule));
        Assert.Equal([6, 7, 7], TableB6.Table.Sections.Select(section => section.Rows.Count));
        Assert.DoesNotContain(LearningRule.LocalGreedyForwardGradient, TableB6.Table.Sections[0].Rows.Select(row => row.Rule));
        Assert.All(
            AccuracyTable.All.SelectMany(
                table => table.Sections.SelectMany(section => section.Rows, (_, row) => (table.Columns, row.Figures))),
            row =>
            {
                Assert.Equal(row.Columns.Count, row.Figures.Count);
                Assert.All(row.Figures, figure => Assert.InRange(figure.Mean, 0.7, 99.4));
                Assert.All(row.Figures, figure => Assert.InRange(figure.Deviation, 0.01, 2.5));
            });
        Assert.Equal("784-800-800-800-10", Table1.Table.Sections[0].TopologyFor("mnist", Preset.Paper));
        Assert.Equal("3072-1000-1000-1000-10", Table1.Table.Sections[0].TopologyFor("cifar-10", Preset.PublishedCode));
        Assert.Equal("784-800-10", TableB6.Table.Sections[0].TopologyFor("embedded", Preset.Paper));
        Assert.Equal("15C5-P2-40C5-P2-128-10", Table2.Table.Sections[0].TopologyFor("mnist", Preset.Paper));
        Assert.Equal("15C5-40C5-P2-128-10", Table2.Table.Sections[0].TopologyFor("mnist", Preset.PublishedCode));
        Assert.Equal("alexnet-100", Table3.Table.Sections[0].TopologyFor("cifar-100", Preset.Paper));
        Assert.Equal("alexnet-200", Table3.Table.Sections[0].TopologyFor("tiny-imagenet", Preset.Paper));
    }

    [Theory]
    [InlineData("98.46")]
    [InlineData("98.46 + 0.05")]
    [InlineData("98.46 ± x")]
    public void A_misprinted_figure_is_refused(string text) => Assert.Throws<FormatException>(() => PaperFigure.Parse(text));

    [Fact]
    public void A_run_s_key_is_of_what_decides_its_numbers()
    {
        RunRequest run = Request(LearningRule.Backpropagation, Preset.PublishedCode);
        TrainingOptions options = run.Options;
        RunRequest feedback = run with { Options = options with { Rule = LearningRule.ForwardDirectFeedbackAlignment } };
        RunRequest[] others =
        [
            run with { Network = Topology.Parse("784-9-10") },
            run with { Network = Topology.Parse("784-8-10", ActivationFunction.Tanh) },
            run with { Network = Topology.Parse("784-8-10", batchNormalization: true) },
            run with { Network = Topology.Parse("2C5-P2-8-10", inputShape: new ImageShape(1, 28, 28)) },
            run with { Network = Topology.Parse("2C5-P2-8-10", inputShape: new ImageShape(3, 28, 28)) },
            run with { Network = Topology.Parse("2C5-P2-8-10", inputShape: new ImageShape(1, 28, 28), batchNormalization: true) },
            run with { Network = Topology.Parse("alexnet-10", inputShape: new ImageShape(3, 32, 32)) },
            run with { Network = Topology.Parse("alexnet-10", inputShape: new ImageShape(3, 32, 32), batchNormalization: true) },
            run with { Network = Topology.Parse("alexnet-10", inputShape: new ImageShape(3, 64, 64)) },
            feedback,
            feedback with { Options = feedback.Options with { PerturbationSite = PerturbationSite.BeforePool } },
            feedback with { Options = feedback.Options with { PerturbationSite = PerturbationSite.PreActivation } },
            run with { DataName = "mnist" },
            run with { Epochs = 4 },
            run with { Seeds = [0, 1, 2] },
            run with { Seeds = [0, 2] },
            run with { Limit = 64 },
            run with { Options = options with { BatchSize = 32 } },
            run with { Options = options with { LearningRate = 1e-3 } },
            run with { Options = options with { LearningRateDecay = 1 } },
            run with { Options = options with { WeightOptimizer = OptimizerKind.Sgd } },
            run with { Options = options with { Loss = LossFunction.MeanSquaredError } },
            run with { Options = options with { WeightInitialisation = Initialisation.Zeros } },
        ];

        Assert.Equal(others.Length + 1, others.Append(run).Select(RunKey.Of).Distinct().Count());
    }

    [Fact]
    public void A_run_s_key_is_of_nothing_else()
    {
        RunRequest run = Request(LearningRule.Backpropagation, Preset.PublishedCode);

        Assert.Equal(RunKey.Of(run), RunKey.Of(run with { PresetName = Preset.Paper.Name, DataDirectory = "/elsewhere" }));
        // Feedback and noise mean nothing to BP.
        Assert.Equal(
            RunKey.Of(run),
            RunKey.Of(
                run with { Options = run.Options with { FeedbackRate = 1, Perturbations = 8, WeightNoise = WeightNoise.PerSample } }));
        Assert.Equal(RunKey.Of(run), RunKey.Of(run with { Limit = 10000 }));
        Assert.Matches("^BP-784-8-10-embedded-3epochs-2seeds-[0-9a-f]{8}$", RunKey.Of(run));
    }

    [Fact]
    public void Every_option_that_means_something_changes_the_key()
    {
        string[] meaningless = [.. LearningRule.All.SelectMany(rule => TrainingOption.All.Where(option =>
        {
            RunRequest run = Request(rule, Preset.Paper);
            TrainingOptions options = run.Options;
            TrainingOptions changed = option.Property switch
            {
                nameof(TrainingOptions.FeedbackOptimizer) => options with { FeedbackOptimizer = OptimizerKind.Sgd },
                nameof(TrainingOptions.Perturbations) => options with { Perturbations = 2 },
                nameof(TrainingOptions.WeightNoise) => options with { WeightNoise = WeightNoise.PerBatch },
                nameof(TrainingOptions.OutputGradient) => options with { OutputGradient = OutputGradient.Exact },
                nameof(TrainingOptions.PerturbationSite) => options with { PerturbationSite = PerturbationSite.PreActivation },
                nameof(TrainingOptions.FeedbackDecay) => options with { FeedbackDecay = 0.5 },
                _ => options,
            };
            return changed != options && option.Concerns(rule) == (RunKey.Of(run) == RunKey.Of(run with { Options = changed }));
        }).Select(option => $"{rule} {option.Switch}"))];

        Assert.Empty(meaningless);
    }

    [Fact]
    public void The_size_of_the_embedded_data_is_known_without_reading_it()
    {
        DataSetPair data = EmbeddedFashionMnist.Load();

        Assert.Equal(new SampleCounts(data.Train.Count, data.Test.Count), DataSource.SamplesOf(EmbeddedFashionMnist.Name));
        Assert.Equal(new SampleCounts(60000, 10000), DataSource.SamplesOf("mnist"));
    }

    [Fact]
    public void A_difference_is_in_the_paper_s_standard_deviations()
    {
        Assert.Equal(-2, new PaperFigure(98, 0.5).DifferenceOf(97));
        Assert.Null(new PaperFigure(98, 0).DifferenceOf(97));
    }

    [SkippableFact]
    public void The_report_on_the_console() =>
        Snapshot.Match(CommandLineRun.Written(Report.Write), "reproduction-console");

    [SkippableFact]
    public void The_report_as_markdown() => Snapshot.Match(Report.ToMarkdown(), "reproduction-markdown");

    [SkippableFact]
    public void The_report_as_csv() => Snapshot.Match(Report.ToCsv(), "reproduction-csv");

    [Fact]
    public void The_report_fits_a_terminal_of_80_columns() =>
        Assert.Equal(Rows(CommandLineRun.Written(Report.Write, width: 160)), Rows(CommandLineRun.Written(Report.Write, width: 80)));

    /// <summary>Accuracies of the paper itself, but for two rules that change places, in the deepest network alone.</summary>
    [Theory]
    [InlineData("FDFA", "DKP", false, true)]
    [InlineData("FG-W", "FG-A", false, false)]
    [InlineData("BP", "BP", true, true)]
    public void Claims_hold_for_the_paper_s_accuracies_and_not_for_others(string one, string other, bool isOrdered, bool losesWithDepth)
    {
        string Swapped(string section, string rule) => section != "4 layers" ? rule : rule == one ? other : rule == other ? one : rule;
        TableEntry[] entries =
        [
            .. from section in TableB6.Table.Sections
               from row in section.Rows
               let run = Request(row.Rule, Preset.Paper) with { Epochs = 100 }
               let accuracy = section.Rows.Single(of => of.Rule.Name == Swapped(section.Heading, row.Rule.Name)).Figures[2].Mean / 100
               select new TableEntry(section.Heading, "CIFAR10", run, row.Figures[2])
               {
                   Run = new StoredRun([accuracy - 0.001, accuracy + 0.001], null, SomeRun.Configuration, RunKey.Of(run)),
               },
        ];

        Claim[] claims = [.. AccuracyClaims.Of(TableB6.Table, entries)];

        Assert.Equal(
            [
                "CIFAR10, 2 layers: the rules stand in ",
                "CIFAR10, 3 layers: the rules stand in ",
                "CIFAR10, 4 layers: the rules stand in ",
                "CIFAR10: from 2 layers to 4 layers FG-",
            ],
            claims.Select(claim => claim.Statement[..38]));
        Assert.Equal([true, true, isOrdered, losesWithDepth], claims.Select(claim => claim.Holds));
        Assert.All(claims, claim => Assert.Contains(" standard errors)", claim.Measured, StringComparison.Ordinal));
    }

    [Fact]
    public void Accuracies_are_counted_against_the_paper_s_where_they_are_of_whole_trainings()
    {
        const string Counted = "entries within 2 of the paper's standard deviations";
        TableEntry[] whole = [.. Entries.Select(entry => entry with { Request = entry.Request with { Epochs = 100 } })];

        Assert.Contains($"18 of 22 {Counted}", new AccuracyReport(TableB6.Table, whole, []).ToMarkdown(), StringComparison.Ordinal);
        Assert.DoesNotContain(Counted, Report.ToMarkdown(), StringComparison.Ordinal);
    }

    private static string[] Rows(string written) => [.. written.Split('\n').Where(line => line.StartsWith('│'))];

    private static AccuracyReport Report => new(TableB6.Table, Entries, ["Preset published-code, but without its batch normalization."]);

    private static TableEntry[] Entries =>
        [
            .. from section in TableB6.Table.Sections
               from column in TableB6.Table.Columns.Take(2)
               from row in section.Rows
               select Entry(section, column, row),
        ];

    /// <summary>Results of every kind: near the paper and far, of one seed, diverged, refused and missing.</summary>
    private static TableEntry Entry(TableSection section, PaperColumn column, PaperRow row)
    {
        PaperFigure paper = row.Figures[TableB6.Table.Columns.ToList().IndexOf(column)];

        // The keys in the snapshot are of options that no preset decides.
        RunRequest request =
            Request(row.Rule, Preset.PublishedCode) with { DataName = column.DataSet, Options = new TrainingOptions { Rule = row.Rule } };
        var entry = new TableEntry(section.Heading, column.Heading, request, paper);
        double near = (paper.Mean + paper.Deviation) / 100;
        return (section.Heading, row.Rule.Name) switch
        {
            ("3 layers", "BP") => entry with { Run = new StoredRun([near], null, SomeRun.Configuration, RunKey.Of(request)) },
            ("3 layers", "FG-W") =>
                entry with
                {
                    Run = new StoredRun(
                        [], "The loss became NaN or infinite at step 7 (seed 0); try a smaller learning rate.", SomeRun.Configuration,
                        RunKey.Of(request)),
                },
            ("3 layers", "FG-A") => entry with { Refusal = "That needs 9 GB of memory, and this machine has 8 GB." },
            ("4 layers", _) => entry,
            (_, "DFA") => entry with { Run = new StoredRun([0.5, 0.6], null, SomeRun.Configuration, RunKey.Of(request)) },
            _ => entry with { Run = new StoredRun([near - 0.001, near + 0.001], null, SomeRun.Configuration, RunKey.Of(request)) },
        };
    }

    private static RunRequest Request(LearningRule rule, Preset preset) => new(
        Topology.Parse("784-8-10"), preset.OptionsFor(rule), preset.Name, Epochs: 3, Seeds: [0, 1], "embedded",
        DataDirectory: null, Limit: null);
}
