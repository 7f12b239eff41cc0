using System.Globalization;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Training;
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
        AddRow("Training accuracy", result => SeedSpread.Of(LastRows(result).Select(row => row.TrainingAccuracy)).Percent);
        bool hasValidation = results.Any(result => result.Rows.Any(row => row.Validation is not null));
        if (hasValidation)
        {
            AddRow("Validation accuracy", result => Validation(result, evaluation => evaluation.Accuracy)?.Percent ?? "");
        }

        AddRow("Test accuracy", result => SeedSpread.Of(LastRows(result).Select(row => row.TestAccuracy)).Percent);
        AddRow("Training loss", result => SeedSpread.Of(LastRows(result).Select(row => row.TrainingLoss)).Loss);
        if (hasValidation)
        {
            AddRow("Validation loss", result => Validation(result, evaluation => evaluation.Loss)?.Loss ?? "");
        }

        AddRow("Test loss", result => SeedSpread.Of(LastRows(result).Select(row => row.TestLoss)).Loss);
        AddRow("Time per epoch", result => ConsoleOutput.Duration(
            result.Rows.Select(row => (row.Epoch, row.Seconds)).Distinct().Average(epoch => epoch.Seconds)));
        output.Table(table);

        void AddRow(string label, Func<RunResult, string> value) =>
            table.AddRow([new Text(label), .. results.Select(result => new Text(value(result)))]);
    }

    private static SeedSpread? Validation(RunResult result, Func<Evaluation, double> value) =>
        MetricsTable.Validation(LastRows(result), value);

    private static MetricsRow[] LastRows(RunResult result) => [.. MetricsTable.LastEpoch(result.Rows)];

    private static string Whole(int number) => number.ToString(CultureInfo.InvariantCulture);
}
