using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Runs;

/// <summary>Something that tells runs apart, in words.</summary>
/// <param name="Label">What it is called.</param>
/// <param name="Value">What it is set to.</param>
internal sealed record RunSetting(string Label, string Value)
{
    /// <summary>What a preset decides and the command line overrides, as far as it means anything to the run's rule.</summary>
    public static IReadOnlyList<RunSetting> DecidedByPreset(RunRequest request) =>
    [
        new("Activation", OptionWords.Activations.Of(request.Network.HiddenActivation)),
        .. TrainingOption.For(request.Options).Select(option => new RunSetting(option.Label, option.Text(request.Options))),
        new("Batch normalization", BatchNormalization.Text(request.Network)),
        new(AugmentationLabel, Augmentation.Text(request.Options.Augmentation)),
    ];

    /// <summary>The same settings as a preset has them for such a run, in their order; "none" where the preset's run has none.</summary>
    public static IReadOnlyList<string> AsIn(Preset preset, RunRequest request)
    {
        // An optimizer's or a schedule's own numbers are settings of those runs alone that have it.
        Dictionary<string, string> there =
            DecidedByPreset(request.AsIn(preset)).ToDictionary(setting => setting.Label, setting => setting.Value);
        return [.. DecidedByPreset(request).Select(setting => there.GetValueOrDefault(setting.Label, "none"))];
    }

    /// <summary>The label of what most runs know nothing of.</summary>
    public const string AugmentationLabel = "Augmentation";
}
