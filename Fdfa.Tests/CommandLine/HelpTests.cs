namespace Fdfa.Tests.CommandLine;

public sealed class HelpTests
{
    [SkippableTheory]
    [InlineData("")]
    [InlineData("train")]
    [InlineData("reproduce")]
    [InlineData("reproduce table1")]
    [InlineData("reproduce table2")]
    [InlineData("reproduce table3")]
    [InlineData("reproduce tableB6")]
    [InlineData("reproduce tableB5")]
    [InlineData("reproduce fig4")]
    [InlineData("reproduce fig7")]
    [InlineData("reproduce all")]
    [InlineData("evaluate")]
    [InlineData("watch")]
    [InlineData("compare")]
    [InlineData("export")]
    [InlineData("import")]
    [InlineData("devices")]
    [InlineData("check")]
    [InlineData("bench")]
    [InlineData("plan")]
    [InlineData("kernels")]
    public void The_help_of_a_command_is_as_it_was_read(string command)
    {
        string[] arguments = command.Length == 0 ? ["--help"] : [.. command.Split(' '), "--help"];

        CommandLineRun run = CommandLineRun.Of(arguments);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        Assert.Contains("Example", run.Output, StringComparison.Ordinal);
        Snapshot.Match(run.Output, command.Length == 0 ? "help" : $"help-{command.Replace(' ', '-')}");
    }

    [Fact]
    public void Help_is_given_beside_a_mistake()
    {
        CommandLineRun run = CommandLineRun.Of("train", "--rule", "nonsense", "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_names_what_a_bug_report_needs()
    {
        CommandLineRun run = CommandLineRun.Of("--version");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^fdfa \S+ \(\.NET \S+, ILGPU 1\.5\.3\S*\)\s*$", run.Output);
    }
}
