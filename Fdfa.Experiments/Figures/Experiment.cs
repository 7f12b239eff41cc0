using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Reporting;

namespace Fdfa.Experiments.Figures;

/// <summary>A figure of the paper, or a table that is measured like one.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Title">Above it.</param>
/// <param name="Paper">What the paper reports, in sentences.</param>
/// <param name="Quick">What a quick look is, for the help.</param>
/// <param name="Reproduce">Measures, and draws.</param>
internal sealed record Experiment(string Name, string Title, string Paper, string Quick, Func<ExperimentRun, ExperimentResult> Reproduce)
{
    /// <summary>Passes over the data where the experiment trains on a device, as the paper has it; else null.</summary>
    public int? Epochs { get; init; }

    /// <summary>The same for a quick look.</summary>
    public int QuickEpochs { get; init; }

    /// <summary>Every one, in the paper's order.</summary>
    public static IReadOnlyList<Experiment> All { get; } =
        [Figure3.Experiment, Figure4.Experiment, Figure5.Experiment, Table4.Experiment, Figure6.Experiment, Figure7.Experiment];
}

/// <summary>What an experiment came to.</summary>
/// <param name="Csv">The numbers.</param>
/// <param name="Caption">What a reader must know, a sentence each: its scale first.</param>
/// <param name="Claims">What theory or the paper says, and whether it holds here.</param>
internal sealed record ExperimentResult(string Csv, IReadOnlyList<string> Caption, IReadOnlyList<Claim> Claims) : IDisposable
{
    /// <summary>The figure; null for a table.</summary>
    public PlotSheet? Picture { get; init; }

    /// <summary>The table; null for a figure.</summary>
    public ReportTable? Table { get; init; }

    /// <inheritdoc/>
    public void Dispose() => Picture?.Dispose();
}
