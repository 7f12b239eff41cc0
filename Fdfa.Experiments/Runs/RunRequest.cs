using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Runs;

/// <summary>What a person asked to train: everything that decides the numbers of a run, except the device.</summary>
/// <param name="Network">The network.</param>
/// <param name="Options">The rule and its options.</param>
/// <param name="PresetName">Where the options started from.</param>
/// <param name="Epochs">Passes over the training data.</param>
/// <param name="Seeds">One network each.</param>
/// <param name="DataName">The data set.</param>
/// <param name="DataDirectory">Where its files lie; null for the default.</param>
/// <param name="Limit">Training samples to use; null for all.</param>
internal sealed record RunRequest(
    NetworkDescription Network,
    TrainingOptions Options,
    string PresetName,
    int Epochs,
    IReadOnlyList<ulong> Seeds,
    string DataName,
    string? DataDirectory,
    int? Limit)
{
    /// <summary>More seeds than this are a typing slip: each costs memory for a whole network.</summary>
    public const int MostSeeds = 1000;

    /// <summary>The part of the training samples that is set aside to choose by; null where none is.</summary>
    public ValidationPart? Validation { get; init; }

    /// <summary>The models to keep of each seed.</summary>
    public KeptModels Keep { get; init; }

    /// <summary>Epochs without a higher mean validation accuracy after which training ends; null where it goes on.</summary>
    public int? Patience { get; init; }

    /// <summary>The samples of a data set of which only a part is here; null where it is whole.</summary>
    public SampleCounts? Part { get; init; }

    /// <summary>SHA-256 of the samples and labels, as in <see cref="DataDescription"/>; null before they were read.</summary>
    public string? DataSha256 { get; init; }

    /// <summary>Whether an image that does not decode is left out.</summary>
    public bool SkipsBadImages { get; init; }

    /// <summary>The file whose weights training starts from; null where they are drawn.</summary>
    public string? InitialWeights { get; init; }

    /// <summary>SHA-256 of that file; null before it was read.</summary>
    public string? InitialWeightsSha256 { get; init; }

    /// <summary>How a preset makes this network's inputs of the data set's images.</summary>
    public ImageAugmentation? AugmentationIn(Preset preset) =>
        preset.AugmentationOf(Network.Topology, Options.Rule, DataSource.ShapeOf(DataName));

    /// <summary>The same run with everything that a preset decides as in that preset.</summary>
    public RunRequest AsIn(Preset preset) => this with
    {
        Network = Network.AsIn(preset, Options.Rule),
        Options = preset.OptionsOn(Network, Options.Rule) with { Augmentation = AugmentationIn(preset) },
        PresetName = preset.Name,
    };

    /// <summary>The command line, after "fdfa", that asks for this again.</summary>
    public IReadOnlyList<string> ToArguments()
    {
        var arguments = new List<string>
        {
            "train",
            "--rule", Options.Rule.Name,
            "--network", Network.Topology,
            "--activation", OptionWords.Activations.Of(Network.HiddenActivation),
            "--data", DataName,
            "--epochs", Text(Epochs),
            "--preset", PresetName,
        };
        arguments.AddRange(TrainingOption.For(Options).SelectMany(option => option.ToArguments(Options)));
        arguments.Add(BatchNormalizationOptions.ToArgument(Network));
        if (Options.Augmentation is null && AugmentationIn(Preset.Parse(PresetName)) is not null)
        {
            arguments.Add(Augmentation.Without);
        }

        arguments.AddRange(Seeds.Count == 1
            ? ["--seed", Seeds[0].ToString(CultureInfo.InvariantCulture)]
            : ["--seeds", Text(Seeds.Count)]);
        if (DataDirectory is not null)
        {
            arguments.AddRange(["--data-dir", DataDirectory]);
        }

        if (InitialWeights is not null)
        {
            arguments.AddRange(["--initial-weights", InitialWeights]);
        }

        if (SkipsBadImages)
        {
            arguments.Add("--skip-bad-images");
        }

        if (Limit is { } limit)
        {
            arguments.AddRange(["--limit", Text(limit)]);
        }

        if (Validation is not null)
        {
            arguments.AddRange(["--validation", Validation.ToString()]);
        }

        if (Keep != KeptModels.Last)
        {
            arguments.AddRange(["--keep", OptionWords.KeptModels.Of(Keep)]);
        }

        if (Patience is { } patience)
        {
            arguments.AddRange(["--patience", Text(patience)]);
        }

        return arguments;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
