using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Reproduction;

/// <summary>What a person asked to reproduce.</summary>
/// <param name="Table">The table.</param>
/// <param name="Rules">Its rows; the paper's seven, and any beyond.</param>
/// <param name="DataSets">Its columns; null for the table's.</param>
/// <param name="Preset">Where every option starts from.</param>
/// <param name="Epochs">Passes over the training data.</param>
/// <param name="Seeds">Networks per entry.</param>
/// <param name="Quick">Whether a data set that is not here is done without.</param>
/// <param name="Download">Whether a data set that is not here is downloaded.</param>
/// <param name="Device">Where to train.</param>
/// <param name="Output">The folder of the store.</param>
/// <param name="DataDirectory">The option --data-dir.</param>
/// <param name="Quiet">Say nothing but the result.</param>
internal sealed record ReproductionRequest(
    AccuracyTable Table,
    IReadOnlyList<LearningRule> Rules,
    IReadOnlyList<string>? DataSets,
    Preset Preset,
    int Epochs,
    int Seeds,
    bool Quick,
    bool Download,
    string Device,
    string Output,
    string? DataDirectory,
    bool Quiet)
{
    /// <summary>Rules whose settings are another preset's, since this one does not have them.</summary>
    public IReadOnlyList<LearningRule> BorrowedRules => [.. Rules.Where(rule => Preset.OriginFor(rule) != Preset)];

    /// <summary>Training samples to use; null for all.</summary>
    public int? Limit { get; init; }

    /// <summary>Whether images are augmented where the preset does that.</summary>
    public bool Augments { get; init; } = true;

    /// <summary>Whether every hidden block is normalized over its batch; null for what the preset says.</summary>
    public bool? BatchNormalization { get; init; }
}
