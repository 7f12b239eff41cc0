using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>A run for tests that only read it.</summary>
public sealed class FinishedRun : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public FinishedRun() => Assert.Equal(0, CommandLineRun.Of(["train", .. CommandLineRun.Tiny, "--quiet", "--output", Path]).ExitCode);

    /// <summary>Its folder.</summary>
    public string Path => _temporary.File("run");

    public void Dispose() => _temporary.Dispose();

    /// <summary>A command line as a table of tests has it, with this run's folder for "{run}".</summary>
    public string[] Arguments(string command, params string[] further) =>
        [.. command.Replace("{run}", Path, StringComparison.Ordinal).Split(' '), .. further];
}
