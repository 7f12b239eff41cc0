using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa</c> without a command: FDFA beside backpropagation on the embedded data, in less than a minute.</summary>
internal sealed class FirstLookCommand : RootCommand, IFdfaCommand
{
    // Chosen for the small embedded data. With 157 steps per epoch instead of MNIST's 938, the paper's rate would need a
    // hundred epochs; ten times the rate gets there in ten, and a faster decay calms the curves at the end.
    private const string NetworkTopology = "784-256-128-10";
    private const int Epochs = 10;
    private const double Rate = 1e-3;
    private const double Decay = 0.85;

    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<string> _output = CommonOptions.Output("runs/<time>-first-look");

    /// <summary>Creates the command and all others beneath it.</summary>
    /// <param name="tables">What <c>reproduce</c> can train.</param>
    public FirstLookCommand(IReadOnlyList<AccuracyTable> tables)
        : base(
            "Trains neural networks without backpropagation: forward-gradient and feedback-alignment rules on any GPU or CPU. "
            + "Without a command, trains FDFA and BP on a small embedded data set in less than a minute and draws their curves. "
            + "Exit codes: 0 done, 1 a check failed or training diverged, 2 bad input, 3 a device failed or a disk is full, "
            + "70 a bug in fdfa, 129 its terminal was closed, 130 interrupted.")
    {
        HelpName = "fdfa";
        // Without an action of its own a root command refuses to stand alone; FdfaCommandLine runs it.
        SetAction(_ => { });
        Options.Add(_device);
        Options.Add(OptionText.CreateUncheckedDevice());
        Options.Add(_output);
        Options.Add(Verbose);
        Subcommands.Add(new TrainCommand());
        Subcommands.Add(new ReproduceCommand(tables));
        Subcommands.Add(new EvaluateCommand());
        Subcommands.Add(new WatchCommand());
        Subcommands.Add(new CompareCommand());
        Subcommands.Add(new ExportCommand());
        Subcommands.Add(new ImportCommand());
        Subcommands.Add(new DevicesCommand());
        Subcommands.Add(new CheckCommand());
        Subcommands.Add(new BenchCommand());
        Subcommands.Add(new PlanCommand());
        Subcommands.Add(new KernelsCommand());
    }

    /// <summary><c>--verbose</c>, for every command.</summary>
    public Option<bool> Verbose { get; } = new("--verbose")
    {
        Description = "Log to standard error, and show where a bug struck.",
        Arity = ArgumentArity.Zero,
        Recursive = true,
    };

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa",
        "fdfa train --data mnist --network 784-800-800-10 --epochs 5",
        "fdfa reproduce table1 --quick",
        "fdfa train --help",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string selector = arguments.Device(_device);
        LearningRule[] rules = [LearningRule.ForwardDirectFeedbackAlignment, LearningRule.Backpropagation];
        using RunFolder folder = RunFolder.Create(
            arguments.Text(_output), RunFolder.DefaultPath("first-look", DateTime.Now), output.Verbose);
        using LoadedData data = DataSource.Load(Request(rules[0]), output, cancellation);
        using ComputeDevice device = ComputeDevice.Open(selector);
        output.Line(
            $"FDFA beside backpropagation: {NetworkTopology} on "
            + $"{ConsoleOutput.Count(data.Description.TrainingSamples, "embedded sample")}, {Epochs} epochs, {device.Info.Name}");
        foreach (string sentence in PresetDifferences.Of(Request(rules[0])))
        {
            output.Line(sentence);
        }

        var results = new List<RunResult>();
        try
        {
            ProgressDisplay.Run(output, quiet: false, progress =>
            {
                foreach (LearningRule rule in rules.TakeWhile(_ => !cancellation.IsCancellationRequested))
                {
                    results.Add(Train(rule, data, device, Path.Combine(folder.Path, rule.Name), output, progress, cancellation));
                }

                return results.Count;
            });
        }
        finally
        {
            if (results.Any(result => result.Rows.Count > 0))
            {
                folder.WriteCurves(new Curves(
                    $"FDFA beside backpropagation: {NetworkTopology} on {data.Description.TrainingSamples} embedded samples",
                    Request(rules[0]).Options.Loss,
                    [.. results.Select(result => new CurveSeries(result.Rule, result.Rows))]));
            }
        }

        if (results.Count > 0)
        {
            ResultTable.Write(output, results);
        }

        if (results.Any(result => result.Rows.Count > 0))
        {
            output.Line($"Curves of both rules   {Path.Combine(folder.Path, "curves.png")} and curves.svg");
        }

        foreach (RunResult result in results)
        {
            string run = Path.Combine(folder.Path, result.Rule);
            output.Line($"{result.Rule,-4} run               {run} (configuration, metrics, model, log)");
        }

        string? interruption =
            results.FirstOrDefault(result => result.Interruption is not null) is { } stopped ? $"{stopped.Rule}: {stopped.Interruption}"
            : results.Count < rules.Length ? $"Interrupted before {rules[results.Count].Name} began."
            : null;
        if (interruption is null)
        {
            return ExitCode.Success;
        }

        output.Error(interruption);
        return ExitCode.Cancelled;
    }

    private static RunResult Train(
        LearningRule rule,
        LoadedData data,
        ComputeDevice device,
        string path,
        ConsoleOutput output,
        ProgressDisplay progress,
        CancellationToken cancellation)
    {
        using RunFolder folder = RunFolder.Create(path, output.Verbose);
        using var run = new TrainingRun(RunConfiguration.Describe(Request(rule), data.Description, device.Info), data, [device], folder);
        return run.Execute(progress, cancellation);
    }

    private static RunRequest Request(LearningRule rule) => new(
        Topology.Parse(NetworkTopology),
        Preset.Paper.OptionsFor(rule) with
        {
            LearningRate = Rate,
            FeedbackRate = Rate,
            LearningRateDecay = Decay,
            FeedbackRateDecay = Decay,
        },
        Preset.Paper.Name,
        Epochs,
        [0],
        DataSource.Names[0],
        DataDirectory: null,
        Limit: null);
}
