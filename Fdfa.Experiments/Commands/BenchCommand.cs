using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa bench</c>: the time of a training step beside the least it could take.</summary>
internal sealed class BenchCommand : Command, IFdfaCommand
{
    private const string DefaultNetwork = "784-800-800-800-10";
    private const int MostReplicas = 1000;

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Option<string> _rule = OptionText.Create(
        "--rule", "name", $"Learning rule: {CommonOptions.RuleNames}. [default: every rule]");

    private readonly Option<string> _network = CommonOptions.Network(DefaultNetwork);
    private readonly Option<string> _batchSize = OptionText.Create("--batch-size", "count", "Samples per step. [default: 64]");
    private readonly Option<string> _seeds = OptionText.Create("--seeds", "count", "Seeds trained in the same launches. [default: 1]");
    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<bool> _json = OptionText.CreateSwitch("--json", "Print one JSON document and nothing else.");

    /// <summary>Creates the command.</summary>
    public BenchCommand()
        : base("bench", "Times training steps, beside their floor: counted operations and bytes at this machine's measured peaks.")
    {
        Option[] options = [_rule, _network, _batchSize, _seeds, _device, _json];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa bench --rule FDFA --network 784-800-800-800-10 --batch-size 64 --json"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        IReadOnlyList<LearningRule> rules = arguments.Text(_rule) is { } name ? [LearningRule.Parse(name)] : LearningRule.All;
        NetworkDescription network = Topology.Parse(arguments.Text(_network) ?? DefaultNetwork);
        int batchSize = arguments.WholeNumber(_batchSize, maximum: TrainingOptions.LargestBatch) ?? 64;
        int replicas = arguments.WholeNumber(_seeds, maximum: MostReplicas) ?? 1;
        bool json = arguments.GetValue(_json);
        using ComputeDevice device = ComputeDevice.Open(arguments.Device(_device));

        List<BenchmarkResult> results = json
            ? Measure(new Silence())
            : output.IsLive
                ? output.Console.Status().Start("measuring", context => Measure(new StatusLine(context)))
                : Measure(new Silence());
        if (json)
        {
            output.Raw.WriteLine(ToJson(results));
        }
        else
        {
            Write(output, results);
        }

        return ExitCode.Success;

        List<BenchmarkResult> Measure(IProgress<string> progress) =>
        [
            .. rules.Select(rule => StepBenchmark.Run(
                device, network, Preset.Paper.OptionsFor(rule) with { BatchSize = batchSize }, replicas, progress, cancellation)),
        ];
    }

    /// <summary>The document of <c>--json</c>.</summary>
    public static string ToJson(IReadOnlyList<BenchmarkResult> results) => JsonSerializer.Serialize(
        new { SchemaVersion = 1, Versions = RunVersions.Current, Results = results }, s_json);

    /// <summary>Writes the results as a table with a column per rule.</summary>
    public static void Write(ConsoleOutput output, IReadOnlyList<BenchmarkResult> results)
    {
        BenchmarkResult first = results[0];
        Table table = ConsoleOutput.CreateTable(
            $"One training step of {first.Network}, batch {first.BatchSize}, {ConsoleOutput.Count(first.Replicas, "seed")}, {first.Device}",
            ["", .. results.Select(result => ConsoleOutput.Number(result.Rule))]);
        AddRow("Median", result => ConsoleOutput.Duration(result.MedianSeconds));
        AddRow("10th to 90th percentile", result => $"{ConsoleOutput.Duration(result.LowSeconds)} to {ConsoleOutput.Duration(result.HighSeconds)}");
        AddRow("Floor", result => ConsoleOutput.Duration(result.FloorSeconds));
        AddRow("Median over floor", result => result.Ratio.ToString("F2", CultureInfo.InvariantCulture));
        AddRow("Launches", result => result.LaunchesPerStep.ToString("0.##", CultureInfo.InvariantCulture));
        AddRow("Operations", result => ConsoleOutput.Quantity(result.Operations, "FLOP"));
        AddRow("Bytes read and written", result => ConsoleOutput.Quantity(result.Bytes, "B"));
        AddRow("Measured peak", result => ConsoleOutput.Quantity(result.PeakOperationsPerSecond, "FLOP/s"));
        AddRow("Measured bandwidth", result => ConsoleOutput.Quantity(result.PeakBytesPerSecond, "B/s"));
        AddRow("Managed allocation", result => ConsoleOutput.Quantity(result.AllocatedBytesPerStep, "B"));
        output.Table(table);

        void AddRow(string label, Func<BenchmarkResult, string> value) =>
            table.AddRow([new Text(label), .. results.Select(result => new Text(value(result)))]);
    }

    private sealed class Silence : IProgress<string>
    {
        public void Report(string value)
        {
        }
    }

    private sealed class StatusLine(StatusContext context) : IProgress<string>
    {
        public void Report(string value) => context.Status(Markup.Escape(value));
    }
}
