using System.CommandLine;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Benchmarks;
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
    private const string StandardOutput = "-";

    private readonly Option<string> _rule = OptionText.Create(
        "--rule", "name", $"Learning rule: {CommonOptions.RuleNames}. [default: FDFA]");

    private readonly Option<bool> _allRules = OptionText.CreateSwitch(
        "--all-rules", "Every learning rule that has kernels for the network, a row each; not together with --rule.");

    private readonly NetworkOptions _network = new(DefaultNetwork);
    private readonly Option<string> _preset = OptionText.Create(
        "--preset", "name",
        "Whose options to time: paper or published-code; they differ most for FG-W, which draws its noise per sample or per batch. "
        + "[default: paper]");

    private readonly Option<string> _batchSize = OptionText.Create(
        "--batch-size", "count", "Samples per step. [default: 64, but 128 for alexnet]");
    private readonly Option<string> _seeds = OptionText.Create("--seeds", "count", "Seeds trained in the same launches. [default: 1]");
    private readonly Option<string> _device = CommonOptions.Device(
        "auto: CUDA, else an OpenCL GPU, else the CPU; with --compare the file's");

    private readonly Option<string> _json = OptionText.Create(
        "--json", "file",
        $"Write the times to this file too, as JSON; with {StandardOutput} print the JSON and nothing else. [default: none]");

    private readonly Option<bool> _force = CommonOptions.Force();
    private readonly DepthBenchmark _depths = new();
    private readonly Option<string> _compare = OptionText.Create(
        "--compare", "file",
        "Time the steps of a file that --json or a script of bench/peers wrote on this machine, and show both; "
        + "exit code 1 when one became slower than its spread explains. [default: none]");

    /// <summary>Creates the command.</summary>
    public BenchCommand()
        : base("bench", "Times training steps, beside their floor: counted operations and bytes at this machine's measured peaks.")
    {
        Option[] options =
        [
            _rule, _allRules, .. _network.All, _preset, _batchSize, _seeds, _device, OptionText.CreateUncheckedDevice(), _json, _compare,
            .. _depths.All, _force,
        ];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa bench --rule FDFA --network 784-800-800-800-10 --batch-size 64 --json before.json",
        "fdfa bench --compare before.json",
        "fdfa bench --network 15C5-40C5-P2-128-10 --input 1x28x28 --preset published-code",
        "fdfa bench --all-rules",
        "fdfa bench --depths 2,4,8,16,32 --output update-phase",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        if (_depths.IsAsked(arguments, _rule, _allRules, _seeds, _json, _compare))
        {
            return RunDepths(arguments, output, cancellation);
        }

        string? comparedPath = arguments.Text(_compare);
        BenchmarkFile? compared = comparedPath is null ? null : ReadCompared(arguments, comparedPath);
        IReadOnlyList<BenchmarkCase> cases = compared?.Cases(comparedPath!) ?? ReadCases(arguments);
        string selector = compared is not null && !arguments.IsGiven(_device) ? compared.Device.Selector : arguments.Device(_device);
        string? target = arguments.Text(_json);

        // Before minutes of timing: whether their results can be kept.
        bool isFile = target is not null and not StandardOutput;
        using OutputFiles files = OutputFiles.Open(arguments.GetValue(_force), (isFile ? target : null, _json));
        using ComputeDevice device = ComputeDevice.Open(selector);
        compared?.RequireSameMachine(comparedPath!, device.Info);
        var timed = new List<(BenchmarkCase Case, BenchmarkResult Result)>();
        List<string> refusals = output.IsLive && target != StandardOutput
            ? output.Console.Status().Start("measuring", context => Measure(device, cases, timed, new StatusLine(context), cancellation))
            : Measure(device, cases, timed, new Silence(), cancellation);
        (BenchmarkCase Case, BenchmarkEntry Entry)[] entries =
            [.. timed.Select(one => (one.Case, BenchmarkEntry.Of(one.Case, one.Result)))];
        IReadOnlyList<ComparedEntry> comparison = compared is null ? [] : BenchmarkComparison.Of(compared, entries);
        string json = BenchmarkFile.Of(device.Info, [.. entries.Select(one => one.Entry)]).ToJson();
        if (target == StandardOutput)
        {
            output.Raw.Write(json);
        }
        else if (compared is not null)
        {
            BenchmarkComparison.Write(output, compared, comparison);
        }
        else if (arguments.GetValue(_allRules))
        {
            BenchmarkTable.WriteRules(output, [.. timed.Select(one => one.Result)], cases[0].Preset);
        }
        else
        {
            BenchmarkTable.Write(output, [.. timed.Select(one => one.Result)]);
        }

        if (isFile)
        {
            files.Write(target!, Encoding.UTF8.GetBytes(json));
            output.Line($"The times are in {target}");
        }

        foreach (string refusal in refusals)
        {
            output.Error(refusal);
        }

        return refusals.Count > 0 ? ExitCode.BadInput : Judge(output, compared, comparison);
    }

    private int RunDepths(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        Preset preset = Preset.Parse(arguments.Text(_preset) ?? Preset.Paper.Name);
        NetworkDescription network = _network.Read(arguments, preset, DepthBenchmark.Rules[0]);
        int? batchSize = arguments.WholeNumber(_batchSize, maximum: TrainingOptions.LargestBatch);
        return _depths.Run(arguments, network, OptionsOf, arguments.Device(_device), arguments.GetValue(_force), output, cancellation);

        TrainingOptions OptionsOf(LearningRule rule)
        {
            TrainingOptions options = preset.OptionsOn(network, rule);
            return options with { BatchSize = batchSize ?? options.BatchSize };
        }
    }

    private static int Judge(ConsoleOutput output, BenchmarkFile? compared, IReadOnlyList<ComparedEntry> comparison)
    {
        int slower = comparison.Count(entry => entry.Change == Change.Slower);
        if (compared is null or { IsOfPeer: true } || slower == 0)
        {
            return ExitCode.Success;
        }

        output.Error(
            $"{ConsoleOutput.Count(slower, "step")} of {ConsoleOutput.Plain(comparison.Count)} became slower than the spread of the "
            + "measurements explains; where nothing changed, look for what else runs on this machine.");
        return ExitCode.Failure;
    }

    /// <returns>A sentence for each case that cannot be timed; where there is one case only, its refusal is thrown.</returns>
    private static List<string> Measure(
        ComputeDevice device,
        IReadOnlyList<BenchmarkCase> cases,
        List<(BenchmarkCase Case, BenchmarkResult Result)> timed,
        IProgress<string> progress,
        CancellationToken cancellation)
    {
        // One rule that does not fit this device must not hide the others' times.
        var refusals = new List<string>();
        foreach (BenchmarkCase one in cases)
        {
            string rule = one.Options.Rule.Name;
            try
            {
                timed.Add(
                    (one, StepBenchmark.Run(device, one.Network, one.Options, one.Replicas, new Labelled(rule, progress), cancellation)));
            }
            catch (FdfaException refusal) when (cases.Count > 1)
            {
                refusals.Add($"{rule}: {refusal.Message}");
            }
        }

        return refusals;
    }

    private IReadOnlyList<BenchmarkCase> ReadCases(ParseResult arguments)
    {
        IReadOnlyList<LearningRule> rules = ReadRules(arguments);
        Preset preset = Preset.Parse(arguments.Text(_preset) ?? Preset.Paper.Name);
        int? batchSize = arguments.WholeNumber(_batchSize, maximum: TrainingOptions.LargestBatch);
        int replicas = arguments.WholeNumber(_seeds, maximum: RunRequest.MostSeeds) ?? 1;
        return
        [
            .. from rule in rules
               let network = _network.Read(arguments, preset, rule)
               where rules.Count == 1 || DeviceSupport.HasKernels(network, rule)
               let options = preset.OptionsOn(network, rule)
               select new BenchmarkCase(preset, network, options with { BatchSize = batchSize ?? options.BatchSize }, replicas),
        ];
    }

    private BenchmarkFile ReadCompared(ParseResult arguments, string path)
    {
        Option[] others = [_rule, _allRules, .. _network.All, _preset, _batchSize, _seeds];
        return others.FirstOrDefault(option => arguments.IsGiven(option)) is { } given
            ? throw new InvalidOptionException(
                $"The options --compare and {given.Name} exclude each other: the file says what to time; give one of them.")
            : BenchmarkFile.Read(path);
    }

    private IReadOnlyList<LearningRule> ReadRules(ParseResult arguments) => (arguments.Text(_rule), arguments.GetValue(_allRules)) switch
    {
        ({ }, true) => throw new InvalidOptionException(
            "The options --rule and --all-rules exclude each other; give --rule to time one rule, or --all-rules for all."),
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
