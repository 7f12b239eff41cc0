using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Runs;

/// <summary>How a run differs from each preset, as sentences: for config.json, and where a table would be too much.</summary>
internal static class PresetDifferences
{
    /// <summary>One sentence per preset.</summary>
    public static IReadOnlyList<string> Of(RunRequest request) => [.. Preset.All.Select(preset => Of(request, preset))];

    private static string Of(RunRequest request, Preset preset)
    {
        (NetworkDescription network, TrainingOptions options) = (request.Network, request.Options);
        LearningRule rule = options.Rule;
        TrainingOptions theirs = preset.OptionsOn(network, rule);
        NetworkDescription theirNetwork = network.AsIn(preset, rule);
        var differences = new List<string>();
        if (network.HiddenActivation != theirNetwork.HiddenActivation)
        {
            differences.Add($"activation {OptionWords.Activations.Of(network.HiddenActivation)} ({OptionWords.Activations.Of(theirNetwork.HiddenActivation)})");
        }

        differences.AddRange(TrainingOption.For(rule)
            .Where(option => option.Text(options) != option.Text(theirs))
            .Select(option => $"{char.ToLowerInvariant(option.Label[0])}{option.Label[1..]} {option.Text(options)} ({option.Text(theirs)})"));
        if (BatchNormalization.Text(network) != BatchNormalization.Text(theirNetwork))
        {
            differences.Add($"batch normalization {BatchNormalization.Text(network)} ({BatchNormalization.Text(theirNetwork)})");
        }

        (string augmentation, string theirAugmentation) = (Augmentation.Text(options.Augmentation), Augmentation.Text(request.AugmentationIn(preset)));
        if (augmentation != theirAugmentation)
        {
            differences.Add($"augmentation {augmentation} ({theirAugmentation})");
        }

        return differences.Count == 0
            ? $"As the preset {preset.Name}."
            : $"Differs from the preset {preset.Name} in: {string.Join(", ", differences)}.";
    }
}
