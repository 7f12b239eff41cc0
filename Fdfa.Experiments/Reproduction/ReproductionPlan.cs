using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Reproduction;

/// <summary>The runs that a table asks for here, and what a reader must know about them.</summary>
/// <param name="Entries">Section by section, data set by data set within one, rule by rule within that.</param>
/// <param name="Remarks">A sentence each.</param>
internal sealed record ReproductionPlan(IReadOnlyList<TableEntry> Entries, IReadOnlyList<string> Remarks)
{
    /// <summary>Plans a table with the data sets that are on this machine, or may be downloaded to it.</summary>
    /// <exception cref="InvalidOptionException">A data set is missing, and it was not asked to do without.</exception>
    public static ReproductionPlan Of(ReproductionRequest request)
    {
        var remarks = new List<string>();
        var parts = new Dictionary<string, SampleCounts>();
        IReadOnlyList<PaperColumn> columns = ChooseColumns(request, remarks, parts);
        TableEntry[] entries =
        [
            .. from section in request.Table.Sections
               from column in columns
               from row in RowsOf(section, request.Rules)
               select Entry(request, section, column, row, parts),
        ];
        AddPresetRemark(request, remarks);
        remarks.AddRange(request.Table.Remarks(request));
        AddSizeRemark(request, remarks);
        AddLimitRemark(entries, remarks);
        AddRulesRemark(request, remarks);
        return new ReproductionPlan(entries, remarks);
    }

    /// <summary>The paper's rows in its order, then the rules that it does not have.</summary>
    private static IEnumerable<PaperRow> RowsOf(TableSection section, IReadOnlyList<LearningRule> rules) =>
    [
        .. section.Rows.Where(row => rules.Contains(row.Rule)),
        .. rules.Except(LearningRule.OfThePaper).Select(rule => new PaperRow(rule, [])),
    ];

    private static TableEntry Entry(
        ReproductionRequest request, TableSection section, PaperColumn column, PaperRow row, Dictionary<string, SampleCounts> parts)
    {
        bool isEmbedded = column.DataSet == EmbeddedFashionMnist.Name;
        int figure = request.Table.Columns.ToList()
            .FindIndex(paper => paper.DataSet == (isEmbedded ? IdxDataSet.FashionMnist.Name : column.DataSet));
        Preset preset = request.Preset;
        string topology = section.TopologyFor(column.DataSet, preset.OriginFor(row.Rule));
        ImageShape image = DataSource.ShapeOf(column.DataSet);
        ImageAugmentation? augmentation = request.Augments ? preset.AugmentationOf(topology, row.Rule, image) : null;
        NetworkDescription network = Topology.Parse(
            topology,
            preset.ActivationFor(row.Rule),
            Augmentation.InputOf(augmentation, image),
            request.BatchNormalization ?? preset.BatchNormalizationFor(row.Rule));
        SampleCounts? here = parts.TryGetValue(column.DataSet, out SampleCounts part) ? part : null;
        int samples = (here ?? DataSource.SamplesOf(column.DataSet)).Training;
        var run = new RunRequest(
            network,
            preset.OptionsOn(network, row.Rule) with { Augmentation = augmentation },
            preset.Name,
            request.Epochs,
            [.. Enumerable.Range(0, request.Seeds).Select(seed => (ulong)seed)],
            column.DataSet,
            isEmbedded ? null : request.DataDirectory,
            request.Limit < samples ? request.Limit : null)
        {
            Part = here,
        };
        return new TableEntry(section.Heading, column.Heading, run, row.Figures.ElementAtOrDefault(figure));
    }

    private static List<PaperColumn> ChooseColumns(
        ReproductionRequest request, List<string> remarks, Dictionary<string, SampleCounts> parts)
    {
        IEnumerable<PaperColumn> wanted = request.DataSets is null
            ? request.Table.Columns
            : request.DataSets.Select(name => request.Table.Columns.FirstOrDefault(column => column.DataSet == name) ?? Embedded(remarks));
        var columns = new List<PaperColumn>();
        var missing = new List<string>();
        foreach (PaperColumn column in wanted)
        {
            if (request is { Quick: true, DataSets: null } && !column.IsQuick)
            {
                remarks.Add($"{column.Heading} is left out of a quick look; name {column.DataSet} with --data to have it.");
                continue;
            }

            if (!DataSource.Names.Contains(column.DataSet))
            {
                remarks.Add($"{column.Heading} is left out: fdfa cannot read the data set {column.DataSet} yet.");
                continue;
            }

            SampleCounts? here = DataSource.CountHere(column.DataSet, request.DataDirectory);
            if (here is null && !request.Download)
            {
                missing.Add(column.DataSet);
                continue;
            }

            if (here is { } part && part != DataSource.SamplesOf(column.DataSet))
            {
                AddPartRemark(request, column, part, remarks);
                parts.Add(column.DataSet, part);
            }

            columns.Add(column);
        }

        if (missing.Count == 0)
        {
            return columns;
        }

        string names = missing.Count == 1 ? missing[0] : $"{string.Join(", ", missing.SkipLast(1))} and {missing[^1]}";
        string are = missing.Count == 1 ? "is" : "are";
        string place = request.DataDirectory is { } folder ? $"in '{folder}' (--data-dir)" : "on this machine";
        if (!request.Quick || (columns.Count == 0 && !request.Table.HasEmbedded))
        {
            string them = missing.Count == 1 ? "it" : "them";
            string advice = request.DataDirectory is null
                ? $"add --download to fetch {them}, name the folder with --data-dir"
                : "name another folder, leave out --data-dir to look in the usual ones";
            throw new InvalidOptionException(
                $"The data set{(missing.Count == 1 ? "" : "s")} {names} {are} not {place}; {advice}, or choose others with --data.");
        }

        if (columns.Count == 0)
        {
            columns.Add(Embedded(remarks));
        }

        string download = request.DataDirectory is null ? $"; --download would fetch {(missing.Count == 1 ? "it" : "them")}" : "";
        remarks.Add($"{names} {are} not {place}, and --quick does without{download}.");
        return columns;
    }

    /// <summary>A part of a data set does for a first impression; days of training on it would be a mistake.</summary>
    private static void AddPartRemark(ReproductionRequest request, PaperColumn column, SampleCounts part, List<string> remarks)
    {
        string sentence = DataSource.PartOf(column.DataSet, part);
        if (!request.Quick)
        {
            throw new InvalidOptionException(
                $"{sentence}; name the folder of all of it with --data-dir, add --quick to take the part, or choose others with --data.");
        }

        remarks.Add($"{sentence}, beside the paper's figures for all of it: do not expect agreement.");
    }

    private static PaperColumn Embedded(List<string> remarks)
    {
        (int training, int test) = DataSource.SamplesOf(EmbeddedFashionMnist.Name);
        remarks.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"The embedded data are {training} training and {test} test images of Fashion-MNIST, beside the paper's figures for all of it: "
            + $"do not expect agreement."));
        return new PaperColumn("Embedded part", EmbeddedFashionMnist.Name);
    }

    private static void AddPresetRemark(ReproductionRequest request, List<string> remarks)
    {
        Preset preset = request.Preset;
        string but = request.BatchNormalization switch
        {
            true when !request.Rules.All(preset.BatchNormalizationFor) => ", but batch normalization in every hidden block",
            false when request.Rules.Any(preset.BatchNormalizationFor) => ", but without its batch normalization",
            _ => "",
        };
        string others = request.BorrowedRules.Count > 0
            ? $"; {string.Join(", ", request.BorrowedRules)} as in {Preset.Paper}, since the authors' code does not have them"
            : "";
        remarks.Add($"Preset {preset}{but}{others}.");
    }

    private static void AddSizeRemark(ReproductionRequest request, List<string> remarks)
    {
        if (request.Epochs != AccuracyTable.PaperEpochs || request.Seeds != AccuracyTable.PaperSeeds)
        {
            remarks.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{ConsoleOutput.Count(request.Epochs, "epoch")} and {ConsoleOutput.Count(request.Seeds, "seed")}, where the paper has "
                + $"{AccuracyTable.PaperEpochs} and "
                + $"{AccuracyTable.PaperSeeds}"
                + $"{(request.Epochs < AccuracyTable.PaperEpochs ? ": accuracies are those of an earlier stage" : "")}."));
        }
    }

    private static void AddLimitRemark(IEnumerable<TableEntry> entries, List<string> remarks)
    {
        if (entries.Select(entry => entry.Request).FirstOrDefault(run => run.Limit is not null) is not { Limit: { } limit } run)
        {
            return;
        }

        int steps = (limit + run.Options.BatchSize - 1) / run.Options.BatchSize;
        remarks.Add(
            $"Trained on the first {ConsoleOutput.Count(limit, "sample")} of a data set, where the paper has all: "
            + $"{ConsoleOutput.Count(steps, "step")} per epoch at batch size {run.Options.BatchSize}.");
    }

    private static void AddRulesRemark(ReproductionRequest request, List<string> remarks)
    {
        if (request.Quick && request.Table.Quick.Rules is { } rules && request.Rules.SequenceEqual(rules))
        {
            remarks.Add($"A quick look has the rules {string.Join(", ", rules)}; name others with --rules.");
        }
    }
}
