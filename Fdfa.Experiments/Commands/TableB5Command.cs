using System.CommandLine;
using System.Globalization;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa reproduce tableB5</c>: sizes of the fully connected networks; nothing is trained.</summary>
internal sealed class TableB5Command : Command, IFdfaCommand
{
    /// <summary>Creates the command.</summary>
    public TableB5Command()
        : base("tableB5", $"{TableB5.Title}. Counts, and trains nothing.")
    {
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa reproduce tableB5"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        Table table = ConsoleOutput.CreateTable(
            TableB5.Title,
            "Depth", "Data set", "Network", ConsoleOutput.Number("Neurons"), ConsoleOutput.Number("Paper"),
            ConsoleOutput.Number("Parameters"), ConsoleOutput.Number("Paper"), "Result");
        foreach (TableB5.Row row in TableB5.Rows)
        {
            table.AddRow(
                new Text(ConsoleOutput.Count(row.Layers, "layer")),
                new Text(row.DataSet),
                new Text(row.Network.Topology),
                new Text(row.Network.NeuronCount.ToString(CultureInfo.InvariantCulture)),
                new Text(row.Neurons),
                new Text(row.Network.ParameterCount.ToString("N0", CultureInfo.InvariantCulture)),
                new Text(row.Parameters),
                row.Agrees
                    ? new Text("agrees", new Style(Color.Green))
                    : new Text("DISAGREES", new Style(Color.Red, decoration: Decoration.Bold)));
        }

        output.Table(table);
        output.Line("A number agrees when, cut to the paper's digits, it is the paper's.");
        return TableB5.Rows.All(row => row.Agrees) ? ExitCode.Success : ExitCode.Failure;
    }
}
