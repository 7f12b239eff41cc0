using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Runs;

/// <summary>How a run differs from each preset, as sentences: for config.json, and where a table would be too much.</summary>
internal static class PresetDifferences
{
    /// <summary>One sentence per preset.</summary>
    public static IReadOnlyList<string> Of(TrainingOptions options, ActivationFunction activation) =>
        [.. Preset.All.Select(preset => Of(options, activation, preset))];

    private static string Of(TrainingOptions options, ActivationFunction activation, Preset preset)
    {
        LearningRule rule = options.Rule;
        TrainingOptions theirs = preset.OptionsFor(rule);
        var differences = new List<string>();
        if (activation != preset.ActivationFor(rule))
        {
            differences.Add($"activation {OptionWords.Activations.Of(activation)} ({OptionWords.Activations.Of(preset.ActivationFor(rule))})");
        }

        differences.AddRange(TrainingOption.For(rule)
            .Where(option => option.Text(options) != option.Text(theirs))
            .Select(option => $"{char.ToLowerInvariant(option.Label[0])}{option.Label[1..]} {option.Text(options)} ({option.Text(theirs)})"));
        if (preset.BatchNormalizationFor(rule))
        {
            differences.Add("no batch normalization");
        }

        return differences.Count == 0
            ? $"As the preset {preset.Name}."
            : $"Differs from the preset {preset.Name} in: {string.Join(", ", differences)}.";
    }
}
