using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Reproduction;

/// <summary>A cell of a reproduced table: its run, the paper's figure, and what is known so far.</summary>
/// <param name="Section">The heading of its section.</param>
/// <param name="Column">The heading of its column.</param>
/// <param name="Request">Its run.</param>
/// <param name="Paper">The paper's figure; null for a rule that the paper does not have.</param>
internal sealed record TableEntry(string Section, string Column, RunRequest Request, PaperFigure? Paper)
{
    /// <summary>The finished run; null while there is none.</summary>
    public StoredRun? Run { get; init; }

    /// <summary>Why it cannot be trained here, as a sentence; else null.</summary>
    public string? Refusal { get; init; }

    /// <summary>What it is called while it trains.</summary>
    public string Label => $"{Request.Options.Rule.Name} on {Request.DataName}, {Section}";

    /// <summary>Mean test accuracy over seeds in percent; null where there is none.</summary>
    public double? Mean => 100 * Accuracy?.Mean;

    /// <summary>Sample standard deviation over seeds in percent; null with fewer than two.</summary>
    public double? Deviation => 100 * Accuracy?.Deviation;

    /// <summary>Ours minus the paper's mean, in the paper's standard deviations; null where one of them is missing or zero.</summary>
    public double? Difference => Mean is { } mean ? Paper?.DifferenceOf(mean) : null;

    private SeedSpread? Accuracy => Run is { Accuracies: { Count: > 0 } accuracies } ? SeedSpread.Of(accuracies) : null;
}
