using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Fdfa.Experiments.Figures;

/// <summary>Figure 3: training loss and test accuracy over training, of a 2-layer fully connected network and a CNN.</summary>
/// <remarks>
/// Runs: what Table B.6 (2 layers) and Table 2 run on CIFAR10, and shares their runs: whichever asks first trains them.
/// Reports: FG-W converges slowest, FG-A little faster, DFA faster than both, DKP and FDFA faster than DFA; FDFA like BP in the fully
/// connected network, and faster than DKP in the CNN.
/// Agrees: where the training losses of the last epoch are in that order, and FDFA's is nearer to BP's than DFA's is.
/// </remarks>
internal static class Figure3
{
    /// <summary>The figure.</summary>
    public static Experiment Experiment { get; } = new(
        "fig3",
        "Figure 3: training loss and test accuracy",
        "FG-W converges slowest, FG-A a little faster, DFA faster than both; "
        + "DKP and FDFA are faster than DFA, FDFA like BP in the fully connected network and faster than DKP in the CNN.",
        "3 epochs of the 10,000 embedded images, one seed",
        Reproduce)
    {
        Epochs = AccuracyTable.PaperEpochs,
        QuickEpochs = 3,
    };

    /// <summary>The runs of both networks, as a table of accuracies.</summary>
    private static AccuracyTable Table { get; } = new(
        Experiment.Name, "Figure 3: accuracies after the last epoch", Table1.Table.Columns,
        [TableB6.Table.Sections[0], Table2.Table.Sections[0]])
    {
        Remarks = Table2.Table.Remarks,
    };

    /// <summary>A rule's training.</summary>
    /// <param name="Section">The network.</param>
    /// <param name="Rule">The rule.</param>
    /// <param name="Rows">Of every seed and epoch, a seed's in the order of epochs.</param>
    internal sealed record Curve(string Section, LearningRule Rule, IReadOnlyList<MetricsRow> Rows)
    {
        /// <summary>The training loss of the last epoch, the mean over seeds.</summary>
        public double LastLoss => Rows.Where(row => row.Epoch == Rows[^1].Epoch).Average(row => row.TrainingLoss);
    }

    private static ExperimentResult Reproduce(ExperimentRun run)
    {
        ExperimentRequest asked = run.Request;
        ReproductionRequest request = run.RequestOf(
            Table,
            [asked.Quick ? EmbeddedFashionMnist.Name : CifarDataSet.Cifar10.Name],
            asked.Epochs ?? (asked.Quick ? Experiment.QuickEpochs : Experiment.Epochs!.Value));
        ReproductionResult result = run.Train(request);
        Curve[] curves =
        [
            .. from entry in result.Entries
               where entry.Run is { Divergence: null }
               let rows = RunFolder.ReadMetrics(Path.Combine(asked.Output, entry.Run!.Folder))
               select new Curve(entry.Section, entry.Request.Options.Rule, rows),
        ];
        RunConfiguration[] configurations = [.. result.Entries.Select(entry => entry.Run?.Configuration).OfType<RunConfiguration>()];
        return new ExperimentResult(
            ToCsv(curves),
            [
                $"{string.Join(" and ", configurations.Select(one => one.Network).Distinct())} on "
                + $"{(asked.Quick ? "the embedded part of Fashion-MNIST, where the paper has CIFAR10" : "CIFAR10")}: "
                + $"{ConsoleOutput.Count(request.Epochs, "epoch")}, "
                + $"{ConsoleOutput.Count(request.Seeds, "seed")}"
                + $"{(request.Limit is { } limit ? $", the first {ConsoleOutput.Plain(limit)} training samples" : "")}, "
                + $"preset {request.Preset}; lines are means over seeds.",
                .. Table.Remarks(request),
                .. Differences([.. result.Entries.Where(entry => entry.Run is not null).Select(entry => entry.Request)]),
                .. result.Entries.Where(entry => entry.Run is not { Divergence: null })
                    .Select(entry => $"{entry.Label} is missing: {entry.Run?.Divergence ?? entry.Refusal}"),
                $"Trained on {string.Join(", ", configurations.Select(one => one.Device.Name).Distinct())}.",
            ],
            [.. Claims(curves)])
        {
            Picture = PlotLibrary.Draw(() => new PlotSheet(
                Experiment.Title,
                columns: 2,
                [
                    .. Table.Sections.Select((section, index) =>
                        Draw(
                            $"({"ab"[index]}) {section.Heading}", "Training loss", curves.Where(curve => curve.Section == section.Heading),
                            row => row.TrainingLoss)),
                    .. Table.Sections.Select((section, index) =>
                        Draw(
                            $"({"cd"[index]}) {section.Heading}", "Test accuracy (%)",
                            curves.Where(curve => curve.Section == section.Heading), row => 100 * row.TestAccuracy)),
                ])),
        };
    }

    /// <summary>What the rules do not have in common, which their order is also due to.</summary>
    internal static IEnumerable<string> Differences(IReadOnlyList<RunRequest> runs)
    {
        string Rules(IEnumerable<RunRequest> some) => string.Join(", ", some.Select(run => run.Options.Rule.Name).Distinct());
        var byNormalization = runs.ToLookup(run => run.Network.HasBatchNormalization);
        if (byNormalization.Count == 2)
        {
            yield return $"Hidden blocks are normalized over the batch with {Rules(byNormalization[true])}, "
                + $"and not with {Rules(byNormalization[false])}.";
        }

        var byRate = runs.GroupBy(run => run.Options.LearningRate).OrderByDescending(group => group.Count()).ToList();
        if (byRate.Count > 1)
        {
            yield return "The learning rate is "
                + $"{string.Join("; ", byRate.Select(group => $"{ConsoleOutput.Plain(group.Key)} with {Rules(group)}"))}.";
        }
    }

    private static string ToCsv(IReadOnlyList<Curve> curves) => "network,rule,seed,epoch,training_loss,test_accuracy\n" + string.Concat(
        from curve in curves
        from row in curve.Rows
        select string.Create(
            CultureInfo.InvariantCulture,
            $"{curve.Section},{curve.Rule},{row.Seed},{row.Epoch},{row.TrainingLoss:R},{row.TestAccuracy:R}\n"));

    /// <summary>What the paper says of each network; nothing of a rule whose curve is missing, which the caption names.</summary>
    /// <param name="curves">Those that there are.</param>
    internal static IEnumerable<Claim> Claims(IReadOnlyList<Curve> curves) =>
        Table.Sections.SelectMany(section => Claims(section.Heading, [.. curves.Where(curve => curve.Section == section.Heading)]));

    private static IEnumerable<Claim> Claims(string network, IReadOnlyList<Curve> curves)
    {
        (string Faster, string Slower)[] orders =
        [
            ("FG-A", "FG-W"), ("DFA", "FG-A"), ("DKP", "DFA"), ("FDFA", "DFA"),
            .. network == Table.Sections[^1].Heading ? [("FDFA", "DKP")] : Array.Empty<(string, string)>(),
        ];
        foreach ((string faster, string slower) in orders)
        {
            if (Loss(faster) is { } low && Loss(slower) is { } high)
            {
                yield return new Claim(
                    $"{network}: {faster} converges faster than {slower} (training loss of the last epoch)",
                    low < high,
                    $"{ConsoleOutput.Loss(low)} and {ConsoleOutput.Loss(high)}");
            }
        }

        if (Loss("BP") is { } bp && Loss("FDFA") is { } fdfa && Loss("DFA") is { } dfa)
        {
            yield return new Claim(
                $"{network}: FDFA's training loss is nearer to BP's than DFA's is",
                Math.Abs(fdfa - bp) < Math.Abs(dfa - bp),
                $"BP {ConsoleOutput.Loss(bp)}, FDFA {ConsoleOutput.Loss(fdfa)}, DFA {ConsoleOutput.Loss(dfa)}");
        }

        double? Loss(string rule) => curves.FirstOrDefault(curve => curve.Rule.Name == rule)?.LastLoss;
    }

    private static Plot Draw(string heading, string axis, IEnumerable<Curve> curves, Func<MetricsRow, double> value)
    {
        Plot plot = PlotPanel.Create(heading, "Epoch", axis);
        foreach (Curve curve in curves)
        {
            var epochs = curve.Rows.GroupBy(row => row.Epoch).OrderBy(epoch => epoch.Key).ToList();
            var line = plot.Add.Scatter(
                epochs.Select(epoch => (double)epoch.Key).ToArray(), epochs.Select(epoch => epoch.Average(value)).ToArray());
            line.Color = PlotPanel.Palette[LearningRule.OfThePaper.ToList().IndexOf(curve.Rule)];
            line.LineWidth = 2;
            line.MarkerSize = epochs.Count <= 30 ? 5 : 0;
            line.LegendText = curve.Rule.Name;
        }

        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        plot.Axes.Bottom.MinorTickStyle.Length = 0;
        plot.Axes.AutoScale();
        plot.Font.Set(PlotPanel.FontFamily);
        plot.ShowLegend(Edge.Right);
        return plot;
    }
}
