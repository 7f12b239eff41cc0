using System.CommandLine;
using System.Globalization;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Translation;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa kernels</c>: what a GPU's driver is given for a network and a rule; no GPU is needed.</summary>
internal sealed class KernelsCommand : Command, IFdfaCommand
{
    private enum Target
    {
        Ptx,
        PtxOnTensorCores,
        OpenCl,
    }

    private const string DefaultNetwork = "784-800-800-800-10";
    private const string Nothing = "–";

    private const int MultiprocessorsOfAnH100 = 132;

    private static readonly OptionWords<Target> s_targets = new(
        "target", ("ptx", Target.Ptx), ("ptx+tf32", Target.PtxOnTensorCores), ("opencl", Target.OpenCl));

    private readonly Option<string> _rule = OptionText.Create(
        "--rule", "name", $"Learning rule: {CommonOptions.RuleNames}. [default: FDFA]");

    private readonly NetworkOptions _network = new(DefaultNetwork);

    private readonly Option<string> _preset = OptionText.Create(
        "--preset", "name", "Whose optimizers and activation: paper or published-code. [default: paper]");

    private readonly Option<string> _target = OptionText.Create(
        "--target", "language",
        $"What to translate to: {s_targets.Listed}. ptx is for CUDA, ptx+tf32 for its tensor cores. [default: ptx]");

    private readonly Option<string> _multiprocessors = OptionText.Create(
        "--multiprocessors", "number",
        $"Those of the GPU, which has larger tiles where they fill it. [default: {MultiprocessorsOfAnH100}, an H100's]");

    private readonly Option<string> _output = OptionText.Create(
        "--output", "file", "Also write the generated code of all these kernels to this file. [default: none]");

    private readonly Option<bool> _force = CommonOptions.Force();

    /// <summary>Creates the command.</summary>
    public KernelsCommand()
        : base("kernels", "Translates the GPU kernels of a training step, without a GPU, and counts what is in them.")
    {
        Option[] options = [_rule, .. _network.All, _preset, _target, _multiprocessors, _output, _force];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa kernels --rule FDFA --network 784-800-10",
        "fdfa kernels --network 15C5-P2-40C5-P2-128-10 --input 1x28x28 --target opencl --output kernels.cl",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        LearningRule rule = LearningRule.Parse(arguments.Text(_rule) ?? "FDFA");
        Preset preset = Preset.Parse(arguments.Text(_preset) ?? Preset.Paper.Name);
        NetworkDescription network = _network.Read(arguments, preset, rule);
        Target target = arguments.OneOf(_target, s_targets) ?? Target.Ptx;
        int multiprocessors = arguments.WholeNumber(_multiprocessors) ?? MultiprocessorsOfAnH100;
        string? path = arguments.Text(_output);
        using OutputFiles files = OutputFiles.Open(arguments.GetValue(_force), (path, _output));
        IReadOnlyList<GeneratedKernel> kernels = GeneratedKernel.Of(
            network,
            preset.OptionsOn(network, rule),
            target == Target.OpenCl ? DeviceKind.OpenCl : DeviceKind.Cuda,
            multiprocessors,
            isOnTensorCores: target == Target.PtxOnTensorCores);
        if (path is not null)
        {
            files.Write(path, Encoding.UTF8.GetBytes(string.Concat(kernels.Select(kernel => $"// {kernel.Name}\n{kernel.Code}\n"))));
        }

        Write(
            output,
            $"Kernels of {network.Topology} with {rule.Name}, in {(target == Target.OpenCl ? "OpenCL C" : "PTX")}: {kernels[0].Tiles}",
            kernels);
        if (path is not null)
        {
            output.Line($"The generated code is in {path}.");
        }

        return ExitCode.Success;
    }

    /// <summary>Writes the table.</summary>
    public static void Write(ConsoleOutput output, string heading, IReadOnlyList<GeneratedKernel> kernels)
    {
        Table table = ConsoleOutput.CreateTable(
            heading,
            "Kernel", ConsoleOutput.Number("Code"), ConsoleOutput.Number("Shared memory"), ConsoleOutput.Number("flop"),
            ConsoleOutput.Number("Shared bytes"), ConsoleOutput.Number("Global bytes"), ConsoleOutput.Number("flop per byte"));
        table.Columns[0].NoWrap();
        foreach (GeneratedKernel kernel in kernels)
        {
            string[] cells =
            [
                kernel.Name,
                Count(kernel.Instructions),
                Count(kernel.SharedBytes),
                Count(kernel.Busiest?.Operations ?? 0),
                Count(kernel.Busiest?.SharedBytes ?? 0),
                Count(kernel.Busiest?.GlobalBytes ?? 0),
                kernel.Busiest is { } loop && double.IsFinite(loop.OperationsPerByte)
                    ? loop.OperationsPerByte.ToString("F2", CultureInfo.InvariantCulture)
                    : Nothing,
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        output.Table(table);
        output.Line("Code: instructions of the whole kernel, before the driver's own compiler. Shared memory: bytes that a group shares.");
        output.Line(
            "Right of that, of one round in one thread: the loop that multiplies staged tiles, "
            + "or where there is none the one that computes most.");
    }

    private static string Count(int number) => number == 0 ? Nothing : number.ToString(CultureInfo.InvariantCulture);
}
