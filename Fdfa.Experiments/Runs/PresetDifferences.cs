using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Runs;

/// <summary>How a run differs from each preset, as sentences: for config.json, and where a table would be too much.</summary>
internal static class PresetDifferences
{
    /// <summary>One sentence per preset.</summary>
    public static IReadOnlyList<string> Of(RunRequest request) => [.. Preset.All.Select(preset => Of(request, preset))];

    private static string Of(RunRequest request, Preset preset)
    {
        // An optimizer's own numbers are settings of those runs alone that have it.
        ILookup<string, RunSetting> there = RunSetting.DecidedByPreset(request.AsIn(preset)).ToLookup(setting => setting.Label);
        string[] differences =
        [
            .. RunSetting.DecidedByPreset(request)
                .Where(setting => !there[setting.Label].Contains(setting))
                .Select(
                    setting => $"{char.ToLowerInvariant(setting.Label[0])}{setting.Label[1..]} {setting.Value} "
                        + $"({there[setting.Label].SingleOrDefault()?.Value ?? "none"})"),
        ];
        return differences.Length == 0
            ? $"As the preset {preset.Name}."
            : $"Differs from the preset {preset.Name} in: {string.Join(", ", differences)}.";
    }
}
