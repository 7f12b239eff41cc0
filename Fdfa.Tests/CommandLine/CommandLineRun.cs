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

    /// <summary>It was done without a word on standard error, and standard output has all these.</summary>
    public CommandLineRun AssertDone(params string[] words)
    {
        Assert.Equal(("", 0), (Error, ExitCode));
        Assert.All(words, word => Assert.Contains(word, Output, StringComparison.Ordinal));
        return this;
    }

    /// <summary>It was refused in one sentence, which has all these.</summary>
    public CommandLineRun AssertRefused(params string[] words)
    {
        Assert.All(words, word => Assert.Contains(word, Error, StringComparison.Ordinal));
        Assert.StartsWith("fdfa: ", Assert.Single(Error.TrimEnd().ReplaceLineEndings("\n").Split('\n')), StringComparison.Ordinal);
        Assert.Equal(2, ExitCode);
        return this;
    }

    /// <summary>It was refused with this and nothing else on standard error.</summary>
    public CommandLineRun AssertRefusedAs(string message)
    {
        Assert.Equal((message, 2), (Error.Trim(), ExitCode));
        return this;
    }

    /// <summary>What a command writes, given made-up results.</summary>
    public static string Written(Action<ConsoleOutput> write, int width = Width)
    {
        using var output = new StringWriter();
        write(new ConsoleOutput(ProcessConsole.CreatePlain(output, width), TextWriter.Null, verbose: false));
        return output.ToString();
    }
}
