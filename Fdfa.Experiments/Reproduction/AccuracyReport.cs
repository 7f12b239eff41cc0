using System.Globalization;
using System.Text;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Runs;
using Spectre.Console;

namespace Fdfa.Experiments.Reproduction;

/// <summary>A reproduced table beside the paper's: for the console, as Markdown and as CSV.</summary>
/// <param name="table">The table.</param>
/// <param name="entries">Its cells, section by section, data set by data set within one, rule by rule within that.</param>
/// <param name="remarks">What a reader must know, a sentence each, beside what the entries say themselves.</param>
internal sealed class AccuracyReport(AccuracyTable table, IReadOnlyList<TableEntry> entries, IReadOnlyList<string> remarks)
{
    private const string Missing = "–";

    /// <summary>Writes the table to the console: a row per entry, which fits 80 columns.</summary>
    public void Write(ConsoleOutput output)
    {
        bool hasSections = table.Sections.Count > 1;
        Table rows = ConsoleOutput.CreateTable(
            table.Title,
            [
                "Data set", .. hasSections ? ["Depth"] : Array.Empty<string>(), "Rule", ConsoleOutput.Number("Ours"),
                ConsoleOutput.Number("Paper"), ConsoleOutput.Number("Δ / sd"),
            ]);
        TableEntry? previous = null;
        foreach (TableEntry entry in entries.OrderBy(ColumnIndex))
        {
            if (previous is not null && (previous.Column, previous.Section) != (entry.Column, entry.Section))
            {
                rows.AddEmptyRow();
            }

            bool repeats = previous?.Column == entry.Column;
            string[] section = hasSections ? [repeats && previous!.Section == entry.Section ? "" : entry.Section] : [];
            string[] cells =
                [repeats ? "" : entry.Column, .. section, entry.Request.Options.Rule.Name, Ours(entry), Paper(entry), Difference(entry)];
            rows.AddRow(cells.Select(cell => new Text(cell)));
            previous = entry;
        }

        output.Table(rows);
        foreach (string sentence in Caption().Concat(AccuracyClaims.Of(table, entries).Select(claim => claim.ToString())))
        {
            output.Line(sentence);
        }
    }

    /// <summary>The table as in the paper, in Markdown.</summary>
    public string ToMarkdown() => new StringBuilder($"# {table.Title}\n\n").Append(ToTable().ToMarkdown())
        .Append('\n')
        .AppendJoin(
            '\n', Caption().Concat(AccuracyClaims.Of(table, entries).Select(claim => claim.ToString())).Select(sentence => "- " + sentence))
        .Append('\n')
        .ToString();

    /// <summary>The table as in the paper, for the report.</summary>
    public ReportSection ToSection() =>
        new(table.Name, table.Title) { Table = ToTable(), Caption = [.. Caption()], Claims = [.. AccuracyClaims.Of(table, entries)] };

    /// <summary>A row per rule, a column per data set.</summary>
    private ReportTable ToTable()
    {
        string[] columns = [.. entries.Select(entry => entry.Column).Distinct()];
        bool hasSections = table.Sections.Count > 1;
        return new ReportTable(
            [
                .. hasSections ? ["Depth"] : Array.Empty<string>(),
                "Rule",
                .. columns.SelectMany(column => new[] { column, "Paper", "Δ / sd" }),
            ],
            [
                .. entries.GroupBy(entry => (entry.Section, entry.Request.Options.Rule)).Select(row => (IReadOnlyList<string>)
                [
                    .. hasSections ? [row.Key.Section] : Array.Empty<string>(),
                    row.Key.Rule.Name,
                    .. columns.SelectMany(column => row.FirstOrDefault(entry => entry.Column == column) is { } entry
                        ? new[] { Ours(entry), Paper(entry), Difference(entry) }
                        : [Missing, Missing, Missing]),
                ]),
            ],
            TextColumns: hasSections ? 2 : 1);
    }

    /// <summary>A line per entry, percentages with four decimals; an absent number is an empty cell.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder(
            "table,section,data_set,rule,network,batch_normalization,preset,training_samples,epochs,seeds,outcome,"
            + "test_accuracy_percent,standard_deviation,paper_percent,paper_standard_deviation,difference_in_paper_deviations,run\n");
        foreach (TableEntry entry in entries)
        {
            string[] cells =
            [
                table.Name, entry.Section, entry.Request.DataName, entry.Request.Options.Rule.Name, entry.Request.Network.Topology,
                BatchNormalization.Text(entry.Request.Network), entry.Request.PresetName, Number(TrainingSamples(entry.Request), "0"),
                Number(entry.Request.Epochs, "0"), Number(entry.Request.Seeds.Count, "0"), Outcome(entry),
                Number(entry.Mean, "F4"), Number(entry.Deviation, "F4"), Number(entry.Paper?.Mean, "F2"),
                Number(entry.Paper?.Deviation, "F2"),
                Number(entry.Difference, "F4"), entry.Run?.Folder ?? RunKey.Of(entry.Request),
            ];
            text.AppendJoin(',', cells).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>What a reader must know to read the table, a sentence each.</summary>
    private IEnumerable<string> Caption()
    {
        yield return "Test accuracy after the last epoch in percent, mean ± sample standard deviation over seeds; Δ / sd: "
            + "(ours − paper's) / paper's standard deviation.";
        foreach (string remark in remarks)
        {
            yield return remark;
        }

        // The paper's accuracies are those of whole trainings.
        TableEntry[] compared = [.. entries.Where(
            entry => entry is { Difference: not null, Request: { Epochs: >= AccuracyTable.PaperEpochs, Limit: null, Part: null } }
                && entry.Request.DataName != EmbeddedFashionMnist.Name)];
        if (compared.Length > 0)
        {
            int agreeing = compared.Count(entry => Math.Abs(entry.Difference!.Value) <= AccuracyTable.Agreement);
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{agreeing} of {ConsoleOutput.Count(compared.Length, "entry", "entries")} within {AccuracyTable.Agreement} of the paper's "
                + $"standard deviations, which counts as agreement.");
        }

        // A network that does not fit the device does so with every data set.
        foreach (var failure in entries.GroupBy(entry => (Outcome: Outcome(entry), Sentence: entry.Run?.Divergence ?? entry.Refusal))
            .Where(group => group.Key.Sentence is not null))
        {
            yield return $"{string.Join("; ", failure.Select(entry => entry.Label))}: {failure.Key.Outcome}. {failure.Key.Sentence}";
        }

        int missing = entries.Count(entry => Outcome(entry) == "missing");
        if (missing > 0)
        {
            yield return $"{missing} of {ConsoleOutput.Count(entries.Count, "entry", "entries")} not trained yet ({Missing}).";
        }

        IEnumerable<string> origins = entries
            .Where(entry => entry.Run is not null)
            .Select(entry => $"{entry.Run!.Configuration.DeviceNames} with fdfa {entry.Run.Configuration.Versions.Fdfa.Split('+')[0]}")
            .Distinct();
        if (origins.Any())
        {
            yield return $"Computed on: {string.Join("; ", origins)}.";
        }
    }

    private int ColumnIndex(TableEntry entry) => table.Columns
        .Select((column, index) => (column.DataSet, Index: index))
        .FirstOrDefault(pair => pair.DataSet == entry.Request.DataName, (DataSet: "", Index: table.Columns.Count)).Index;

    private static int TrainingSamples(RunRequest run) => run.Limit ?? (run.Part ?? DataSource.SamplesOf(run.DataName)).Training;

    private static string Outcome(TableEntry entry) => entry switch
    {
        { Run.Divergence: not null } => "diverged",
        { Run: not null } => "finished",
        { Refusal: not null } => "refused",
        _ => "missing",
    };

    private static string Ours(TableEntry entry) => (entry.Mean, entry.Deviation) switch
    {
        ({ } mean, { } deviation) => $"{Number(mean, "F2")} ± {Number(deviation, "F2")}",
        ({ } mean, null) => Number(mean, "F2"),
        _ => Outcome(entry) is var outcome and not "missing" ? outcome : Missing,
    };

    private static string Paper(TableEntry entry) =>
        entry.Paper is { } paper ? $"{Number(paper.Mean, "F2")} ± {Number(paper.Deviation, "F2")}" : Missing;

    private static string Difference(TableEntry entry) =>
        entry.Difference is { } difference ? Number(difference, "+0.0;-0.0;0.0") : Missing;

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
