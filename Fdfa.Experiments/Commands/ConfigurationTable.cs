using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary>The effective configuration of a run, beside what each preset would have.</summary>
internal static class ConfigurationTable
{
    /// <summary>An option as the table shows it.</summary>
    /// <param name="Property">The property of <see cref="TrainingOptions"/>.</param>
    /// <param name="Label">Its name in words.</param>
    /// <param name="ForFeedback">Whether it means anything only to a rule with feedback.</param>
    /// <param name="Value">Its value as text.</param>
    internal sealed record Entry(string Property, string Label, bool ForFeedback, Func<TrainingOptions, string> Value);

    /// <summary>Every option that a preset decides.</summary>
    public static IReadOnlyList<Entry> Entries { get; } =
    [
        new(nameof(TrainingOptions.BatchSize), "Batch size", false, options => options.BatchSize.ToString(CultureInfo.InvariantCulture)),
        new(nameof(TrainingOptions.LearningRate), "Learning rate", false, options => ConsoleOutput.Plain(options.LearningRate)),
        new(nameof(TrainingOptions.LearningRateDecay), "Learning rate decay per epoch", false, options => ConsoleOutput.Plain(options.LearningRateDecay)),
        new(nameof(TrainingOptions.WeightOptimizer), "Optimizer", false, options => options.WeightOptimizer.ToString()),
        new(nameof(TrainingOptions.Loss), "Loss", false, options => options.Loss.ToString()),
        new(nameof(TrainingOptions.WeightInitialisation), "Weights start as", false, options => options.WeightInitialisation.ToString()),
        new(nameof(TrainingOptions.FeedbackRate), "Feedback rate", true, options => ConsoleOutput.Plain(options.FeedbackRate)),
        new(nameof(TrainingOptions.FeedbackRateDecay), "Feedback rate decay per epoch", true, options => ConsoleOutput.Plain(options.FeedbackRateDecay)),
        new(nameof(TrainingOptions.FeedbackOptimizer), "Feedback optimizer", true, options => options.FeedbackOptimizer.ToString()),
        new(nameof(TrainingOptions.FeedbackOrder), "Feedback order", true, options => options.FeedbackOrder.ToString()),
        new(nameof(TrainingOptions.FeedbackInitialisation), "Feedback starts as", true, options => options.FeedbackInitialisation.ToString()),
    ];

    /// <summary>Writes the configuration: first what no preset decides, then each option beside the presets.</summary>
    public static void Write(ConsoleOutput output, RunConfiguration configuration)
    {
        LearningRule rule = configuration.Options.Rule;
        string seeds = configuration.Seeds.Count == 1
            ? $"seed {configuration.Seeds[0]}"
            : $"seeds {configuration.Seeds[0]} to {configuration.Seeds[^1]}";
        string test = ConsoleOutput.Count(configuration.Data.TestSamples, "test sample");
        output.Line($"{rule.Name} ({rule.FullName}), {configuration.Network} {configuration.Activation} with {configuration.ParameterCount} parameters, {seeds}");
        output.Line($"{configuration.Data.Name}: {ConsoleOutput.Count(configuration.Data.TrainingSamples, "training sample")}, {test}; {ConsoleOutput.Count(configuration.Epochs, "epoch")}");
        output.Line($"{configuration.Device.Selector}: {configuration.Device.Name}, {configuration.Device.Details}");

        Table table = ConsoleOutput.CreateTable(
            "Configuration, and where it differs from a preset",
            [$"Option (start: {configuration.Preset})", "This run", .. Preset.All.Select(preset => preset.Name)]);
        foreach (Entry entry in Entries.Where(entry => rule.HasFeedback || !entry.ForFeedback))
        {
            string value = entry.Value(configuration.Options);
            AddRow(table, entry.Label, value, Preset.All.Select(preset => entry.Value(preset.OptionsFor(rule))));
        }

        AddRow(table, "Batch normalization", "no", Preset.All.Select(preset => preset.BatchNormalizationFor(rule) ? "yes" : "no"));
        output.Table(table);
    }

    /// <summary>The differences from each preset as sentences, for where a table would be too much.</summary>
    public static IEnumerable<string> Differences(TrainingOptions options)
    {
        foreach (Preset preset in Preset.All)
        {
            TrainingOptions theirs = preset.OptionsFor(options.Rule);
            List<string> differences =
            [
                .. Entries
                    .Where(entry => (options.Rule.HasFeedback || !entry.ForFeedback) && entry.Value(options) != entry.Value(theirs))
                    .Select(entry => $"{char.ToLowerInvariant(entry.Label[0])}{entry.Label[1..]} {entry.Value(options)} ({entry.Value(theirs)})"),
            ];
            if (preset.BatchNormalizationFor(options.Rule))
            {
                differences.Add("no batch normalization");
            }

            yield return differences.Count == 0
                ? $"As the preset {preset.Name}."
                : $"Differs from the preset {preset.Name} in: {string.Join(", ", differences)}.";
        }
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
