using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Runs;

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
/// <param name="TopologyFor">The network that a preset has for a data set.</param>
/// <param name="Rows">One per rule.</param>
internal sealed record TableSection(string Heading, Func<string, Preset, string> TopologyFor, IReadOnlyList<PaperRow> Rows)
{
    /// <summary>A section from its rows as the paper prints them: a rule, then a figure per column.</summary>
    public static TableSection Parse(string heading, Func<string, Preset, string> topologyFor, string rows) => new(
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

/// <summary>How much a quick look trains, unless it is said.</summary>
/// <param name="Epochs">Passes over the training data.</param>
/// <param name="Seeds">Networks per entry.</param>
/// <param name="Limit">Training samples; null for all.</param>
/// <param name="Rules">Rows; null for all of the paper's.</param>
/// <param name="Augments">Whether images are augmented where the preset does that.</param>
internal sealed record QuickLook(int Epochs, int Seeds, int? Limit = null, IReadOnlyList<LearningRule>? Rules = null, bool Augments = true);

/// <summary>A table of the paper that reports test accuracies: what it trains and what came out.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Title">As in the paper, for headings.</param>
/// <param name="Columns">The data sets.</param>
/// <param name="Sections">The networks with their rows.</param>
internal sealed record AccuracyTable(
    string Name, string Title, IReadOnlyList<PaperColumn> Columns, IReadOnlyList<TableSection> Sections)
{
    /// <summary>What a quick look is.</summary>
    public QuickLook Quick { get; init; } = new(Epochs: 3, Seeds: 2);

    /// <summary>Whether its sections are the same network in growing depths.</summary>
    public bool ComparesDepths { get; init; }

    /// <summary>What a reader must know about its networks, a sentence each.</summary>
    public Func<ReproductionRequest, IEnumerable<string>> Remarks { get; init; } = _ => [];

    /// <summary>Whether the embedded images can stand in for a data set: they are a part of one of the columns.</summary>
    public bool HasEmbedded => Columns.Any(column => column.DataSet == IdxDataSet.FashionMnist.Name);

    /// <summary>Whether a preset augments the images of a column.</summary>
    public bool HasAugmentation => Sections.Any(section => Columns.Any(column => Preset.All.Any(preset =>
        preset.AugmentationOf(
            section.TopologyFor(column.DataSet, preset), LearningRule.Backpropagation, DataSource.ShapeOf(column.DataSet)) is not null)));

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
    public static IReadOnlyList<AccuracyTable> All { get; } = [Table1.Table, Table2.Table, Table3.Table, TableB6.Table];
}
