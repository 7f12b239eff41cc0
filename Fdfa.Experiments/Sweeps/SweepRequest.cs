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

    /// <summary>The words, after "fdfa", that ask for this sweep again.</summary>
    public IReadOnlyList<string> ToArguments() =>
        ["train", .. Words, .. Grid.Axes.SelectMany(axis => new[] { "--sweep", axis.ToString() }), "--output", Output];
}
