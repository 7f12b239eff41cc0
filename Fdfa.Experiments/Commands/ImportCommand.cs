using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa import FILE</c>: weights from elsewhere as a run of no epochs, which evaluates and exports like any other.</summary>
internal sealed class ImportCommand : Command, IFdfaCommand
{
    private readonly Argument<string> _file = new("FILE")
    {
        Description = "A safetensors file with the state_dict of an nn.Sequential, or a model of a run.",
        Arity = ArgumentArity.ExactlyOne,
    };

    private readonly Option<string> _network = CommonOptions.Network("none: it must be given", "the images of --data");
    private readonly Option<string> _activation = OptionText.Create(
        "--activation", "name", $"Activation of the hidden blocks: {OptionWords.Activations.Listed}. [default: relu]");

    private readonly Option<bool> _batchNormalization = OptionText.CreateSwitch(
        "--batch-norm", "Every hidden block is normalized over its batch. [default: none is, but alexnet's convolutions]");

    private readonly Option<string> _data = OptionText.Create(
        "--data", "name",
        $"Data set whose test set shows what the network can do: {string.Join(", ", DataSource.Names)}. [default: embedded]");

    private readonly Option<string> _dataDirectory = CommonOptions.DataDirectory();
    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<string> _output = CommonOptions.Output("runs/<time>-imported-<network>");

    /// <summary>Creates the command.</summary>
    public ImportCommand()
        : base(
            "import",
            "Takes a network's weights from PyTorch, evaluates them and makes a run folder of them; "
            + "'fdfa train --initial-weights' trains such weights on.")
    {
        Arguments.Add(_file);
        Option[] options =
            [_network, _activation, _batchNormalization, _data, _dataDirectory, _device, OptionText.CreateUncheckedDevice(), _output];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa import network.safetensors --network 784-256-128-10 --data fashion-mnist",
        "fdfa import network.safetensors --network 15C5-P2-40C5-P2-128-10 --batch-norm --data cifar-10 --output runs/imported",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string file = arguments.GetRequiredValue(_file);
        string dataName = DataSource.CanonicalName(arguments.Text(_data) ?? DataSource.Names[0]);
        string topology = arguments.Text(_network)
            ?? throw new InvalidOptionException(
                "A file of weights does not say how they are connected; give --network, such as --network 784-256-128-10.");
        NetworkDescription network = Topology.Parse(
            topology,
            arguments.OneOf(_activation, OptionWords.Activations) ?? ActivationFunction.ReLU,
            DataSource.ShapeOf(dataName),
            arguments.GetValue(_batchNormalization));
        string selector = arguments.Device(_device);

        // The rule that needs nothing besides the weights.
        LearningRule rule = LearningRule.Backpropagation;
        var request = new RunRequest(
            network, Preset.Paper.OptionsOn(network, rule), Preset.Paper.Name, Epochs: 0, Seeds: [0], dataName,
            arguments.Text(_dataDirectory), Limit: null);
        NetworkParameters weights = WeightFile.Load(file, network, withoutNormalization: $"leave out {_batchNormalization.Name}");
        using RunFolder folder = RunFolder.Create(
            arguments.Text(_output), RunFolder.DefaultPath($"imported-{RunFolder.NameOf(network)}", DateTime.Now), output.Verbose);
        using LoadedData data = DataSource.Load(request, output, cancellation);
        using DeviceSet devices = DeviceSet.Open(selector, most: 1);
        EvaluateCommand.Evaluate(output, request, data, devices, [weights], recorded: [], cancellation);
        RunConfiguration configuration = RunConfiguration.Describe(
            request, data.Description, [.. devices.Devices.Select(each => each.Info)]);
        folder.WriteModel(0, network, request.Options, weights, new Dictionary<string, string>
        {
            ["fdfa_version"] = configuration.Versions.Fdfa,
            ["imported_from"] = file,
        });
        folder.WriteMetrics([]);

        // Last: what has a configuration is whole.
        folder.WriteConfiguration(configuration with { Repeat = Repeat(file, request) });
        output.Line($"The imported network is in {folder.Path}");
        return ExitCode.Success;
    }

    /// <summary>The command line that trains the weights of a run that was imported.</summary>
    /// <param name="imported">Its configuration.</param>
    /// <param name="folder">Its folder.</param>
    public static string Training(RunConfiguration imported, string folder) => RunConfiguration.CommandLine(
        ["train", "--initial-weights", RunFolder.ModelPath(folder, imported.Seeds[0]), .. Words(imported.ToRequest())]);

    private static string Repeat(string file, RunRequest request) => RunConfiguration.CommandLine(["import", file, .. Words(request)]);

    /// <summary>What the command has in common with <c>train</c>.</summary>
    private static IEnumerable<string> Words(RunRequest request) =>
    [
        "--network", request.Network.Topology,
        "--activation", OptionWords.Activations.Of(request.Network.HiddenActivation),
        .. request.Network.IsNormalized() ? (string[])["--batch-norm"] : [],
        "--data", request.DataName,
        .. request.DataDirectory is { } directory ? (string[])["--data-dir", directory] : [],
    ];
}
