using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa train</c>: one rule, one network, one or more seeds.</summary>
internal sealed class TrainCommand : Command, IFdfaCommand
{
    /// <summary>What <c>--rule</c> is where it is not given.</summary>
    public const string DefaultRule = "FDFA";

    private const string DefaultNetwork = "784-256-128-10";
    private const int DefaultEpochs = 10;

    private readonly Option<string> _rule = OptionText.Create(
        "--rule", "name", $"Learning rule: {CommonOptions.RuleNames}. [default: {DefaultRule}]");

    private readonly Option<string> _network = CommonOptions.Network(DefaultNetwork, "the images of --data");
    private readonly Option<string> _activation = CommonOptions.Activation();

    private readonly Option<string> _data = OptionText.Create(
        "--data", "name", $"Data set: {string.Join(", ", DataSource.Names)}. [default: embedded]");

    private readonly Option<string> _dataDirectory = CommonOptions.DataDirectory();

    private readonly Option<bool> _skipsBadImages = OptionText.CreateSwitch(
        "--skip-bad-images", "Leave out images that do not decode, where a data set is made of image files.");

    private readonly Option<string> _limit = OptionText.Create(
        "--limit", "count", "Train on the first samples only; the test set stays whole. [default: all]");

    private readonly Option<string> _validation = OptionText.Create(
        "--validation", "part",
        "Set a part of the training samples aside, alike from each class and the same for every seed and rule, train on the rest "
        + "and evaluate on the part after every epoch: a share such as 0.1, or a count. Sweeps and 'fdfa compare' then rank by it. "
        + "Of --limit samples where that is given. [default: none]");

    private readonly Option<string> _epochs = OptionText.Create(
        "--epochs", "count", $"Passes over the training data. [default: {DefaultEpochs}]");

    private readonly Option<string> _keep = OptionText.Create(
        "--keep", "models",
        $"Models to keep of each seed: {OptionWords.KeptModels.Listed}, which is that of its epoch with the highest validation accuracy, "
        + "the first of several, beside the last. [default: last]");

    private readonly Option<string> _patience = OptionText.Create(
        "--patience", "epochs",
        "Stop after so many epochs in which the validation accuracy, the mean over seeds, has not been above its best. "
        + "[default: train all epochs]");

    private readonly Option<string> _initialWeights = OptionText.Create(
        "--initial-weights", "file",
        "Start from weights that PyTorch, 'fdfa export' or a run wrote as safetensors; feedback begins as it would without. "
        + "[default: drawn from the seed]");

    private readonly Option<string> _preset = OptionText.Create(
        "--preset", "name",
        "Where every option below starts from: paper (Appendix A) or published-code (the authors' repository, for the rules that it has: "
        + "BP, FG-W, DFA, DKP and FDFA; others as in paper). [default: paper]");

    private readonly BatchNormalizationOptions _batchNormalization = new();
    private readonly Option<bool> _noAugmentation = Augmentation.CreateOption();

    private readonly IReadOnlyList<(TrainingOption Row, Option Option)> _training =
        [.. TrainingOption.All.Select(row => (row, row.Create()))];

    private readonly Option<string> _seed = OptionText.Create(
        "--seed", "number", "The seed of the one run. [default: 0]");

    private readonly Option<string> _seeds = OptionText.Create(
        "--seeds", "count", "Train this many seeds, from 0, in the same launches; not together with --seed.");

    private readonly DeviceOptions _device = new();
    private readonly Option<string> _output = CommonOptions.Output("runs/<time>-<rule>-<network>");

    private readonly Option<bool> _quiet = OptionText.CreateSwitch(
        "--quiet", "Print nothing but the result: no configuration, no progress.");

    private readonly Option<bool> _tensorBoard = OptionText.CreateSwitch(
        "--tensorboard",
        "Write every epoch for TensorBoard too, to tensorboard/ in the run's folder, a folder per seed: "
        + "'tensorboard --logdir runs' shows all runs.");

    private readonly ResumeOptions _resume = new();
    private readonly SweepOptions _sweep;

    /// <summary>Creates the command.</summary>
    public TrainCommand()
        : base("train", "Trains a network with a learning rule and writes everything about the run to a folder.")
    {
        Option[] ofTheRun = [_preset, .. _batchNormalization.All, _noAugmentation, _activation, .. _training.Select(pair => pair.Option)];
        _sweep = new SweepOptions(
            [_rule, _network, _data, _limit, _validation, _epochs, _seed, _seeds, .. ofTheRun], _rule, _seed, _training);
        Option[] options =
        [
            _rule, _network, _data, _dataDirectory, _skipsBadImages, _limit, _validation, _epochs, _keep, _patience,
            _initialWeights, _seed, _seeds, .. _device.All, _output, .. _resume.All,
            _quiet, _tensorBoard, .. _sweep.All, .. ofTheRun,
        ];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa train --rule FDFA --network 784-800-800-10 --data mnist --epochs 10 --seeds 5",
        "fdfa train --rule FDFA --network 15C5-P2-40C5-P2-128-10 --data fashion-mnist --epochs 2",
        "fdfa train --rule FDFA --network alexnet-200 --data tiny-imagenet --preset published-code",
        "fdfa train --resume runs/20260131-120000-FDFA-784-256-128-10",
        "fdfa train --sweep rule=FDFA,DFA --sweep lr=1e-3,1e-4 --epochs 5",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        if (_resume.IsGiven(arguments))
        {
            return _resume.Run(arguments, (_device, _dataDirectory, _epochs, _quiet, _tensorBoard), output, cancellation);
        }

        if (_sweep.IsGiven(arguments))
        {
            _device.RequireSeedsSharedOut(arguments);
            return _sweep.Run(arguments, (_device.Device, _output, _quiet, _tensorBoard), Read, output, cancellation);
        }

        RunRequest request = Read(arguments);

        // What no kernel can do is refused here, before the data may have to be downloaded.
        Trainer.Plan(request.Network, request.Options, request.Seeds.Count);
        NetworkParameters? initial = InitialWeights.Load(ref request);
        bool quiet = arguments.GetValue(_quiet);
        using RunFolder folder = RunFolder.Create(arguments.Text(_output), RunFolder.DefaultPath(request, DateTime.Now), output.Verbose);
        using LoadedData data = DataSource.Load(request, quiet ? null : output, cancellation);
        using DeviceSet devices = ReadDevices(arguments, request).Open();
        RunConfiguration configuration = RunConfiguration.Describe(
            request, data.Description, [.. devices.Devices.Select(device => device.Info)]);
        if (devices.IsLayerParallel)
        {
            configuration = configuration.AsLayerParallel();
        }

        if (arguments.GetValue(_tensorBoard))
        {
            configuration = configuration.WithEvents();
        }

        if (!quiet)
        {
            ConfigurationTable.Write(output, configuration);
        }

        using var run = new TrainingRun(configuration, data, devices.Devices, folder, isLayerParallel: devices.IsLayerParallel);
        if (initial is not null)
        {
            run.StartFrom(initial);
        }

        return Execute(run, folder, quiet, output, cancellation);
    }

    /// <summary>Trains, and says what came of it.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int Execute(TrainingRun run, RunFolder folder, bool quiet, ConsoleOutput output, CancellationToken cancellation)
    {
        RunResult result;
        try
        {
            result = ProgressDisplay.Run(output, quiet, progress => run.Execute(progress, cancellation));
            ResultTable.Write(output, [result]);
            if (result.EarlyEnd is not null)
            {
                output.Line(result.EarlyEnd);
            }
        }
        finally
        {
            output.Line($"Everything about this run is in {folder.Path}");
        }

        if (result.Interruption is null)
        {
            return ExitCode.Success;
        }

        output.Error(result.Interruption);
        return ExitCode.Cancelled;
    }

    /// <summary>What the options ask for.</summary>
    /// <exception cref="FdfaException">A value that no run can have.</exception>
    internal RunRequest Read(ParseResult arguments)
    {
        LearningRule rule = LearningRule.Parse(arguments.Text(_rule) ?? DefaultRule);
        Preset preset = Preset.Parse(arguments.Text(_preset) ?? Preset.Paper.Name);
        string dataName = DataSource.CanonicalName(arguments.Text(_data) ?? DataSource.Names[0]);
        string topology = arguments.Text(_network) ?? DefaultNetwork;
        ImageShape image = DataSource.ShapeOf(dataName);
        ImageAugmentation? augmentation = arguments.GetValue(_noAugmentation) ? null : preset.AugmentationOf(topology, rule, image);
        NetworkDescription network = Topology.Parse(
            topology,
            arguments.OneOf(_activation, OptionWords.Activations) ?? preset.ActivationFor(rule),
            Augmentation.InputOf(augmentation, image),
            _batchNormalization.Read(arguments) ?? preset.BatchNormalizationFor(rule));
        int epochs = arguments.WholeNumber(_epochs) ?? DefaultEpochs;
        TrainingOptions options = ReadTraining(arguments, preset.OptionsOn(network, rule) with { Augmentation = augmentation }, epochs);
        options.Validate(network);
        options.RequireRateIn(epochs);

        ValidationPart? validation = arguments.ValidationPart(_validation);
        KeptModels keep = arguments.OneOf(_keep, OptionWords.KeptModels) ?? KeptModels.Last;
        int? patience = arguments.WholeNumber(_patience);
        if (validation is null && (keep == KeptModels.Best || patience is not null))
        {
            string needy = keep == KeptModels.Best ? "--keep best" : _patience.Name;
            throw new InvalidOptionException(
                $"The option {needy} goes by the validation accuracy; give --validation too, such as --validation 0.1, or leave it out.");
        }

        int? limit = arguments.WholeNumber(_limit);
        if (!network.CanNormalize(Math.Min(options.BatchSize, limit ?? options.BatchSize)))
        {
            string few = options.BatchSize == 1 ? "--batch-size" : _limit.Name;
            throw new InvalidOptionException(
                "Batch normalization takes the mean over a step's samples from each of them, which leaves nothing of one; "
                + $"give a {few} of at least 2, or --no-batch-norm.");
        }

        var request = new RunRequest(
            network,
            options,
            preset.Name,
            epochs,
            ReadSeeds(arguments),
            dataName,
            arguments.Text(_dataDirectory),
            limit)
        {
            Validation = validation,
            Keep = keep,
            Patience = patience,
            SkipsBadImages = arguments.GetValue(_skipsBadImages),
            InitialWeights = arguments.Text(_initialWeights),
        };

        // Read now: opening the devices comes after the data, and a slip must not wait for a download.
        ReadDevices(arguments, request);
        return request;
    }

    private DeviceRequest ReadDevices(ParseResult arguments, RunRequest request) =>
        _device.Read(arguments, request.Network, request.Seeds.Count);

    private TrainingOptions ReadTraining(ParseResult arguments, TrainingOptions options, int epochs)
    {
        foreach ((TrainingOption row, Option option) in _training.Where(pair => arguments.IsGiven(pair.Option)))
        {
            row.RequireConcern(options.Rule);
            options = row.Read(arguments, option, options);
        }

        foreach ((TrainingOption row, Option _) in _training.Where(pair => arguments.IsGiven(pair.Option)))
        {
            row.RequireCompanion(options);
        }

        bool isPeriodGiven = _training.Any(
            pair => pair.Row.Property == nameof(TrainingOptions.SchedulePeriod) && arguments.IsGiven(pair.Option));
        if (!isPeriodGiven && Schedule.Of(options.Schedule).IsOverAfterPeriod)
        {
            options = options with { SchedulePeriod = Math.Max(1, epochs - options.WarmupEpochs) };
        }

        if (options.Antithetic && options.Perturbations % 2 != 0)
        {
            throw new InvalidOptionException(
                "The option --antithetic draws pairs and needs an even --perturbations, such as 2; "
                + $"it is {ConsoleOutput.Plain(options.Perturbations)}.");
        }

        return options;
    }

    private IReadOnlyList<ulong> ReadSeeds(ParseResult arguments)
    {
        ulong? seed = arguments.Seed(_seed);
        int? count = arguments.WholeNumber(_seeds, maximum: RunRequest.MostSeeds);
        return (seed, count) switch
        {
            ({ }, { }) => throw new InvalidOptionException(
                "The options --seed and --seeds exclude each other; "
                + "give --seed for one run with that seed, or --seeds for that many seeds from 0."),
            (_, { } several) => [.. Enumerable.Range(0, several).Select(number => (ulong)number)],
            _ => [seed ?? 0],
        };
    }
}
