using System.Globalization;
using System.Text;
using Fdfa.Cpu.Reference.Description;

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
    double Seconds);

/// <summary><c>metrics.csv</c>: a row per seed and epoch, numbers in their shortest form that reads back to the same bits.</summary>
internal static class MetricsTable
{
    private const string Header =
        "seed,epoch,training_loss,training_accuracy,test_loss,test_accuracy,learning_rate,feedback_rate,seconds";

    /// <summary>The last epoch's rows, one per seed; none where no epoch is done.</summary>
    public static IEnumerable<MetricsRow> LastEpoch(IReadOnlyList<MetricsRow> rows)
    {
        int last = rows.Select(row => row.Epoch).DefaultIfEmpty().Max();
        return rows.Where(row => row.Epoch == last);
    }

    /// <summary>Whether every epoch of every seed is there.</summary>
    public static bool IsComplete(IReadOnlyList<MetricsRow> rows, IReadOnlyList<ulong> seeds, int epochs) =>
        rows.Count == (long)epochs * seeds.Count
        && rows.Select(row => (row.Seed, row.Epoch)).SequenceEqual(
            Enumerable.Range(1, epochs).SelectMany(epoch => seeds.Select(seed => (seed, epoch))));

    /// <summary>The text of metrics.csv.</summary>
    public static string ToCsv(IEnumerable<MetricsRow> rows) => $"{Header}\n{ToLines(rows)}";

    /// <summary>What more rows add to the text.</summary>
    public static string ToLines(IEnumerable<MetricsRow> rows)
    {
        var text = new StringBuilder();
        foreach (MetricsRow row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row.Seed},{row.Epoch},{row.TrainingLoss:R},{row.TrainingAccuracy:R},")
                .Append(CultureInfo.InvariantCulture, $"{row.TestLoss:R},{row.TestAccuracy:R},")
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
        if (!each.MoveNext() || each.Current != Header)
        {
            throw new RunFolderException($"'{path}' is not the metrics of a run: its first line is not '{Header}'.");
        }

        for (int number = 2; each.MoveNext(); number++)
        {
            yield return ParseRow(each.Current, number, path);
        }
    }

    private static IEnumerable<string> LinesOf(StreamReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private static MetricsRow ParseRow(string line, int lineNumber, string path)
    {
        string[] cells = line.Split(',');
        var numbers = new double[7];
        if (cells.Length == 9
            && ulong.TryParse(cells[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            && int.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out int epoch)
            && Enumerable.Range(0, numbers.Length).All(index =>
                (index == 5 && cells[7].Length == 0)
                || double.TryParse(cells[index + 2], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[index])))
        {
            return new MetricsRow(
                seed, epoch, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                cells[7].Length == 0 ? null : numbers[5], numbers[6]);
        }

        throw new RunFolderException($"Line {lineNumber} of '{path}' is not a row of metrics: {QuotedText.Of(line)}.");
    }
}
