using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Commands;

/// <summary>A table of test accuracies beneath <c>fdfa reproduce</c>.</summary>
internal sealed class AccuracyTableCommand : Command, IFdfaCommand
{
    /// <summary>Where every table and figure stores its runs, so that they share them.</summary>
    public const string DefaultOutput = "runs/reproduced";

    private readonly AccuracyTable _table;

    private readonly Option<string> _rules = OptionText.Create(
        "--rules", "names", $"Rules, with commas between them: {CommonOptions.RuleNames}. [default: the paper's seven]");

    private readonly Option<string> _data;

    private readonly Option<string> _dataDirectory = OptionText.Create(
        "--data-dir", "folder", "Folder that holds the data sets, each in a folder of its name. [default: as for 'fdfa train']");

    private readonly Option<bool> _download = OptionText.CreateSwitch(
        "--download", "Download the data sets that are not on this machine.");

    private readonly Option<bool> _quick;

    private readonly Option<string> _limit;

    private readonly Option<string> _epochs = OptionText.Create(
        "--epochs", "count", $"Passes over the training data. [default: the paper's {ConsoleOutput.Plain(AccuracyTable.PaperEpochs)}]");

    private readonly Option<string> _seeds = OptionText.Create(
        "--seeds", "count",
        $"Networks per entry, trained in the same launches. [default: the paper's {ConsoleOutput.Plain(AccuracyTable.PaperSeeds)}]");

    private readonly Option<string> _preset = OptionText.Create(
        "--preset", "name",
        "Where every option starts from: published-code, the code that the authors published with the paper, "
        + "or paper, its Appendix A, whose weight noise per sample makes a step of FG-W some 25 times as long. "
        + "Rules that the code does not have are as in paper. [default: published-code]");

    private readonly BatchNormalizationOptions _batchNormalization = new();
    private readonly Option<bool> _noAugmentation = Augmentation.CreateOption();

    private readonly Option<string> _device = CommonOptions.Devices();

    private readonly Option<string> _output = OptionText.Create(
        "--output", "folder",
        "Folder for the table and its runs: configuration, metrics and curves, but no models. "
        + $"A run that is finished there is not trained again, whichever table asked for it. [default: {DefaultOutput}]");

    private readonly Option<bool> _quiet = OptionText.CreateSwitch("--quiet", "Print nothing but the table: no progress.");

    /// <summary>Creates the command.</summary>
    public AccuracyTableCommand(AccuracyTable table)
        : base(
            table.Name,
            $"{table.Title}. Trains what is not stored yet, and writes the table as Markdown and CSV after every run.")
    {
        _table = table;
        _data = OptionText.Create(
            "--data", "names",
            $"Data sets, with commas between them: {string.Join(", ", Known)}. "
            + $"[default: {string.Join(", ", Known.Where(name => name != EmbeddedFashionMnist.Name))}]");
        _quick = OptionText.CreateSwitch("--quick", DescribeQuick(table));
        string quickLimit = table.Quick.Limit is { } limit ? $", with --quick {ConsoleOutput.Plain(limit)}" : "";
        _limit = OptionText.Create(
            "--limit", "count",
            $"Train on the first samples of a data set only, where it has more; the test set stays whole. [default: all{quickLimit}]");
        Option[] options =
        [
            _rules, _data, _dataDirectory, _download, _quick, _epochs, _seeds, _limit, _preset, .. _batchNormalization.All,
            .. _table.HasAugmentation ? new[] { _noAugmentation } : [], _device, OptionText.CreateUncheckedDevice(), _output, _quiet,
        ];
        foreach (Option option in options)
        {
            Options.Add(option);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        $"fdfa reproduce {Name} --quick",
        $"fdfa reproduce {Name} --rules BP,DFA,FDFA --data {_table.Columns[0].DataSet} --download",
    ];

    private string[] Known =>
    [
        .. _table.Columns.Select(column => column.DataSet).Where(DataSource.Names.Contains),
        .. _table.HasEmbedded ? new[] { EmbeddedFashionMnist.Name } : [],
    ];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        ReproductionResult result = TableReproduction.Run(Read(arguments), output, cancellation);
        if (result.Interruption is not null)
        {
            output.Error(result.Interruption);
            return ExitCode.Cancelled;
        }

        return result.Entries.Any(entry => entry.Refusal is not null) ? ExitCode.BadInput
            : result.Entries.Any(entry => entry.Run?.Divergence is not null) ? ExitCode.Failure
            : ExitCode.Success;
    }

    /// <summary>What the options ask for.</summary>
    /// <exception cref="FdfaException">A value that cannot be worked with.</exception>
    internal ReproductionRequest Read(ParseResult arguments)
    {
        bool quick = arguments.GetValue(_quick);
        bool download = arguments.GetValue(_download);
        string? dataDirectory = arguments.Text(_dataDirectory);
        if (download && dataDirectory is not null)
        {
            throw new InvalidOptionException(
                "The options --download and --data-dir exclude each other: downloads go to the cache folder; leave one of them out.");
        }

        IReadOnlyList<string>? dataSets = arguments.List(_data, ReadDataSet);
        if (dataDirectory is not null && dataSets is [EmbeddedFashionMnist.Name])
        {
            throw new InvalidOptionException(
                $"The data set {EmbeddedFashionMnist.Name} is part of fdfa and not read from '{dataDirectory}'; "
                + "name the folder's data sets with --data, or leave out --data-dir.");
        }

        QuickLook? look = quick ? _table.Quick : null;
        int seeds = arguments.WholeNumber(_seeds, maximum: RunRequest.MostSeeds) ?? look?.Seeds ?? AccuracyTable.PaperSeeds;
        return new ReproductionRequest(
            _table,
            arguments.List(_rules, LearningRule.Parse) ?? look?.Rules ?? LearningRule.OfThePaper,
            dataSets,
            Preset.Parse(arguments.Text(_preset) ?? Preset.PublishedCode.Name),
            arguments.WholeNumber(_epochs) ?? look?.Epochs ?? AccuracyTable.PaperEpochs,
            seeds,
            quick,
            download,
            arguments.Devices(_device, seeds),
            arguments.Text(_output) ?? DefaultOutput,
            dataDirectory,
            arguments.GetValue(_quiet))
        {
            Limit = arguments.WholeNumber(_limit) ?? look?.Limit,
            BatchNormalization = _batchNormalization.Read(arguments),
            Augments = look?.Augments != false && !(_table.HasAugmentation && arguments.GetValue(_noAugmentation)),
        };
    }

    private static string DescribeQuick(AccuracyTable table)
    {
        QuickLook quick = table.Quick;
        string rules = quick.Rules is { } some ? $"the rules {string.Join(", ", some)}, " : "";
        string samples = quick.Limit is { } limit ? $", the first {ConsoleOutput.Plain(limit)} training samples" : "";
        string otherwise = table.HasEmbedded ? ", and with the embedded part of Fashion-MNIST if none is" : "";
        string images = quick.Augments ? "" : ", images as they are";
        return $"A first impression: {rules}{ConsoleOutput.Count(quick.Epochs, "epoch")}{samples} and "
            + $"{ConsoleOutput.Count(quick.Seeds, "seed")} unless given{images}, "
            + $"without the data sets that are not on this machine{otherwise}.";
    }

    private string ReadDataSet(string name) =>
        Known.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw InvalidOptionException.UnknownWord("data set", name, Known);
}
