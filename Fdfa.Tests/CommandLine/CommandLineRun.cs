using Fdfa.Experiments;
using Fdfa.Experiments.Output;

namespace Fdfa.Tests.CommandLine;

/// <summary>One run of the whole command line in this process, with its output in strings.</summary>
/// <param name="ExitCode">What the process would return.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CommandLineRun(int ExitCode, string Output, string Error)
{
    /// <summary>The width of every snapshot.</summary>
    public const int Width = 100;

    /// <summary>Options for the smallest training that shows everything.</summary>
    public static IReadOnlyList<string> Tiny { get; } = TinyOf(epochs: 1);

    /// <summary>The same with more epochs.</summary>
    public static IReadOnlyList<string> TinyOf(int epochs) =>
        ["--limit", "64", "--epochs", $"{epochs}", "--network", "784-8-10", "--batch-size", "16", "--device", "cpu"];

    public static CommandLineRun Of(params string[] arguments) => Of(CancellationToken.None, arguments);

    public static CommandLineRun Of(CancellationToken cancellation, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = FdfaCommandLine.Run(arguments, ProcessConsole.CreatePlain(output, Width), error, cancellation);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>What a command writes, given made-up results.</summary>
    public static string Written(Action<ConsoleOutput> write, int width = Width)
    {
        using var output = new StringWriter();
        write(new ConsoleOutput(ProcessConsole.CreatePlain(output, width), TextWriter.Null, verbose: false));
        return output.ToString();
    }
}
