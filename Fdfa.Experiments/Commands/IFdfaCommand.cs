using System.CommandLine;
using Fdfa.Experiments.Output;

namespace Fdfa.Experiments.Commands;

/// <summary>A command that can run; its options and help text are those of its <see cref="Command"/>.</summary>
internal interface IFdfaCommand
{
    /// <summary>Command lines for the end of the help page.</summary>
    IReadOnlyList<string> Examples { get; }

    /// <summary>Runs the command.</summary>
    /// <param name="arguments">The parsed command line, free of parse errors.</param>
    /// <param name="output">Where to write.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation);
}
