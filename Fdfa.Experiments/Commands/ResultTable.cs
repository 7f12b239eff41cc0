using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary>The results of runs after their last epoch, a row per run.</summary>
internal static class ResultTable
{
    /// <summary>Writes the table; a run that finished no epoch has no row.</summary>
    public static void Write(ConsoleOutput output, IReadOnlyList<RunResult> results)
    {
        results = [.. results.Where(result => result.Rows.Count > 0)];
        if (results.Count == 0)
        {
            return;
        }

        bool hasSpread = results.Any(result => result.Rows.Select(row => row.Seed).Distinct().Skip(1).Any());
        Table table = ConsoleOutput.CreateTable(
            hasSpread ? "Result (mean ± standard deviation over seeds)" : "Result",
            "Rule",
            "Network",
            ConsoleOutput.Number("Seeds"),
            ConsoleOutput.Number("Epochs"),
            ConsoleOutput.Number("Training\naccuracy"),
            ConsoleOutput.Number("Test\naccuracy"),
            ConsoleOutput.Number("Training\nloss"),
            ConsoleOutput.Number("Test\nloss"),
            ConsoleOutput.Number("Per\nepoch"));
        foreach (RunResult result in results)
        {
            int lastEpoch = result.Rows.Max(row => row.Epoch);
            MetricsRow[] last = [.. result.Rows.Where(row => row.Epoch == lastEpoch)];
            table.AddRow(
                new Text(result.Rule),
                new Text(result.Network),
                new Text(last.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                new Text(lastEpoch.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                new Text(Spread(last, row => row.TrainingAccuracy, ConsoleOutput.PercentNumber, " %")),
                new Text(Spread(last, row => row.TestAccuracy, ConsoleOutput.PercentNumber, " %")),
                new Text(Spread(last, row => row.TrainingLoss, ConsoleOutput.Loss)),
                new Text(Spread(last, row => row.TestLoss, ConsoleOutput.Loss)),
                new Text(ConsoleOutput.Duration(result.Rows.Select(row => (row.Epoch, row.Seconds)).Distinct().Average(epoch => epoch.Seconds))));
        }

        output.Table(table);
    }

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
