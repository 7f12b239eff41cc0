using System.Globalization;
using System.Runtime.InteropServices;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Figures;

/// <summary>All tables and figures of the paper, and a report that has them.</summary>
/// <param name="run">How to reproduce, and where to tell.</param>
/// <param name="write">Writes what an experiment came to for a reader at the console.</param>
internal sealed class WholePaper(ExperimentRun run, Action<Experiment, ExperimentResult> write)
{
    /// <summary>
    /// A quick look's passes over the embedded images, the same for all tables, and for Figure 3, which takes their runs.
    /// </summary>
    private static int QuickEpochs => Figure3.Experiment.QuickEpochs;

    private readonly List<ReportSection> _sections = [];

    /// <summary>Where the report is.</summary>
    public string Path => System.IO.Path.Combine(run.Request.Output, FileName);

    private string FileName => ExperimentFiles.NameOf("report", run.Request.Quick) + ".html";

    /// <summary>Reproduces everything, and writes the report anew after each table and figure.</summary>
    /// <param name="command">The command line, for the report.</param>
    /// <returns>The sections; one that could not be reproduced says why.</returns>
    /// <exception cref="OperationCanceledException">Ctrl-C; the report has what is finished.</exception>
    public IReadOnlyList<ReportSection> Reproduce(string command)
    {
        string device;
        using (ComputeDevice opened = ComputeDevice.Open(run.Request.Device))
        {
            device = opened.Info.Name;
        }

        (string, string)[] facts =
        [
            ("Scale", run.Request.Quick
                ? $"a quick look on the {EmbeddedFashionMnist.TrainingSamples} embedded images of Fashion-MNIST: "
                    + "it shows laws and orders, and not the paper's accuracies"
                : "the paper's"),
            .. run.Request.Limit is { } limit
                ? new[] { ("Training samples", $"the first {limit} of the tables' and Figure 3's data sets") }
                : [],
            ("Device", device),
            (
                "Machine",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture}), "
                    + $"{Environment.ProcessorCount} processor cores")),
            (
                "Versions",
                $"fdfa {RunVersions.Current.Fdfa}, .NET {RunVersions.Current.DotNet}, ILGPU {RunVersions.Current.Ilgpu.Split('+')[0]}"),
            ("Command", command),
            ("Begun", DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture)),
        ];
        foreach ((string id, string title, Func<ReportSection> reproduce) in Parts())
        {
            run.Cancellation.ThrowIfCancellationRequested();
            run.Tell("");
            run.Tell(title);
            try
            {
                _sections.Add(reproduce());
            }
            catch (FdfaException refusal) when (refusal is not RunFolderException)
            {
                // A data set that is not here, say: the rest is worth having.
                run.Tell(refusal.Message);
                _sections.Add(new ReportSection(id, title) { Problem = refusal.Message });
            }

            using RunStore store = RunStore.Open(run.Request.Output);
            store.Write(
                FileName, new HtmlReport("Forward Direct Feedback Alignment: the paper's tables and figures", facts, _sections).ToHtml());
        }

        return _sections;
    }

    private IEnumerable<(string Id, string Title, Func<ReportSection> Reproduce)> Parts() =>
    [
        Part(Table1.Table),
        Part(Table2.Table),
        Part(Table3.Table),
        Part(Figure3.Experiment),
        Part(Figure4.Experiment),
        Part(Figure5.Experiment),
        Part(Table4.Experiment),
        Part(Figure6.Experiment),
        Part(Figure7.Experiment),
        ("tableB5", TableB5.Title, TableB5.ToSection),
        Part(TableB6.Table),
    ];

    private (string, string, Func<ReportSection>) Part(Experiment experiment) =>
        (experiment.Name, experiment.Title, () => Reproduce(experiment));

    private (string, string, Func<ReportSection>) Part(AccuracyTable table) => (table.Name, table.Title, () => Reproduce(table));

    private ReportSection Reproduce(Experiment experiment)
    {
        using ExperimentResult result = experiment.Reproduce(run);
        using (RunStore store = RunStore.Open(run.Request.Output))
        {
            ExperimentFiles.Write(store, experiment, run.Request.Quick, result);
        }

        write(experiment, result);
        return new ReportSection(experiment.Name, experiment.Title)
        {
            Paper = experiment.Paper,
            Svg = result.Picture?.ToSvg(),
            Table = result.Table,
            Caption = result.Caption,
            Claims = result.Claims,
        };
    }

    private ReportSection Reproduce(AccuracyTable table)
    {
        ExperimentRequest asked = run.Request;
        if (asked.Quick && !table.HasEmbedded)
        {
            return new ReportSection(table.Name, table.Title)
            {
                Caption = ["Left out of a quick look of everything, whose images are the embedded ones; "
                    + $"'fdfa reproduce {table.Name} --quick' has a few steps of it."],
            };
        }

        ReproductionRequest request = run.RequestOf(
            table, asked.Quick ? [EmbeddedFashionMnist.Name] : null, asked.Quick ? QuickEpochs : AccuracyTable.PaperEpochs);
        return run.Train(request).Report.ToSection();
    }
}
