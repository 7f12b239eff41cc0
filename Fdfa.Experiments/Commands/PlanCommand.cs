using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa plan</c>: the device memory that training would take, and whether there is so much.</summary>
internal sealed class PlanCommand : Command, IFdfaCommand
{
    private const string DefaultNetwork = "784-800-800-800-10";
    private const string Nothing = "–";

    private readonly Option<string> _rule = OptionText.Create(
        "--rule", "name", $"Learning rule: {CommonOptions.RuleNames}. [default: FDFA]");

    private readonly NetworkOptions _network = new(DefaultNetwork);

    private readonly Option<string> _preset = OptionText.Create(
        "--preset", "name", "Whose options to count with: paper or published-code. [default: paper]");

    private readonly Option<string> _batchSize = OptionText.Create(
        "--batch-size", "count", "Samples per step. [default: 64, but 128 for alexnet]");

    private readonly Option<string> _seeds = OptionText.Create("--seeds", "count", "Seeds trained in the same launches. [default: 1]");
    private readonly Option<string> _device = CommonOptions.Device();

    /// <summary>Creates the command.</summary>
    public PlanCommand()
        : base(
            "plan",
            "Counts the device memory that training a network takes, block by block, without taking any; "
            + "exit code 1 when the device has less.")
    {
        Option[] options = [_rule, .. _network.All, _preset, _batchSize, _seeds, _device];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
    [
        "fdfa plan --network 784-800-800-10 --rule FDFA --seeds 10",
        "fdfa plan --network alexnet-200 --input 3x224x224 --rule FDFA",
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        LearningRule rule = LearningRule.Parse(arguments.Text(_rule) ?? "FDFA");
        Preset preset = Preset.Parse(arguments.Text(_preset) ?? Preset.Paper.Name);
        NetworkDescription network = _network.Read(arguments, preset, rule);
        TrainingOptions options = preset.OptionsOn(network, rule);
        options = options with
        {
            BatchSize = arguments.WholeNumber(_batchSize, maximum: TrainingOptions.LargestBatch) ?? options.BatchSize,
        };
        int seeds = arguments.WholeNumber(_seeds, maximum: RunRequest.MostSeeds) ?? 1;
        string selector = arguments.Device(_device);
        MemoryPlan plan = Trainer.Plan(network, options, seeds);
        using ComputeDevice device = ComputeDevice.Open(selector);
        string heading =
            $"Device memory of {network.Topology}{(network.InputShape is { } shape ? $" on {shape}" : "")} with {rule.Name}, "
            + $"batch {options.BatchSize}, {ConsoleOutput.Count(seeds, "seed")}";
        return Write(output, heading, plan, device.Info) ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>Writes a plan.</summary>
    /// <returns>Whether it fits.</returns>
    public static bool Write(ConsoleOutput output, string heading, MemoryPlan plan, DeviceInfo device)
    {
        Table table = ConsoleOutput.CreateTable(
            heading,
            "", ConsoleOutput.Number("Parameters"), ConsoleOutput.Number("Optimizer state"), ConsoleOutput.Number("Feedback"),
            ConsoleOutput.Number("Activations"), ConsoleOutput.Number("Total"));
        foreach (BlockMemory block in plan.Blocks)
        {
            AddRow(block.Name, block);
        }

        table.AddEmptyRow();
        AddRow("total", new BlockMemory(
            "total",
            plan.Blocks.Sum(block => block.Parameters),
            plan.Blocks.Sum(block => block.OptimizerState),
            plan.Blocks.Sum(block => block.Feedback),
            plan.Blocks.Sum(block => block.Activations)));
        output.Table(table);
        output.Line(
            "Activations: all that has a value per sample, tangents, perturbations and deltas among it. "
            + "The data set comes on top, with a byte per value.");
        output.Line($"Main memory: {Bytes(plan.HostBytes)} beside it, while parameters are written or read.");
        string? shortage = plan.FindShortage(device);
        output.Line(shortage is null
            ? $"It fits on {device.Selector}, {device.Name}, which has {Bytes(device.MemoryBytes)}."
            : $"It does not fit on {device.Selector}: it needs {shortage}; "
                + $"make a layer or the batch smaller, or train fewer seeds at once: {plan.Largest.Name} takes most.");
        return shortage is null;

        void AddRow(string name, BlockMemory memory)
        {
            string[] cells =
            [
                name, Bytes(memory.Parameters), Bytes(memory.OptimizerState), Bytes(memory.Feedback), Bytes(memory.Activations),
                Bytes(memory.Bytes),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
    }

    private static string Bytes(double bytes) => bytes == 0 ? Nothing : ConsoleOutput.Quantity(bytes, "B");
}
