namespace Fdfa.Experiments.Sweeps;

/// <summary>What a person asked to sweep.</summary>
/// <param name="Grid">The runs.</param>
/// <param name="Words">What the command line says of all of them, after "fdfa train".</param>
/// <param name="Device">Where to train.</param>
/// <param name="Output">The folder of the store.</param>
/// <param name="Quiet">Say nothing but the result.</param>
internal sealed record SweepRequest(SweepGrid Grid, IReadOnlyList<string> Words, string Device, string Output, bool Quiet)
{
    /// <summary>The one point to train, from 0; null for all.</summary>
    public int? Point { get; init; }

    /// <summary>Whether the epochs of its runs are written for TensorBoard too.</summary>
    public bool WritesEvents { get; init; }

    /// <summary>Whether the table is made of the runs that are there, and nothing is trained.</summary>
    public bool Gathers { get; init; }

    /// <summary>The words, after "fdfa", that ask for this sweep again.</summary>
    /// <param name="gridFile">A file with the grid; null to give it in words.</param>
    public IReadOnlyList<string> ToArguments(string? gridFile = null) =>
        [
            "train",
            .. Words,
            .. (gridFile is null ? Grid.Axes.Select(axis => axis.ToString()) : [gridFile]).SelectMany(grid => new[] { "--sweep", grid }),
            "--output",
            Output,
        ];
}
