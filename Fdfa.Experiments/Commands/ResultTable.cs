using System.Globalization;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary>The results of runs after their last epoch, a column per run: side by side they fit an 80-column terminal.</summary>
internal static class ResultTable
{
    /// <summary>Writes the table; a run that finished no epoch has no column.</summary>
    public static void Write(ConsoleOutput output, IReadOnlyList<RunResult> results)
    {
        results = [.. results.Where(result => result.Rows.Count > 0)];
        if (results.Count == 0)
        {
            return;
        }

        bool hasSpread = results.Any(result => result.Rows.Select(row => row.Seed).Distinct().Skip(1).Any());
        Table table = ConsoleOutput.CreateTable(
            hasSpread ? "Result, mean ± standard deviation" : "Result",
            ["", .. results.Select(result => ConsoleOutput.Number(result.Rule))]);
        AddRow("Network", result => result.Network);
        AddRow("Seeds", result => Whole(LastRows(result).Length));
        AddRow("Epochs", result => Whole(LastRows(result)[0].Epoch));
        AddRow("Training accuracy", result => Spread(LastRows(result), row => row.TrainingAccuracy, ConsoleOutput.PercentNumber, " %"));
        AddRow("Test accuracy", result => Spread(LastRows(result), row => row.TestAccuracy, ConsoleOutput.PercentNumber, " %"));
        AddRow("Training loss", result => Spread(LastRows(result), row => row.TrainingLoss, ConsoleOutput.Loss));
        AddRow("Test loss", result => Spread(LastRows(result), row => row.TestLoss, ConsoleOutput.Loss));
        AddRow("Time per epoch", result => ConsoleOutput.Duration(
            result.Rows.Select(row => (row.Epoch, row.Seconds)).Distinct().Average(epoch => epoch.Seconds)));
        output.Table(table);

        void AddRow(string label, Func<RunResult, string> value) =>
            table.AddRow([new Text(label), .. results.Select(result => new Text(value(result)))]);
    }

    private static MetricsRow[] LastRows(RunResult result)
    {
        int lastEpoch = result.Rows.Max(row => row.Epoch);
        return [.. result.Rows.Where(row => row.Epoch == lastEpoch)];
    }

    private static string Whole(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The mean over rows, with the sample standard deviation when there are several.</summary>
    private static string Spread(MetricsRow[] rows, Func<MetricsRow, double> value, Func<double, string> format, string unit = "")
    {
        double mean = rows.Average(value);
        if (rows.Length < 2)
        {
            return format(mean) + unit;
        }

        double deviation = Math.Sqrt(rows.Sum(row => (value(row) - mean) * (value(row) - mean)) / (rows.Length - 1));
        return $"{format(mean)} ± {format(deviation)}{unit}";
    }
}
