using System.Globalization;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Training;

namespace Fdfa.Experiments.Runs;

/// <summary>One seed's epoch.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Epoch">From 1.</param>
/// <param name="TrainingLoss">Mean over the epoch, measured while the weights changed.</param>
/// <param name="TrainingAccuracy">0…1, measured while the weights changed.</param>
/// <param name="TestLoss">After the epoch.</param>
/// <param name="TestAccuracy">0…1, after the epoch.</param>
/// <param name="LearningRate">λ during the epoch.</param>
/// <param name="FeedbackRate">α during the epoch; null for a rule without feedback updates.</param>
/// <param name="Seconds">Training time of the epoch, all seeds together.</param>
internal sealed record MetricsRow(
    ulong Seed,
    int Epoch,
    double TrainingLoss,
    double TrainingAccuracy,
    double TestLoss,
    double TestAccuracy,
    double LearningRate,
    double? FeedbackRate,
    double Seconds)
{
    /// <summary>On the samples that were set aside, after the epoch; null where none were.</summary>
    public Evaluation? Validation { get; init; }
}

/// <summary><c>metrics.csv</c>: a row per seed and epoch, numbers in their shortest form that reads back to the same bits.</summary>
/// <remarks>It has the two columns of validation only where samples were set aside for it.</remarks>
internal static class MetricsTable
{
    private const string First = "seed,epoch,training_loss,training_accuracy,";
    private const string Last = "test_loss,test_accuracy,learning_rate,feedback_rate,seconds";
    private const string Header = First + Last;
    private const string HeaderWithValidation = First + "validation_loss,validation_accuracy," + Last;

    /// <summary>The last epoch's rows, one per seed; none where no epoch is done.</summary>
    public static IEnumerable<MetricsRow> LastEpoch(IReadOnlyList<MetricsRow> rows)
    {
        int last = rows.Select(row => row.Epoch).DefaultIfEmpty().Max();
        return rows.Where(row => row.Epoch == last);
    }

    /// <summary>What validation came to over seeds; null where not every row has it.</summary>
    /// <param name="rows">One per seed.</param>
    /// <param name="value">What of it.</param>
    public static SeedSpread? Validation(IReadOnlyCollection<MetricsRow> rows, Func<Evaluation, double> value) =>
        rows.Count > 0 && rows.All(row => row.Validation is not null) ? SeedSpread.Of(rows.Select(row => value(row.Validation!))) : null;

    /// <summary>Whether a run is at its end: every epoch of every seed is there, or those up to where its patience ran out.</summary>
    public static bool IsComplete(IReadOnlyList<MetricsRow> rows, RunConfiguration run) =>
        IsComplete(rows, run.Seeds, run.Epochs)
        || (run.Patience is { } patience
            && IsComplete(rows, run.Seeds, rows.Count / run.Seeds.Count)
            && ValidationHistory.Of(rows, run.Seeds.Count).EpochsSinceBest >= patience);

    /// <summary>Whether every epoch of every seed is there.</summary>
    private static bool IsComplete(IReadOnlyList<MetricsRow> rows, IReadOnlyList<ulong> seeds, int epochs) =>
        rows.Count == (long)epochs * seeds.Count
        && rows.Select(row => (row.Seed, row.Epoch)).SequenceEqual(
            Enumerable.Range(1, epochs).SelectMany(epoch => seeds.Select(seed => (seed, epoch))));

    /// <summary>The text of metrics.csv.</summary>
    public static string ToCsv(IReadOnlyList<MetricsRow> rows) => HeaderOf(rows.Any(row => row.Validation is not null)) + ToLines(rows);

    /// <summary>The first line.</summary>
    /// <param name="hasValidation">Whether samples were set aside.</param>
    public static string HeaderOf(bool hasValidation) => (hasValidation ? HeaderWithValidation : Header) + "\n";

    /// <summary>What more rows add to the text.</summary>
    public static string ToLines(IEnumerable<MetricsRow> rows)
    {
        var text = new StringBuilder();
        foreach (MetricsRow row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row.Seed},{row.Epoch},{row.TrainingLoss:R},{row.TrainingAccuracy:R},");
            if (row.Validation is { } validation)
            {
                text.Append(CultureInfo.InvariantCulture, $"{validation.Loss:R},{validation.Accuracy:R},");
            }

            text.Append(CultureInfo.InvariantCulture, $"{row.TestLoss:R},{row.TestAccuracy:R},")
                .Append(CultureInfo.InvariantCulture, $"{row.LearningRate:R},{row.FeedbackRate:R},{row.Seconds:R}")
                .Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Reads the text of a metrics.csv.</summary>
    /// <param name="csv">The text.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="RunFolderException">Not such a table; the message names the line.</exception>
    public static IReadOnlyList<MetricsRow> Parse(string csv, string path) =>
        [.. ParseLines(csv.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries), path)];

    /// <summary>Reads a metrics.csv row by row, so that a long run is never whole in memory.</summary>
    /// <param name="file">The file, read from its beginning by one at a time; stays the caller's.</param>
    /// <exception cref="RunFolderException">Not such a table; the message names the line.</exception>
    public static IEnumerable<MetricsRow> Read(FileStream file)
    {
        file.Position = 0;
        using var reader = new StreamReader(file, leaveOpen: true);
        foreach (MetricsRow row in ParseLines(LinesOf(reader), file.Name))
        {
            yield return row;
        }
    }

    private static IEnumerable<MetricsRow> ParseLines(IEnumerable<string> lines, string path)
    {
        using IEnumerator<string> each = lines.GetEnumerator();
        if (!each.MoveNext() || each.Current is not (Header or HeaderWithValidation))
        {
            throw new RunFolderException($"'{path}' is not the metrics of a run: its first line is not '{Header}'.");
        }

        bool hasValidation = each.Current == HeaderWithValidation;
        for (int number = 2; each.MoveNext(); number++)
        {
            yield return ParseRow(each.Current, hasValidation, number, path);
        }
    }

    private static IEnumerable<string> LinesOf(StreamReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private static MetricsRow ParseRow(string line, bool hasValidation, int lineNumber, string path)
    {
        string[] cells = line.Split(',');
        int more = hasValidation ? 2 : 0;
        var numbers = new double[7 + more];
        if (cells.Length == numbers.Length + 2
            && ulong.TryParse(cells[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            && int.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out int epoch)
            && Enumerable.Range(0, numbers.Length).All(index =>
                (index == 5 + more && cells[7 + more].Length == 0)
                || double.TryParse(cells[index + 2], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[index])))
        {
            return new MetricsRow(
                seed, epoch, numbers[0], numbers[1], numbers[2 + more], numbers[3 + more], numbers[4 + more],
                cells[7 + more].Length == 0 ? null : numbers[5 + more], numbers[6 + more])
            {
                Validation = hasValidation ? new Evaluation(numbers[2], numbers[3]) : null,
            };
        }

        throw new RunFolderException($"Line {lineNumber} of '{path}' is not a row of metrics: {QuotedText.Of(line)}.");
    }
}
