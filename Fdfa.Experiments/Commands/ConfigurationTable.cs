using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary>The effective configuration of a run, beside what each preset would have.</summary>
internal static class ConfigurationTable
{
    /// <summary>
    /// Writes the configuration: first what no preset decides, then each option that means anything to the rule, beside the presets.
    /// </summary>
    public static void Write(ConsoleOutput output, RunConfiguration configuration)
    {
        LearningRule rule = configuration.Options.Rule;
        RunRequest request = configuration.ToRequest();
        NetworkDescription network = request.Network;
        string seeds = configuration.Seeds.Count == 1
            ? $"seed {configuration.Seeds[0]}"
            : $"seeds {configuration.Seeds[0]} to {configuration.Seeds[^1]}";
        string test = ConsoleOutput.Count(configuration.Data.TestSamples, "test sample");
        output.Line(
            $"{rule.Name} ({rule.FullName}), {configuration.Network}{(network.InputShape is { } shape ? $" on {shape}" : "")} with "
            + $"{configuration.ParameterCount} parameters, {seeds}");
        DataDescription data = configuration.Data;
        string training = ConsoleOutput.Count(data.TrainingSamples, "training sample");
        string validation = data.Validation is null ? "" : $", {ConsoleOutput.Count(data.ValidationSamples, "validation sample")}";
        string early = configuration.Patience is { } patience
            ? $", or until {ConsoleOutput.Count(patience, "epoch")} without a better validation accuracy"
            : "";
        output.Line($"{data.Name}: {training}{validation}, {test}; {ConsoleOutput.Count(configuration.Epochs, "epoch")}{early}");
        if (configuration.InitialWeights is { } file)
        {
            output.Line($"Weights at the beginning: {file}");
        }

        if (configuration.IsLayerParallel)
        {
            output.Line($"Blocks on {configuration.Devices.Count} devices:");
        }

        foreach (DeviceInfo device in configuration.Devices)
        {
            output.Line($"{device.Selector}: {device.Name}, {device.Details}");
        }

        Table table = ConsoleOutput.CreateTable(
            "Configuration, and where it differs from a preset",
            [$"Option (start: {configuration.Preset})", "This run", .. Preset.All.Select(preset => preset.Name)]);
        IReadOnlyList<RunSetting> ours = RunSetting.DecidedByPreset(request);
        IReadOnlyList<string>[] theirs = [.. Preset.All.Select(preset => RunSetting.AsIn(preset, request))];
        for (var row = 0; row < ours.Count; row++)
        {
            string[] presets = [.. theirs.Select(settings => settings[row])];

            // Most networks are never augmented, in no preset.
            if (ours[row].Label != RunSetting.AugmentationLabel || presets.Any(preset => preset != ours[row].Value))
            {
                AddRow(table, ours[row].Label, ours[row].Value, presets);
            }
        }

        output.Table(table);
    }

    private static void AddRow(Table table, string label, string value, IEnumerable<string> presets) => table.AddRow(
    [
        new Text(label),
        new Text(value),
        .. presets.Select(preset => preset == value
            ? new Text("same", new Style(decoration: Decoration.Dim))
            : new Text(preset, new Style(Color.Yellow))),
    ]);
}
