using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Reproduction;

/// <summary>Where the options of a table's entries start from.</summary>
/// <remarks>
/// What comes nearest to the paper's figures is the code behind them, so published-code is the default. The authors'
/// repository has FG-W, in a script of its own, but neither FG-A nor LG-FG-A, and what it gives FG-W does not suit
/// them: with its rate of 1e-3 and PyTorch's small weights, FG-A on MNIST's four layers is at chance after three epochs
/// (11 %), where Appendix A takes it to 75 %. They start from the paper.
/// </remarks>
/// <param name="chosen">The preset of all rules; null for the default.</param>
internal sealed class TablePreset(Preset? chosen)
{
    /// <summary>For the name of a file; empty for the default.</summary>
    public string Suffix => chosen is null ? "" : "-" + chosen.Name;

    /// <summary>The preset of a rule.</summary>
    public Preset For(LearningRule rule) => chosen ?? (IsInPublishedCode(rule) ? Preset.PublishedCode : Preset.Paper);

    /// <summary>What a reader of the table must know, as a sentence.</summary>
    public string Describe(IReadOnlyList<LearningRule> rules)
    {
        IEnumerable<string> presets = rules.GroupBy(For).Select(group =>
        {
            string whose = rules.Select(For).Distinct().Skip(1).Any() ? $" for {string.Join(", ", group)}" : "";
            string without = group.Any(group.Key.BatchNormalizationFor) ? " without its batch normalization, which fdfa does not have yet" : "";
            return $"{group.Key.Name}{whose}{without}";
        });
        return $"Preset {string.Join("; ", presets)}.";
    }

    private static bool IsInPublishedCode(LearningRule rule) =>
        rule != LearningRule.ActivityPerturbedForwardGradient && rule != LearningRule.LocalGreedyForwardGradient;
}
