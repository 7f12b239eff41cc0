using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Runs;

/// <summary>The data set of a run, as it was.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Directory">The folder asked for; null for the default.</param>
/// <param name="Source">Where it was found.</param>
/// <param name="Limit">Training samples asked for; null for all.</param>
/// <param name="TrainingSamples">Samples trained on.</param>
/// <param name="TestSamples">Test samples.</param>
/// <param name="SampleSize">Values per sample.</param>
/// <param name="ClassCount">Classes.</param>
internal sealed record DataDescription(
    string Name, string? Directory, string Source, int? Limit, int TrainingSamples, int TestSamples, int SampleSize, int ClassCount)
{
    /// <summary>Whether images that do not decode were left out; files from before there were any lack it.</summary>
    public bool SkipsBadImages { get; init; }

    /// <summary>The shape of a sample; files from before there were convolutions lack it, and no dense network needs it.</summary>
    public ImageShape? Shape { get; init; }

    /// <summary>The part of the training samples that is set aside, as it was asked for; null where none is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ValidationPart? Validation { get; init; }

    /// <summary>Samples set aside.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int ValidationSamples { get; init; }

    /// <summary>Samples to train on or set aside: all, or the first by the limit.</summary>
    public int GivenSamples => TrainingSamples + ValidationSamples;

    /// <summary>
    /// SHA-256 over these samples in their order before any was set aside, their labels, the test samples and theirs; files from before
    /// runs could be resumed lack it.
    /// </summary>
    public string? Sha256 { get; init; }
}

/// <summary><c>config.json</c>: everything needed to repeat a run, and where it ran.</summary>
internal sealed record RunConfiguration
{
    /// <summary>The layout of config.json that this program writes and reads.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary>How this program writes JSON about runs.</summary>
    internal static JsonSerializerOptions Json { get; } = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        // The file is for people and never becomes part of a web page.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        // What follows from the rest is not written: it could contradict it.
        IgnoreReadOnlyProperties = true,
        Converters = { new JsonStringEnumConverter(), new LearningRuleConverter(), new ValidationPartConverter() },
    };

    /// <summary>The layout of this file.</summary>
    public required int SchemaVersion { get; init; }

    /// <summary>The command line that asks for this run again.</summary>
    public required string Repeat { get; init; }

    /// <summary>When the run began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The topology.</summary>
    public required string Network { get; init; }

    /// <summary>σ of the hidden blocks.</summary>
    public required ActivationFunction Activation { get; init; }

    /// <summary>
    /// Whether every hidden block is normalized over its batch; files from before there was that lack it, and have it in none.
    /// </summary>
    public bool BatchNormalization { get; init; }

    /// <summary>Weights, biases, γ and β of one seed.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>Where the options started from.</summary>
    public required string Preset { get; init; }

    /// <summary>How the run differs from each preset, for a reader; empty in files from before this was written.</summary>
    public IReadOnlyList<string> Differences { get; init; } = [];

    /// <summary>
    /// The rule and its options, each as it was in effect. One that an older file lacks has its default, which it had then.
    /// </summary>
    public required TrainingOptions Options { get; init; }

    /// <summary>The file whose weights the run started from; null where they were drawn from its seeds.</summary>
    public string? InitialWeights { get; init; }

    /// <summary>SHA-256 of that file; files from before it was noted lack it.</summary>
    public string? InitialWeightsSha256 { get; init; }

    /// <summary>Passes over the training data.</summary>
    public required int Epochs { get; init; }

    /// <summary>The models that it keeps of each seed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public KeptModels Keep { get; init; }

    /// <summary>Epochs without a higher mean validation accuracy after which it ends; null where it goes on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Patience { get; init; }

    /// <summary>One network each.</summary>
    public required IReadOnlyList<ulong> Seeds { get; init; }

    /// <summary>The data.</summary>
    public required DataDescription Data { get; init; }

    /// <summary>Where it ran; the first device where there were several.</summary>
    public required DeviceInfo Device { get; init; }

    /// <summary>The others; files from before there were any lack them.</summary>
    public IReadOnlyList<DeviceInfo> FurtherDevices { get; init; } = [];

    /// <summary>Whether blocks, not seeds, were shared out among the devices.</summary>
    public bool IsLayerParallel { get; init; }

    /// <summary>Whether every epoch is written for TensorBoard too.</summary>
    public bool WritesEvents { get; init; }

    /// <summary>All of them.</summary>
    public IReadOnlyList<DeviceInfo> Devices => [Device, .. FurtherDevices];

    /// <summary>What <c>--device</c> takes to name them.</summary>
    public string DeviceSelector => Selector(Devices);

    /// <summary>Their names, for a sentence.</summary>
    public string DeviceNames => string.Join(", ", Devices.Select(device => device.Name).Distinct());

    /// <summary>What it ran with.</summary>
    public required RunVersions Versions { get; init; }

    /// <summary>The operating system and its processor architecture.</summary>
    public required string OperatingSystem { get; init; }

    /// <summary>Describes a run that is about to begin on this machine.</summary>
    public static RunConfiguration Describe(RunRequest request, DataDescription data, params IReadOnlyList<DeviceInfo> devices)
    {
        var described = new RunConfiguration
        {
            SchemaVersion = CurrentSchemaVersion,
            Repeat = "",
            StartedAt = DateTimeOffset.Now,
            Network = request.Network.Topology,
            Activation = request.Network.HiddenActivation,
            BatchNormalization = request.Network.IsNormalized(),
            ParameterCount = request.Network.ParameterCount,
            Preset = request.PresetName,
            Differences = PresetDifferences.Of(request),
            Options = request.Options,
            InitialWeights = request.InitialWeights,
            InitialWeightsSha256 = request.InitialWeightsSha256,
            Epochs = request.Epochs,
            Keep = request.Keep,
            Patience = request.Patience,
            Seeds = request.Seeds,
            Data = data,
            Device = devices[0],
            FurtherDevices = [.. devices.Skip(1)],
            Versions = RunVersions.Current,
            OperatingSystem = $"{RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture})",
        };
        return described.WithRepeat();
    }

    /// <summary>The same run with more epochs: what it has done is what a run of that many would have done.</summary>
    public RunConfiguration WithEpochs(int epochs) => (this with { Epochs = epochs }).WithRepeat();

    /// <summary>Whether the run was on data with this checksum; true where either is unknown.</summary>
    public bool HasData(string? sha256) => Data.Sha256 is null || sha256 is null || Data.Sha256 == sha256;

    /// <summary>Refuses data that are not those of the run.</summary>
    /// <exception cref="RunFolderException">They are others.</exception>
    public void RequireSameData(DataDescription found)
    {
        if (!HasData(found.Sha256))
        {
            throw new RunFolderException(
                $"The data set {Data.Name} from {found.Source} is not the one that the run began with, from {Data.Source}: "
                + "its samples are others; give the folder of that one with --data-dir.");
        }
    }

    /// <summary>The same run with its blocks shared out among the devices.</summary>
    public RunConfiguration AsLayerParallel() => (this with { IsLayerParallel = true }).WithRepeat();

    /// <summary>The same run with every epoch written for TensorBoard.</summary>
    public RunConfiguration WithEvents() => (this with { WritesEvents = true }).WithRepeat();

    /// <summary>A command line as a shell takes it.</summary>
    /// <param name="arguments">What stands behind "fdfa".</param>
    public static string CommandLine(IEnumerable<string> arguments) => "fdfa " + string.Join(' ', arguments.Select(ShellWord.Quote));

    /// <summary>What was asked for.</summary>
    /// <exception cref="FdfaException">A value that no run can have.</exception>
    public RunRequest ToRequest()
    {
        Options.Validate();
        ImageShape? input = Options.Augmentation is { } augmentation ? augmentation.InputOf(Data.Shape ?? default) : Data.Shape;
        return new RunRequest(
            Topology.Parse(Network, Activation, input, BatchNormalization), Options, Preset, Epochs, Seeds, Data.Name,
            Data.Directory, Data.Limit)
        {
            Validation = Data.Validation,
            Keep = Keep,
            Patience = Patience,
            Part = Part(),
            DataSha256 = Data.Sha256,
            SkipsBadImages = Data.SkipsBadImages,
            InitialWeights = InitialWeights,
            InitialWeightsSha256 = InitialWeightsSha256,
        };
    }

    /// <summary>The text of config.json.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>Reads the text of a config.json.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="RunFolderException">Not the configuration of a run that this program can read.</exception>
    public static RunConfiguration Parse(string json, string path)
    {
        const string Kind = "the configuration of a run";
        RunConfiguration configuration = VersionedJson.Parse<RunConfiguration>(
            json, path, Kind, CurrentSchemaVersion, Json, (sentence, cause) => new RunFolderException(sentence, cause));
        return configuration.Seeds.Count > 0
            ? configuration
            : throw new RunFolderException($"'{path}' is not {Kind}: it has no seeds.");
    }

    /// <summary>What the run had, where that was not the whole data set.</summary>
    private SampleCounts? Part()
    {
        SampleCounts whole = DataSource.SamplesOf(Data.Name);
        var had = new SampleCounts(Data.GivenSamples, Data.TestSamples);
        return had == whole with { Training = Math.Min(Data.Limit ?? whole.Training, whole.Training) } ? null : had;
    }

    private RunConfiguration WithRepeat() => this with
    {
        Repeat = CommandLine(
        [
            .. ToRequest().ToArguments(),
            "--device", DeviceSelector,
            .. IsLayerParallel ? ["--layer-parallel"] : Array.Empty<string>(),
            .. WritesEvents ? ["--tensorboard"] : Array.Empty<string>(),
        ]),
    };

    private static string Selector(IEnumerable<DeviceInfo> devices) => string.Join(',', devices.Select(device => device.Selector));

    private sealed class LearningRuleConverter : JsonConverter<LearningRule>
    {
        public override LearningRule Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            LearningRule.Parse(reader.GetString() ?? throw new JsonException("The rule has no name."));

        public override void Write(Utf8JsonWriter writer, LearningRule value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Name);
    }

    private sealed class ValidationPartConverter : JsonConverter<ValidationPart>
    {
        public override ValidationPart Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            ValidationPart.TryParse(reader.GetString()!, out ValidationPart? part) ? part : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, ValidationPart value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
