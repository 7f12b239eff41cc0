namespace Fdfa.Experiments.Reporting;

/// <summary>A table or figure of the paper in the report.</summary>
/// <param name="Id">As on the command line; the section's id in HTML.</param>
/// <param name="Title">Above it.</param>
internal sealed record ReportSection(string Id, string Title)
{
    /// <summary>What the paper reports; empty where the table has the paper's numbers.</summary>
    public string Paper { get; init; } = "";

    /// <summary>The figure as SVG; null where there is none.</summary>
    public string? Svg { get; init; }

    /// <summary>The table; null where there is none.</summary>
    public ReportTable? Table { get; init; }

    /// <summary>What a reader must know, a sentence each.</summary>
    public IReadOnlyList<string> Caption { get; init; } = [];

    /// <summary>What theory or the paper says, and whether it holds here.</summary>
    public IReadOnlyList<Claim> Claims { get; init; } = [];

    /// <summary>Why it is not here, as a sentence; else null.</summary>
    public string? Problem { get; init; }
}
