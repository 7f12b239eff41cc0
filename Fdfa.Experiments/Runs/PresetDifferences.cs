using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Runs;

/// <summary>How a run differs from each preset, as sentences: for config.json, and where a table would be too much.</summary>
internal static class PresetDifferences
{
    /// <summary>One sentence per preset.</summary>
    public static IReadOnlyList<string> Of(RunRequest request) => [.. Preset.All.Select(preset => Of(request, preset))];

    private static string Of(RunRequest request, Preset preset)
    {
        string[] differences =
        [
            .. RunSetting.DecidedByPreset(request).Zip(RunSetting.AsIn(preset, request))
                .Where(pair => pair.First.Value != pair.Second)
                .Select(pair => $"{char.ToLowerInvariant(pair.First.Label[0])}{pair.First.Label[1..]} {pair.First.Value} ({pair.Second})"),
        ];
        return differences.Length == 0
            ? $"As the preset {preset.Name}."
            : $"Differs from the preset {preset.Name} in: {string.Join(", ", differences)}.";
    }
}
