using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Figures;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Reproduction;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary>A figure, or a table that is measured like one, beneath <c>fdfa reproduce</c>.</summary>
internal sealed class FigureCommand : Command, IFdfaCommand
{
    private readonly Experiment _experiment;
    private readonly Option<bool> _quick;
    private readonly Option<string>? _epochs;
    private readonly Option<string>? _device;

    private readonly Option<string> _dataDirectory = OptionText.Create(
        "--data-dir", "folder", "Folder that holds the data set. [default: as for 'fdfa train']");

    private readonly Option<bool> _download = OptionText.CreateSwitch("--download", "Download the data set if it is not on this machine.");

    private readonly Option<string> _output = OptionText.Create(
        "--output", "folder",
        "Folder for the files, and for the runs of a figure that trains as the tables do. "
        + $"[default: {AccuracyTableCommand.DefaultOutput}]");

    private readonly Option<bool> _quiet = OptionText.CreateSwitch("--quiet", "Print nothing but the result: no progress.");

    /// <summary>Creates the command.</summary>
    public FigureCommand(Experiment experiment)
        : base(experiment.Name, $"{experiment.Title}. {experiment.Paper}")
    {
        _experiment = experiment;
        _quick = OptionText.CreateSwitch("--quick", $"A first impression in a minute or two: {experiment.Quick}.");
        if (experiment.Epochs is { } epochs)
        {
            _epochs = OptionText.Create(
                "--epochs", "count",
                $"Passes over the training data. [default: the paper's {ConsoleOutput.Plain(epochs)}, "
                + $"with --quick {ConsoleOutput.Plain(experiment.QuickEpochs)}]");
            _device = CommonOptions.Device();
        }

        foreach (Option? option in new Option?[]
        {
            _quick, _epochs, _dataDirectory, _download, _device, _device is null ? null : OptionText.CreateUncheckedDevice(),
            _output, _quiet,
        })
        {
            if (option is not null)
            {
                Options.Add(option);
            }
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples => [$"fdfa reproduce {Name} --quick", $"fdfa reproduce {Name} --download"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        ExperimentRequest request = Request(arguments, _quick, _epochs, _device, _output, _dataDirectory, _download, _quiet);
        using (RunStore.Open(request.Output))
        {
            // Proved writable before anything costly begins. A figure that trains opens the store itself.
        }

        using ExperimentResult result = _experiment.Reproduce(new ExperimentRun(request, output, cancellation));
        using RunStore store = RunStore.Open(request.Output);
        string files = ExperimentFiles.Write(store, _experiment, request.Quick, result);
        Write(output, _experiment, result);
        output.Line($"Files: {files}");
        return ExitCode.Success;
    }

    /// <summary>Writes what an experiment came to.</summary>
    public static void Write(ConsoleOutput output, Experiment experiment, ExperimentResult result)
    {
        if (result.Table is { } table)
        {
            Table rows = ConsoleOutput.CreateTable(
                experiment.Title,
                [.. table.Headings.Select((heading, column) => column < table.TextColumns ? heading : ConsoleOutput.Number(heading))]);
            foreach (IReadOnlyList<string> row in table.Rows)
            {
                rows.AddRow(row.Select(cell => new Text(cell)));
            }

            output.Table(rows);
        }
        else
        {
            output.Line(experiment.Title);
        }

        foreach (string sentence in result.Caption)
        {
            output.Line(sentence);
        }

        foreach (Claim claim in result.Claims)
        {
            output.Line(claim.ToString());
        }
    }

    /// <summary>What the options ask for; a figure and all of them have the same.</summary>
    /// <exception cref="InvalidOptionException">Two that exclude each other, or a value that cannot be worked with.</exception>
    public static ExperimentRequest Request(
        ParseResult arguments,
        Option<bool> quickOption,
        Option<string>? epochs,
        Option<string>? device,
        Option<string> output,
        Option<string> dataDirectoryOption,
        Option<bool> downloadOption,
        Option<bool> quiet)
    {
        bool quick = arguments.GetValue(quickOption);
        bool download = arguments.GetValue(downloadOption);
        string? dataDirectory = arguments.Text(dataDirectoryOption);
        if (download && dataDirectory is not null)
        {
            throw new InvalidOptionException(
                "The options --download and --data-dir exclude each other: downloads go to the cache folder; leave one of them out.");
        }

        if (quick && (download || dataDirectory is not null))
        {
            throw new InvalidOptionException(
                $"The option {(download ? downloadOption.Name : dataDirectoryOption.Name)} means nothing with --quick, "
                + "which takes the embedded images; leave one of them out.");
        }

        return new ExperimentRequest(
            quick,
            epochs is null ? null : arguments.WholeNumber(epochs),
            device is null ? "cpu" : arguments.Device(device),
            arguments.Text(output) ?? AccuracyTableCommand.DefaultOutput,
            dataDirectory,
            download,
            arguments.GetValue(quiet));
    }
}
