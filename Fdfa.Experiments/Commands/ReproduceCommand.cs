using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa reproduce TABLE</c>: the paper's tables, beside the paper's figures.</summary>
internal sealed class ReproduceCommand : Command, IFdfaCommand
{
    /// <summary>Creates the command and one beneath it per table.</summary>
    /// <param name="tables">The tables that are trained.</param>
    public ReproduceCommand(IReadOnlyList<AccuracyTable> tables)
        : base(
            "reproduce",
            "Reproduces a table of the paper and prints it beside the paper's figures. Interrupted, the same command goes on after the last finished run.")
    {
        // Without an action of its own System.CommandLine would refuse it in its own words.
        SetAction(_ => { });
        foreach (AccuracyTable table in tables)
        {
            Subcommands.Add(new AccuracyTableCommand(table));
        }

        Subcommands.Add(new TableB5Command());
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa reproduce table1 --quick", "fdfa reproduce table1 --help"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation) => throw new InvalidOptionException(
        $"'fdfa reproduce' needs the name of a table: {string.Join(", ", Subcommands.Select(table => table.Name))}; see 'fdfa reproduce --help'.");
}
