using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa compare RUN…</c>: results, configurations and curves of several runs side by side.</summary>
internal sealed class CompareCommand : Command, IFdfaCommand
{
    /// <summary>More curves than this cannot be told apart on one picture.</summary>
    private const int MostRuns = 20;

    private readonly Argument<string[]> _runs = new("RUN")
    {
        Description = $"The folders of 2 to {MostRuns} runs, finished or still training; "
            + "a folder that holds runs, such as a sweep's, stands for all of them.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _output = OptionText.Create(
        "--output", "folder", "Folder for curves.png and curves.svg; new or empty. [default: runs/<time>-comparison]");

    /// <summary>Creates the command.</summary>
    public CompareCommand()
        : base(
            "compare",
            "Shows the results of several runs side by side and what their configurations differ in, "
            + "and draws their curves on one picture.")
    {
        Arguments.Add(_runs);
        Options.Add(_output);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa compare runs/first-look/FDFA runs/first-look/BP", "fdfa compare runs/sweep"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string[] given = arguments.GetRequiredValue(_runs);
        string[] paths =
            [.. given.SelectMany(path => !RunFolder.Is(path) && RunFolder.RunsIn(path) is { Count: > 0 } runs ? runs : [path])];
        if (paths.Length is < 2 or > MostRuns)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"'fdfa compare' takes 2 to {MostRuns} run folders, and {paths.Length} {(paths.Length == 1 ? "is" : "are")} given; "
                + $"{(paths.Length == 1 ? "'fdfa evaluate' shows one" : "name those to compare, as in runs/sweep/FDFA*")}."));
        }

        if (paths.GroupBy(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))
            .FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new InvalidOptionException($"The run folder '{twice.First()}' is given {twice.Count()} times; give it once.");
        }

        var comparison = new RunComparison([.. paths.Select(ComparedRun.Read)]);
        using RunFolder folder = RunFolder.Create(
            arguments.Text(_output), RunFolder.DefaultPath("comparison", DateTime.Now), output.Verbose);
        Write(output, comparison);
        if (comparison.Runs.All(run => run.Rows.Count == 0))
        {
            output.Line("None of these runs has finished an epoch yet: there are no curves to draw.");
            return ExitCode.Success;
        }

        folder.WriteCurves(comparison.Curves);
        output.Line($"Curves of all runs are in {Path.Combine(folder.Path, "curves.png")} and curves.svg");
        return ExitCode.Success;
    }

    /// <summary>Writes both tables.</summary>
    public static void Write(ConsoleOutput output, RunComparison comparison)
    {
        IReadOnlyList<int>? ranking = comparison.Ranking;
        bool hasValidation = comparison.Runs.Any(run => run.ValidationAccuracy is not null);
        string[] validation = hasValidation ? ["Validation accuracy"] : [];
        string[] numbers = ["Epochs", "Seeds", .. validation, "Test accuracy", "Test loss", "Training accuracy", "Time per epoch"];
        Table results = ConsoleOutput.CreateTable(
            "Results after the last epoch, mean ± standard deviation over seeds", ["Run", .. numbers.Select(ConsoleOutput.Number)]);
        foreach (int index in ranking ?? [.. Enumerable.Range(0, comparison.Runs.Count)])
        {
            bool showsTest = ranking is null || ranking[0] == index;
            AddResult(results, comparison.Names[index], comparison.Runs[index], hasValidation, showsTest);
        }

        output.Table(results);
        if (hasValidation)
        {
            output.Line(ranking is null
                ? "Some of these runs have no validation part, so they are not ranked."
                : "Ranked by validation accuracy; the test set is shown for the best alone.");
        }

        for (var index = 0; index < comparison.Runs.Count; index++)
        {
            output.Line(string.Create(CultureInfo.InvariantCulture, $"{index + 1}: {comparison.Runs[index].Path}"));
        }

        output.Line();
        if (comparison.Differences.Count == 0)
        {
            output.Line("Their configurations do not differ.");
            return;
        }

        Table settings = ConsoleOutput.CreateTable(
            "What their configurations differ in",
            ["", .. comparison.Runs.Select((_, index) => (index + 1).ToString(CultureInfo.InvariantCulture))]);
        foreach (SettingDifference setting in comparison.Differences)
        {
            settings.AddRow([new Text(setting.Label), .. setting.Values.Select(value => new Text(value ?? "–"))]);
        }

        output.Table(settings);
    }

    private static void AddResult(Table table, string name, ComparedRun run, bool hasValidation, bool showsTest)
    {
        MetricsRow[] last = [.. MetricsTable.LastEpoch(run.Rows)];
        string done = string.Create(
            CultureInfo.InvariantCulture, $"{last.Select(row => row.Epoch).FirstOrDefault()} of {run.Configuration.Epochs}");
        string[] validation = hasValidation ? [run.ValidationAccuracy?.Percent ?? "–"] : [];
        string[] cells = last.Length == 0
            ? [done, ConsoleOutput.Plain(run.Configuration.Seeds.Count), .. validation, "–", "–", "–", "–"]
            :
            [
                done,
                ConsoleOutput.Plain(last.Length),
                .. validation,
                showsTest ? SeedSpread.Of(last.Select(row => row.TestAccuracy)).Percent : "",
                showsTest ? SeedSpread.Of(last.Select(row => row.TestLoss)).Loss : "",
                SeedSpread.Of(last.Select(row => row.TrainingAccuracy)).Percent,
                ConsoleOutput.Duration(run.Rows.Select(row => (row.Epoch, row.Seconds)).Distinct().Average(epoch => epoch.Seconds)),
            ];
        table.AddRow([new Text(name), .. cells.Select(cell => new Text(cell))]);
    }
}
