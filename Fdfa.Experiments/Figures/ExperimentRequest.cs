namespace Fdfa.Experiments.Figures;

/// <summary>How a person asked to reproduce a figure.</summary>
/// <param name="Quick">On the embedded images and in small, instead of at the paper's scale.</param>
/// <param name="Epochs">Passes over the data; null for what the experiment has.</param>
/// <param name="Device">Where to train.</param>
/// <param name="Output">The folder of the store.</param>
/// <param name="DataDirectory">The option --data-dir.</param>
/// <param name="Download">Whether a data set that is not here is downloaded.</param>
/// <param name="Quiet">Say nothing but the result.</param>
internal sealed record ExperimentRequest(
    bool Quick, int? Epochs, string Device, string Output, string? DataDirectory, bool Download, bool Quiet)
{
    /// <summary>How many of a data set's first samples tables, and Figure 3 with them, train on; null for all.</summary>
    public int? Limit { get; init; }
}
