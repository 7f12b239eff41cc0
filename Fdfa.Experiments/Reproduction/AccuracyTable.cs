using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Reproduction;

/// <summary>A column of a table: a data set.</summary>
/// <param name="Heading">As in the paper.</param>
/// <param name="DataSet">Its name on this command line.</param>
/// <param name="IsQuick">Whether a quick look has it unasked: the larger networks of colour images would take most of its time.</param>
internal sealed record PaperColumn(string Heading, string DataSet, bool IsQuick = true);

/// <summary>A row of a table: what the paper reports for a rule, a figure per column.</summary>
internal sealed record PaperRow(LearningRule Rule, IReadOnlyList<PaperFigure> Figures);

/// <summary>The rows of a table that share their networks.</summary>
/// <param name="Heading">Such as "4 layers".</param>
/// <param name="TopologyFor">The network for a data set.</param>
/// <param name="Rows">One per rule.</param>
internal sealed record TableSection(string Heading, Func<string, string> TopologyFor, IReadOnlyList<PaperRow> Rows)
{
    /// <summary>A section from its rows as the paper prints them: a rule, then a figure per column.</summary>
    public static TableSection Parse(string heading, Func<string, string> topologyFor, string rows) => new(
        heading,
        topologyFor,
        [
            .. rows.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row =>
            {
                string[] parts = row.Split(' ', 2);
                return new PaperRow(LearningRule.Parse(parts[0]), PaperFigure.Parse(parts[1]));
            }),
        ]);
}

/// <summary>A table of the paper that reports test accuracies: what it trains and what came out.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Title">As in the paper, for headings.</param>
/// <param name="Columns">The data sets.</param>
/// <param name="Sections">The networks with their rows.</param>
internal sealed record AccuracyTable(
    string Name, string Title, IReadOnlyList<PaperColumn> Columns, IReadOnlyList<TableSection> Sections)
{
    /// <summary>Appendix A: "We train each network over 100 epochs".</summary>
    public const int PaperEpochs = 100;

    /// <summary>Section 4.1: "average test performance over 10 training runs is reported".</summary>
    public const int PaperSeeds = 10;

    /// <summary>What counts as agreement, in the paper's standard deviations.</summary>
    /// <remarks>
    /// Two means of ten runs of the same experiment differ by √(2/10) = 0.45 of a run's standard deviation. Two of them
    /// is more than four times that, and leaves room for another initialisation or order of samples, not for another method.
    /// </remarks>
    public const double Agreement = 2;

    /// <summary>Every such table.</summary>
    public static IReadOnlyList<AccuracyTable> All { get; } = [Table1.Table, TableB6.Table];
}
