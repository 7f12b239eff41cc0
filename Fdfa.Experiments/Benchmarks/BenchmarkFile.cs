using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Benchmarks;

/// <summary>A file of benchmarks that is none, or none of this machine.</summary>
internal sealed class BenchmarkFileException(string message, Exception? cause = null) : FdfaException(message, cause);

/// <summary>The machine around the device.</summary>
/// <param name="Processor">Its name, as the processor itself tells it.</param>
/// <param name="Cores">Cores that the process may use.</param>
/// <param name="OperatingSystem">With its version and architecture.</param>
internal sealed record BenchmarkMachine(string Processor, int Cores, string OperatingSystem)
{
    /// <summary>This one.</summary>
    public static BenchmarkMachine Here { get; } = new(
        ComputeDevice.Processor.Name, Environment.ProcessorCount,
        $"{RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture})");
}

/// <summary>The document of <c>fdfa bench --json</c>, which other programs may write too: docs/benchmark-file.md describes it.</summary>
internal sealed record BenchmarkFile
{
    /// <summary>The layout that this program writes and reads.</summary>
    public const int CurrentSchemaVersion = 2;

    /// <summary>What <see cref="Program"/> is in this program's own files.</summary>
    public const string ThisProgram = "fdfa";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        IgnoreReadOnlyProperties = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The layout of the file.</summary>
    public required int SchemaVersion { get; init; }

    /// <summary>Whose steps were timed: "fdfa", or a peer such as "pytorch".</summary>
    public required string Program { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset MeasuredAt { get; init; }

    /// <summary>The machine.</summary>
    public required BenchmarkMachine Machine { get; init; }

    /// <summary>The device.</summary>
    public required DeviceInfo Device { get; init; }

    /// <summary>What the program ran with, by name.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>One entry per rule, network and batch, and per variant where the program has any.</summary>
    public required IReadOnlyList<BenchmarkEntry> Results { get; init; }

    /// <summary>Whether another program measured.</summary>
    public bool IsOfPeer => Program != ThisProgram;

    /// <summary>The document of measurements made just now.</summary>
    public static BenchmarkFile Of(DeviceInfo device, IReadOnlyList<BenchmarkEntry> results) => new()
    {
        SchemaVersion = CurrentSchemaVersion,
        Program = ThisProgram,
        MeasuredAt = DateTimeOffset.Now,
        Machine = BenchmarkMachine.Here,
        Device = device,
        Versions = new Dictionary<string, string>
        {
            ["fdfa"] = RunVersions.Current.Fdfa,
            ["dotNet"] = RunVersions.Current.DotNet,
            ["ilgpu"] = RunVersions.Current.Ilgpu,
        },
        Results = results,
    };

    /// <summary>The text of the document.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json) + "\n";

    /// <summary>Reads a file.</summary>
    /// <exception cref="BenchmarkFileException">It is missing, or not such a document.</exception>
    public static BenchmarkFile Read(string path) => File.Exists(path)
        ? Parse(File.ReadAllText(path), path)
        : throw new BenchmarkFileException(
            $"There is no file '{path}'; give one that 'fdfa bench --json' or a script of bench/peers wrote.");

    /// <summary>Reads the text of a document.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="BenchmarkFileException">Not such a document.</exception>
    public static BenchmarkFile Parse(string json, string path)
    {
        const string Kind = "a file of benchmarks";
        BenchmarkFile file = VersionedJson.Parse<BenchmarkFile>(
            json, path, Kind, CurrentSchemaVersion, s_json, (sentence, cause) => new BenchmarkFileException(sentence, cause));
        if (file.Results.Count == 0)
        {
            throw new BenchmarkFileException($"'{path}' is not {Kind}: it has no results.");
        }

        for (var index = 0; index < file.Results.Count; index++)
        {
            if (file.Results[index] is not { } entry)
            {
                throw new BenchmarkFileException($"'{path}' is not {Kind}: its results[{index}] is empty.");
            }

            if (!(entry.LowSeconds > 0 && entry.LowSeconds <= entry.MedianSeconds && entry.MedianSeconds <= entry.HighSeconds
                && double.IsFinite(entry.HighSeconds)))
            {
                throw new BenchmarkFileException(
                    $"'{path}' is not {Kind}: the seconds of its results[{index}] are not a low one, a median and a high one above 0.");
            }
        }

        return file;
    }

    /// <summary>The steps that were timed, each once, for this program to time.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="BenchmarkFileException">One that this program cannot time.</exception>
    public IReadOnlyList<BenchmarkCase> Cases(string path) => [.. Results.Select(entry =>
    {
        try
        {
            return BenchmarkCase.Of(entry);
        }
        catch (FdfaException refusal)
        {
            throw new BenchmarkFileException($"'{path}' has a step that this fdfa cannot time: {refusal.Message}", refusal);
        }
    }).DistinctBy(one => one.Step)];

    /// <summary>Refuses a file of another machine: its times say nothing about a change of the program.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="device">The device that is to measure.</param>
    /// <exception cref="BenchmarkFileException">Another machine or device.</exception>
    public void RequireSameMachine(string path, DeviceInfo device)
    {
        // The number of cores decides a processor's times and hardly a GPU's.
        BenchmarkMachine here = BenchmarkMachine.Here;
        bool isSame = Device.Kind == device.Kind && Device.Name == device.Name && Machine.Processor == here.Processor
            && (device.Kind != DeviceKind.Cpu || Machine.Cores == here.Cores);
        if (!isSame)
        {
            throw new BenchmarkFileException(
                $"'{path}' was measured on {Describe(Device, Machine)}, and here it would be {Describe(device, here)}; "
                + "times compare on one machine and device only: compare there, or give the --device that the file is of.");
        }
    }

    private static string Describe(DeviceInfo device, BenchmarkMachine machine) => device.Kind == DeviceKind.Cpu
        ? $"{ConsoleOutput.Count(machine.Cores, "core")} of {device.Name}"
        : $"{device.Name} ({device.Selector}) beside {machine.Processor}";
}
