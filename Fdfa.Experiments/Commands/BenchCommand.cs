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
using Fdfa.Gpu.Networks;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa bench</c>: the time of a training step beside the least it could take.</summary>
internal sealed class BenchCommand : Command, IFdfaCommand
{
    private const string DefaultNetwork = "784-800-800-800-10";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Option<string> _rule = OptionText.Create(
        "--rule", "name", $"Learning rule: {CommonOptions.RuleNames}. [default: FDFA]");

    private readonly Option<bool> _allRules = OptionText.CreateSwitch(
        "--all-rules", "Every learning rule that has kernels for the network, a row each; not together with --rule.");

    private readonly NetworkOptions _network = new(DefaultNetwork);
    private readonly Option<string> _preset = OptionText.Create(
        "--preset", "name",
        "Whose options to time: paper or published-code; they differ most for FG-W, which draws its noise per sample or per batch. [default: paper]");

    private readonly Option<string> _batchSize = OptionText.Create("--batch-size", "count", "Samples per step. [default: 64, but 128 for alexnet]");
    private readonly Option<string> _seeds = OptionText.Create("--seeds", "count", "Seeds trained in the same launches. [default: 1]");
    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<bool> _json = OptionText.CreateSwitch("--json", "Print one JSON document and nothing else.");

    /// <summary>Creates the command.</summary>
    public BenchCommand()
        : base("bench", "Times training steps, beside their floor: counted operations and bytes at this machine's measured peaks.")
    {
        Option[] options = [_rule, _allRules, .. _network.All, _preset, _batchSize, _seeds, _device, _json];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa bench --rule FDFA --network 784-800-800-800-10 --batch-size 64 --json",
        "fdfa bench --network 15C5-40C5-P2-128-10 --input 1x28x28 --preset published-code",
        "fdfa bench --all-rules",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        IReadOnlyList<LearningRule> rules = ReadRules(arguments);
        Preset preset = Preset.Parse(arguments.Text(_preset) ?? Preset.Paper.Name);
        (LearningRule Rule, NetworkDescription Network)[] cases = [.. rules
            .Select(rule => (rule, _network.Read(arguments, preset, rule)))
            .Where(one => rules.Count == 1 || DeviceSupport.HasKernels(one.Item2, one.rule))];
        int? batchSize = arguments.WholeNumber(_batchSize, maximum: TrainingOptions.LargestBatch);
        int replicas = arguments.WholeNumber(_seeds, maximum: CommonOptions.MostSeeds) ?? 1;
        bool json = arguments.GetValue(_json);
        using ComputeDevice device = ComputeDevice.Open(arguments.Device(_device));

        // One rule that does not fit this device must not hide the others' times.
        var refusals = new List<string>();
        List<BenchmarkResult> results = output.IsLive && !json
            ? output.Console.Status().Start("measuring", context => Measure(new StatusLine(context)))
            : Measure(new Silence());
        if (json)
        {
            output.Raw.WriteLine(ToJson(results));
        }
        else if (rules.Count > 1)
        {
            WriteRules(output, results, preset);
        }
        else
        {
            Write(output, results);
        }

        foreach (string refusal in refusals)
        {
            output.Error(refusal);
        }

        return refusals.Count == 0 ? ExitCode.Success : ExitCode.BadInput;

        List<BenchmarkResult> Measure(IProgress<string> progress)
        {
            var measured = new List<BenchmarkResult>();
            foreach ((LearningRule rule, NetworkDescription network) in cases)
            {
                TrainingOptions options = preset.OptionsOn(network, rule);
                try
                {
                    measured.Add(StepBenchmark.Run(
                        device, network, options with { BatchSize = batchSize ?? options.BatchSize }, replicas, new Labelled(rule.Name, progress), cancellation));
                }
                catch (FdfaException refusal) when (rules.Count > 1)
                {
                    refusals.Add($"{rule.Name}: {refusal.Message}");
                }
            }

            return measured;
        }
    }

    /// <summary>The document of <c>--json</c>.</summary>
    public static string ToJson(IReadOnlyList<BenchmarkResult> results) => JsonSerializer.Serialize(
        new { SchemaVersion = 1, Versions = RunVersions.Current, Results = results }, s_json);

    /// <summary>Writes all that is known about a few rules, a column each.</summary>
    public static void Write(ConsoleOutput output, IReadOnlyList<BenchmarkResult> results)
    {
        Table table = ConsoleOutput.CreateTable(Heading(results[0]), ["", .. results.Select(result => ConsoleOutput.Number(result.Rule))]);
        AddRow("Median", result => ConsoleOutput.Duration(result.MedianSeconds));
        AddRow("10th to 90th percentile", Range);
        AddRow("Floor", result => ConsoleOutput.Duration(result.FloorSeconds));
        AddRow("Median over floor", Ratio);
        AddRow("Drawing perturbations", result => ConsoleOutput.Duration(result.DrawingSeconds));
        AddRow("Batch normalization", result => result.HasBatchNormalization ? "yes" : "no");
        AddRow("Launches", Launches);
        AddRow("Operations", result => ConsoleOutput.Quantity(result.Operations, "FLOP"));
        AddRow("Bytes read and written", result => ConsoleOutput.Quantity(result.Bytes, "B"));
        AddRow("Measured peak", result => ConsoleOutput.Quantity(result.PeakOperationsPerSecond, "FLOP/s"));
        AddRow("Measured bandwidth", result => ConsoleOutput.Quantity(result.PeakBytesPerSecond, "B/s"));
        AddRow("Managed allocation", result => ConsoleOutput.Quantity(result.AllocatedBytesPerStep, "B"));
        output.Table(table);

        void AddRow(string label, Func<BenchmarkResult, string> value) =>
            table.AddRow([new Text(label), .. results.Select(result => new Text(value(result)))]);
    }

    /// <summary>Writes what compares many rules, a row each.</summary>
    public static void WriteRules(ConsoleOutput output, IReadOnlyList<BenchmarkResult> results, Preset preset)
    {
        if (results.Count == 0)
        {
            return;
        }

        Table table = ConsoleOutput.CreateTable(
            Heading(results[0]),
            "Rule", ConsoleOutput.Number("Median"), ConsoleOutput.Number("10th to 90th percentile"), ConsoleOutput.Number("Launches"),
            ConsoleOutput.Number("Floor"), ConsoleOutput.Number("Median / floor"), ConsoleOutput.Number("Drawing"));
        foreach (BenchmarkResult result in results)
        {
            string[] cells =
            [
                result.Rule, ConsoleOutput.Duration(result.MedianSeconds), Range(result), Launches(result),
                ConsoleOutput.Duration(result.FloorSeconds), Ratio(result), ConsoleOutput.Duration(result.DrawingSeconds),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        output.Table(table);
        output.Line(
            $"Options of the preset {preset}; {BatchNormalized(results)}. Floor: counted operations at up to {ConsoleOutput.Quantity(results.Max(result => result.PeakOperationsPerSecond), "FLOP/s")}, or counted bytes at up to "
            + $"{ConsoleOutput.Quantity(results.Max(result => result.PeakBytesPerSecond), "B/s")}, both measured beside each rule; whichever takes longer. Drawing: the step's perturbations at up to "
            + $"{ConsoleOutput.Quantity(results.Max(result => result.PeakNormalsPerSecond), "/s")}, on top of the floor.");
    }

    private static string Heading(BenchmarkResult result) =>
        $"One training step of {result.Network}{(result.Input is { } input ? $" on {input}" : "")}, batch {result.BatchSize}, {ConsoleOutput.Count(result.Replicas, "seed")}, {result.Device}";

    private static string BatchNormalized(IReadOnlyList<BenchmarkResult> results)
    {
        string[] rules = [.. results.Where(result => result.HasBatchNormalization).Select(result => result.Rule)];
        return rules.Length == 0 ? "no batch normalization"
            : rules.Length == results.Count ? "batch normalization"
            : $"batch normalization with {string.Join(", ", rules)}";
    }

    private static string Range(BenchmarkResult result) =>
        $"{ConsoleOutput.Duration(result.LowSeconds)} to {ConsoleOutput.Duration(result.HighSeconds)}";

    private static string Ratio(BenchmarkResult result) => result.Ratio.ToString("F2", CultureInfo.InvariantCulture);

    private static string Launches(BenchmarkResult result) => result.LaunchesPerStep.ToString("0.##", CultureInfo.InvariantCulture);

    private IReadOnlyList<LearningRule> ReadRules(ParseResult arguments) => (arguments.Text(_rule), arguments.GetValue(_allRules)) switch
    {
        ({ }, true) => throw new InvalidOptionException("The options --rule and --all-rules exclude each other; give --rule to time one rule, or --all-rules for all."),
        ({ } name, _) => [LearningRule.Parse(name)],
        (_, true) => LearningRule.All,
        _ => [LearningRule.ForwardDirectFeedbackAlignment],
    };

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

    private sealed class Labelled(string label, IProgress<string> inner) : IProgress<string>
    {
        public void Report(string value) => inner.Report($"{label}: {value}");
    }
}
