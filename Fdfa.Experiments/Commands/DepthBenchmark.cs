using System.CommandLine;
using System.Globalization;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using ScottPlot;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary>
/// <c>fdfa bench --depths</c>: what is left of a step once the output error is there, by depth: FDFA's updates beside BP's chain and
/// updates.
/// </summary>
internal sealed class DepthBenchmark
{
    private const int MostBlocks = 256;
    private const string FileName = "update-phase";

    private readonly Option<string> _depths = OptionText.Create(
        "--depths", "counts",
        "Time nothing but the update phase, FDFA's beside BP's, at these numbers of layers with commas between, as in 2,4,8,16,32; "
        + "hidden layers are as wide as the first of --network.");

    private readonly Option<string> _output = OptionText.Create(
        "--output", "folder", $"With --depths: the folder for {FileName}.csv, .png and .svg. [default: none; the table is printed only]");

    /// <summary>The rules that are compared.</summary>
    public static IReadOnlyList<LearningRule> Rules { get; } = [LearningRule.ForwardDirectFeedbackAlignment, LearningRule.Backpropagation];

    /// <summary>The options, for the command to have.</summary>
    public IReadOnlyList<Option> All => [_depths, _output];

    /// <summary>Whether this is what the command line asks for.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="others">Options that mean nothing here.</param>
    /// <exception cref="InvalidOptionException">It is asked for with one of them, or only half.</exception>
    public bool IsAsked(ParseResult arguments, params IEnumerable<Option> others)
    {
        bool isAsked = arguments.IsGiven(_depths);
        string? stranger = isAsked
            ? others.FirstOrDefault(arguments.IsGiven)?.Name
            : arguments.IsGiven(_output) ? _output.Name : null;
        return stranger is null ? isAsked : throw new InvalidOptionException(isAsked
            ? $"The option {stranger} means nothing together with --depths, which times one seed of FDFA and of BP and prints a table; "
                + "leave one of them out."
            : $"The option {stranger} is for the files of --depths; give --depths, such as --depths 2,4,8,16,32, or leave it out.");
    }

    /// <summary>Times the update phases, prints them and writes them.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="network">Input, width and output.</param>
    /// <param name="optionsOf">A rule's options.</param>
    /// <param name="selector">The device.</param>
    /// <param name="replaces">Whether files that are there already may be replaced.</param>
    /// <param name="output">Where to print.</param>
    /// <param name="cancellation">Ends it early.</param>
    public int Run(
        ParseResult arguments,
        NetworkDescription network,
        Func<LearningRule, TrainingOptions> optionsOf,
        string selector,
        bool replaces,
        ConsoleOutput output,
        CancellationToken cancellation)
    {
        NetworkDescription[] networks = [.. ReadDepths(arguments).Select(depth => Deepen(network, depth))];
        string? path = arguments.Text(_output) is { } folder ? Path.Combine(folder, FileName) : null;
        string[] endings = path is null ? [] : [".csv", ".png", ".svg"];
        using OutputFiles files = OutputFiles.Open(replaces, [.. endings.Select(ending => (path + ending, _output))]);
        using ComputeDevice device = ComputeDevice.Open(selector);
        string heading =
            $"Update phase by depth: {network.InputSize}-{network.Blocks[0].Outputs}-…-{network.OutputSize}, "
            + $"batch {optionsOf(Rules[0]).BatchSize}, {device.Info.Name}";
        IReadOnlyList<UpdatePhase> phases = output.IsLive
            ? output.Console.Status().Start("measuring", status => Measure(text => status.Status(text)))
            : Measure(_ => { });
        Write(output, heading, phases);
        if (path is not null)
        {
            using PlotSheet? picture = PlotLibrary.Draw(() => Draw(heading, phases));
            files.Write(path + ".csv", Encoding.UTF8.GetBytes(ToCsv(phases)));
            picture?.Write((ending, bytes) => files.Write(path + ending, bytes));
            output.Line($"Written: {path}.csv{(picture is null ? "" : ", .png and .svg")}");
        }

        return ExitCode.Success;

        IReadOnlyList<UpdatePhase> Measure(Action<string> tell) =>
        [
            .. from deep in networks
               from rule in Rules
               select Time(deep, rule, tell),
        ];

        UpdatePhase Time(NetworkDescription deep, LearningRule rule, Action<string> tell)
        {
            tell($"{rule.Name}, {ConsoleOutput.Count(deep.Blocks.Count, "layer")}");
            return UpdatePhaseBenchmark.Run(device, deep, optionsOf(rule), cancellation: cancellation);
        }
    }

    /// <summary>Writes the table.</summary>
    public static void Write(ConsoleOutput output, string heading, IReadOnlyList<UpdatePhase> phases)
    {
        Table table = ConsoleOutput.CreateTable(
            heading,
            [
                ConsoleOutput.Number("Layers"),
                .. Columns("one device"), .. Columns("launches"), .. Columns("longest chain"), .. Columns("time of that chain"),
            ]);
        foreach (IGrouping<int, UpdatePhase> depth in phases.GroupBy(phase => phase.Blocks))
        {
            UpdatePhase[] rules = [.. depth];
            string[] cells =
            [
                ConsoleOutput.Plain(depth.Key),
                .. rules.Select(phase => ConsoleOutput.Duration(phase.Seconds)),
                .. rules.Select(phase => ConsoleOutput.Plain(phase.Launches)),
                .. rules.Select(phase => ConsoleOutput.Plain(phase.PathLaunches)),
                .. rules.Select(phase => ConsoleOutput.Duration(phase.PathSeconds)),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        output.Table(table);
        output.Line(
            "Update phase: what is left of a training step once the output error is known. "
            + "With BP that is the backward chain, then the updates; with FDFA only the updates, which need nothing of each other.");
        output.Line(
            "One device: medians, its launches one after the other. Longest chain: launches that must wait for one another, which is what "
            + "remains if there is a device for every block; "
            + "its time is that of its launches, each by itself, without what crosses between devices.");

        static IEnumerable<string> Columns(string what) => Rules.Select(rule => ConsoleOutput.Number($"{rule.Name}: {what}"));
    }

    /// <summary>The text of the CSV file: a row per depth and rule.</summary>
    public static string ToCsv(IReadOnlyList<UpdatePhase> phases)
    {
        var text = new StringBuilder("layers,rule,seconds_one_device,launches,longest_chain_launches,longest_chain_seconds\n");
        foreach (UpdatePhase phase in phases)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{phase.Blocks},{phase.Rule},{phase.Seconds:R},{phase.Launches},{phase.PathLaunches},{phase.PathSeconds:R}\n");
        }

        return text.ToString();
    }

    /// <summary>Both times over depth, side by side.</summary>
    public static PlotSheet Draw(string title, IReadOnlyList<UpdatePhase> phases)
    {
        return new PlotSheet(
            title,
            columns: 2,
            [
                Panel("On one device", phase => phase.Seconds),
                Panel("With a device for every block: the longest chain", phase => phase.PathSeconds),
            ]);

        Plot Panel(string heading, Func<UpdatePhase, double> seconds)
        {
            const double Milliseconds = 1e3;
            Plot plot = PlotPanel.Create(heading, "Layers", "Update phase (ms)");
            for (var index = 0; index < Rules.Count; index++)
            {
                UpdatePhase[] ofRule = [.. phases.Where(phase => phase.Rule == Rules[index].Name)];
                double[] depths = [.. ofRule.Select(phase => (double)phase.Blocks)];
                double[] times = [.. ofRule.Select(phase => Milliseconds * seconds(phase))];
                LogAxes.AddLine(plot, depths, times, PlotPanel.Palette[index], width: 2, legend: null);
                LogAxes.AddPoints(
                    plot, depths, times, PlotPanel.Palette[index], index == 0 ? MarkerShape.FilledCircle : MarkerShape.OpenCircle,
                    Rules[index].Name);
            }

            LogAxes.Finish(plot, Alignment.UpperLeft);
            return plot;
        }
    }

    private IReadOnlyList<int> ReadDepths(ParseResult arguments) => [.. arguments.List(_depths, word =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int depth) && depth is >= 1 and <= MostBlocks
            ? depth
            : throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"The value '{word}' of --depths is not a number of layers from 1 to {MostBlocks}.")))!.Order()];

    private static NetworkDescription Deepen(NetworkDescription network, int depth) =>
        network.Blocks.Count > 1 && network.Blocks.All(block => block is DenseBlock { HasBatchNormalization: false })
            ? Topology.Parse(
                string.Join('-', [network.InputSize, .. Enumerable.Repeat(network.Blocks[0].Outputs, depth - 1), network.OutputSize]),
                network.HiddenActivation)
            : throw new InvalidOptionException(
                "The option --depths repeats the first hidden layer of a dense network without batch normalization, "
                + $"and {network.Topology} is not one; give a --network such as 784-800-10.");
}
