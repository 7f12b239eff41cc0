using System.CommandLine;
using Fdfa.Experiments.Figures;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Reproduction;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa reproduce all</c>: every table and figure, and one HTML report.</summary>
internal sealed class ReproduceAllCommand : Command, IFdfaCommand
{
    private readonly Option<bool> _quick = OptionText.CreateSwitch(
        "--quick",
        "A first impression in some ten minutes on two cores: on the embedded images and in small, one seed; "
        + "without Table 3, whose data sets do not come along.");

    private readonly Option<string> _dataDirectory = OptionText.Create(
        "--data-dir", "folder", "Folder that holds the data sets, each in a folder of its name. [default: as for 'fdfa train']");

    private readonly Option<bool> _download = OptionText.CreateSwitch("--download", "Download the data sets that are not on this machine.");

    private readonly Option<string> _limit = OptionText.Create(
        "--limit", "count",
        "Train the networks of the tables, and so of Figure 3, on the first samples of a data set only, where it has more. [default: all]");

    private readonly Option<string> _device = CommonOptions.Device();

    private readonly Option<string> _output = OptionText.Create(
        "--output", "folder",
        $"Folder for the report, the files of every table and figure, and their runs. [default: {AccuracyTableCommand.DefaultOutput}]");

    private readonly Option<bool> _quiet = OptionText.CreateSwitch("--quiet", "Print nothing but the results: no progress.");

    /// <summary>Creates the command.</summary>
    public ReproduceAllCommand()
        : base(
            "all",
            "Every table and figure of the paper, and one HTML report with all of them beside the paper's numbers. "
            + "Without --quick that is the paper's scale: days on a GPU.")
    {
        foreach (Option option in new Option[]
        {
            _quick, _dataDirectory, _download, _limit, _device, OptionText.CreateUncheckedDevice(), _output, _quiet,
        })
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa reproduce all --quick", "fdfa reproduce all --download"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        ExperimentRequest request = FigureCommand.Request(
            arguments, _quick, epochs: null, _device, _output, _dataDirectory, _download, _quiet) with
        {
            Limit = arguments.WholeNumber(_limit),
        };
        using (RunStore.Open(request.Output))
        {
            // Proved writable before anything costly begins.
        }

        var paper = new WholePaper(
            new ExperimentRun(request, output, cancellation),
            (experiment, result) => FigureCommand.Write(output, experiment, result));
        string[] options =
        [
            .. request.Quick ? new[] { "--quick" } : [],
            .. request.DataDirectory is { } folder ? new[] { $"--data-dir {folder}" } : [],
            .. request.Limit is { } limit ? new[] { $"--limit {ConsoleOutput.Plain(limit)}" } : [],
        ];
        IReadOnlyList<ReportSection> sections = paper.Reproduce(string.Join(' ', options.Prepend("fdfa reproduce all")));
        Claim[] claims = [.. sections.SelectMany(section => section.Claims)];
        output.Line("");
        output.Line(
            $"{claims.Count(claim => claim.Holds)} of {ConsoleOutput.Count(claims.Length, "statement")} agree. "
            + $"The report is {paper.Path}.");
        return sections.Any(section => section.Problem is not null) ? ExitCode.BadInput : ExitCode.Success;
    }
}
