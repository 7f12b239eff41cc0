using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Exchange;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa export RUN</c>: a trained network for other programs.</summary>
internal sealed class ExportCommand : Command, IFdfaCommand
{
    private readonly Argument<string> _run = CommonOptions.Run();

    private readonly Option<string> _onnx = OptionText.Create(
        "--onnx", "file", "Write what the network computes as ONNX. Its input is floats: a pixel p of 0 to 255 is p*2/255 - 1.");

    private readonly Option<string> _safetensors = OptionText.Create(
        "--safetensors", "file",
        "Write the weights as PyTorch's state_dict of an nn.Sequential, without what belongs to the learning rule.");

    private readonly Option<string> _seed = OptionText.Create("--seed", "number", "Whose network. [default: the run's only one]");
    private readonly Option<bool> _best = CommonOptions.Best();
    private readonly Option<bool> _force = CommonOptions.Force();

    /// <summary>Creates the command.</summary>
    public ExportCommand()
        : base("export", "Writes a trained network for other programs: as ONNX, or as weights for PyTorch.")
    {
        Arguments.Add(_run);
        Options.Add(_onnx);
        Options.Add(_safetensors);
        Options.Add(_seed);
        Options.Add(_best);
        Options.Add(_force);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa export runs/20260131-120000-FDFA-784-256-128-10 --onnx network.onnx",
        "fdfa export runs/20260131-120000-FDFA-784-256-128-10 --seed 2 --safetensors network.safetensors",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string path = arguments.GetRequiredValue(_run);
        string? onnx = arguments.Text(_onnx);
        string? safetensors = arguments.Text(_safetensors);
        if (onnx is null && safetensors is null)
        {
            throw new InvalidOptionException("There is no file to export to; give --onnx, --safetensors or both, each with a file's name.");
        }

        RunRequest request = RunFolder.ReadConfiguration(path).ToRequest();
        ulong seed = ReadSeed(arguments, path, request.Seeds);
        bool isBest = arguments.GetValue(_best);
        NetworkParameters parameters = RunFolder.ReadModel(path, seed, request.Network, isBest);
        using OutputFiles files = OutputFiles.Open(arguments.GetValue(_force), (onnx, _onnx), (safetensors, _safetensors));
        string epoch = isBest ? ", best epoch" : "";
        string what = string.Create(CultureInfo.InvariantCulture, $"{request.Network.Topology} of {path}, seed {seed}{epoch}");
        if (onnx is not null)
        {
            files.Write(onnx, file => OnnxFile.Save(file, request.Network, parameters, new Dictionary<string, string>
            {
                ["rule"] = request.Options.Rule.Name,
                ["seed"] = seed.ToString(CultureInfo.InvariantCulture),
                ["data"] = request.DataName,
            }));
            string shape = request.Network.InputShape is { } image
                ? string.Create(CultureInfo.InvariantCulture, $"{image.Channels}, {image.Height}, {image.Width}")
                : string.Create(CultureInfo.InvariantCulture, $"{request.Network.InputSize}");
            output.Line($"{onnx} is {what}, as ONNX");
            output.Line(
                $"Its input is float[batch, {shape}], a pixel p of 0 to 255 being p*2/255 - 1; "
                + $"its output float[batch, {request.Network.OutputSize}], before any softmax.");
        }

        if (safetensors is not null)
        {
            files.Write(safetensors, file => StateDict.Save(file, request.Network, parameters));
            output.Line($"{safetensors} is {what}, as PyTorch's state_dict of");
            output.Line(StateDict.ModuleCode(request.Network));
            output.Line("Its inputs are pixels p of 0 to 255 as p*2/255 - 1, and not ToTensor's 0 to 1; torchvision makes them with");
            output.Line(StateDict.PreprocessingCode(request.Network, DataSource.ShapeOf(request.DataName)));
        }

        return ExitCode.Success;
    }

    private ulong ReadSeed(ParseResult arguments, string path, IReadOnlyList<ulong> seeds)
    {
        string all = string.Join(", ", seeds);
        return arguments.Seed(_seed) is { } seed
            ? seeds.Contains(seed)
                ? seed
                : throw new InvalidOptionException($"The run '{path}' has no seed {seed}; give --seed one of {all}.")
            : seeds.Count == 1 ? seeds[0]
            : throw new InvalidOptionException($"The run '{path}' has the seeds {all}; choose one with --seed.");
    }
}
