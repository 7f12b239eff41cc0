using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Figures;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa reproduce NAME</c>: the paper's tables beside its numbers, and its figures.</summary>
internal sealed class ReproduceCommand : Command, IFdfaCommand
{
    /// <summary>Creates the command and one beneath it per table and figure.</summary>
    /// <param name="tables">The tables that are trained.</param>
    public ReproduceCommand(IReadOnlyList<AccuracyTable> tables)
        : base(
            "reproduce",
            "Reproduces a table of the paper beside its numbers, or a figure, and says whether they agree. "
            + "Interrupted, the same command goes on after the last finished run.")
    {
        // Without an action of its own System.CommandLine would refuse it in its own words.
        SetAction(_ => { });
        foreach (AccuracyTable table in tables)
        {
            Subcommands.Add(new AccuracyTableCommand(table));
        }

        Subcommands.Add(new TableB5Command());
        foreach (Experiment experiment in Experiment.All)
        {
            Subcommands.Add(new FigureCommand(experiment));
        }

        Subcommands.Add(new ReproduceAllCommand());
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } =
        ["fdfa reproduce table1 --quick", "fdfa reproduce fig4 --quick", "fdfa reproduce all --quick", "fdfa reproduce table1 --help"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation) => throw new InvalidOptionException(
        $"'fdfa reproduce' needs the name of a table or figure: {string.Join(", ", Subcommands.Select(one => one.Name))}; "
        + "see 'fdfa reproduce --help'.");
}
