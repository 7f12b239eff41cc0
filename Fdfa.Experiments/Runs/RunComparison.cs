using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;

namespace Fdfa.Experiments.Runs;

/// <summary>A run among those that it is compared with.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Configuration">What it was.</param>
/// <param name="Rows">The epochs that it has done.</param>
internal sealed record ComparedRun(string Path, RunConfiguration Configuration, IReadOnlyList<MetricsRow> Rows)
{
    /// <summary>Reads a run folder.</summary>
    /// <exception cref="RunFolderException">It is none, or damaged.</exception>
    public static ComparedRun Read(string path) => new(path, RunFolder.ReadConfiguration(path), RunFolder.ReadMetrics(path));

    /// <summary>What validation came to after the last epoch; null where there is none.</summary>
    public SeedSpread? ValidationAccuracy => MetricsTable.Validation([.. MetricsTable.LastEpoch(Rows)], validation => validation.Accuracy);
}

/// <summary>A setting in which runs differ.</summary>
/// <param name="Label">What it is called.</param>
/// <param name="Values">What it is in each run; null where it means nothing to the run's rule.</param>
internal sealed record SettingDifference(string Label, IReadOnlyList<string?> Values);

/// <summary>Runs beside each other: what they differ in, what they are called for it, and their curves.</summary>
internal sealed class RunComparison
{
    /// <summary>A legend that says more than this of each run would cover the curves.</summary>
    private const int MostValuesInName = 3;

    private const string Rule = "Rule";
    private const string Network = "Network";
    private const string Data = "Data set";
    private const string Samples = "SHA-256 of the data";

    /// <summary>Digits of a checksum that tell as much as people compare.</summary>
    private const int ShownDigits = 12;

    private readonly IReadOnlyList<RunSetting>[] _settings;

    /// <summary>Compares.</summary>
    /// <param name="runs">Two or more.</param>
    /// <exception cref="FdfaException">A configuration has a value that no run can have.</exception>
    public RunComparison(IReadOnlyList<ComparedRun> runs)
    {
        Runs = runs;
        _settings = [.. runs.Select(run => SettingsOf(run.Configuration))];
        Differences = [.. Labels().Select(DifferenceIn)
            .Where(setting => setting.Label == Samples ? HasUnlikeData() : setting.Values.Distinct().Skip(1).Any())];

        // Where a run was computed is seldom why one looks at its curves, and long; what only runs of other rules have,
        // the rule's name says.
        SettingDifference[] telling = [.. Differences.Where(setting => !s_origin.Contains(setting.Label) && DiffersWithinARule(setting))];
        Names =
        [
            .. runs.Select((run, index) => string.Create(
                CultureInfo.InvariantCulture,
                $"{index + 1}: {string.Join(", ", [run.Configuration.Options.Rule.Name, .. TellingValues(index)])}")),
        ];

        IEnumerable<string> TellingValues(int index) =>
            telling.Length <= MostValuesInName ? telling.Select(setting => setting.Values[index]).OfType<string>() : [];
    }

    private static readonly string[] s_origin = ["Device", "fdfa"];

    /// <summary>The runs, in the order given.</summary>
    public IReadOnlyList<ComparedRun> Runs { get; }

    /// <summary>A name for each: its number, its rule, and its values of what the runs differ in where that is little.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What the runs differ in.</summary>
    public IReadOnlyList<SettingDifference> Differences { get; }

    /// <summary>
    /// The runs' indices, the best by validation first, those without an epoch last; null where one has epochs and no validation.
    /// </summary>
    public IReadOnlyList<int>? Ranking
    {
        get
        {
            double?[] accuracies = [.. Runs.Select(run => run.ValidationAccuracy?.Mean)];
            bool areValidated = Runs.Zip(accuracies).All(run => run.First.Rows.Count == 0 || run.Second is not null);
            return areValidated && accuracies.Any(accuracy => accuracy is not null)
                ? [.. Enumerable.Range(0, Runs.Count).OrderByDescending(index => accuracies[index] ?? double.NegativeInfinity)]
                : null;
        }
    }

    /// <summary>Their curves on one picture, named by what they have in common.</summary>
    public Curves Curves => new(
        $"{ConsoleOutput.Count(Runs.Count, "run")}{Common(Rule, " of ")}{Common(Data, " on ")}{Common(Network, ", ")}",
        Runs.Select(run => run.Configuration.Options.Loss).Distinct().ToArray() is [var loss] ? loss : null,
        [.. Runs.Select((run, index) => new CurveSeries(Names[index], run.Rows))]);

    private static IReadOnlyList<RunSetting> SettingsOf(RunConfiguration configuration) =>
    [
        new(Rule, configuration.Options.Rule.Name),
        new(Network, configuration.Network),
        new(Data, configuration.Data.Name),
        new("Training samples", Whole(configuration.Data.TrainingSamples)),
        new("Validation samples", Whole(configuration.Data.ValidationSamples)),
        new("Test samples", Whole(configuration.Data.TestSamples)),
        new(Samples, configuration.Data.Sha256 is { } sha256 ? sha256[..Math.Min(sha256.Length, ShownDigits)] : "not noted"),
        new("Epochs", Whole(configuration.Epochs)),
        new("Seeds", string.Join(' ', configuration.Seeds)),
        new("Patience", configuration.Patience is { } patience ? Whole(patience) : "none"),
        new("Initial weights", configuration.InitialWeights ?? "drawn from the seed"),
        .. RunSetting.DecidedByPreset(configuration.ToRequest()),
        new(s_origin[0], configuration.DeviceNames),
        new(s_origin[1], configuration.Versions.Fdfa),
    ];

    /// <summary>All settings of all runs, in the order of <see cref="TrainingOption.All"/>, though no rule has all of them.</summary>
    private IEnumerable<string> Labels()
    {
        string[] options = [.. TrainingOption.All.Select(option => option.Label)];
        string[] others = [.. _settings[0].Select(setting => setting.Label).Except(options)];
        int place = Array.IndexOf(others, "Activation") + 1;
        return [.. others[..place], .. options, .. others[place..]];
    }

    private SettingDifference DifferenceIn(string label) =>
        new(label, [.. _settings.Select(settings => settings.FirstOrDefault(setting => setting.Label == label)?.Value)]);

    /// <summary>Whether data that look alike are not: others have other checksums in any case.</summary>
    private bool HasUnlikeData() => Runs
        .Select(run => run.Configuration.Data)
        .GroupBy(data => (data.Name, data.TrainingSamples, data.TestSamples), data => data.Sha256)
        .Any(same => same.Distinct().Skip(1).Any());

    private bool DiffersWithinARule(SettingDifference setting) => Enumerable.Range(0, Runs.Count)
        .GroupBy(index => Runs[index].Configuration.Options.Rule, index => setting.Values[index])
        .Any(values => values.Distinct().Skip(1).Any());

    /// <summary>What all runs share, with a word before it; nothing where they differ.</summary>
    private string Common(string label, string before) =>
        DifferenceIn(label).Values.Distinct().ToArray() is [{ } value] ? before + value : "";

    private static string Whole(int number) => number.ToString(CultureInfo.InvariantCulture);
}
