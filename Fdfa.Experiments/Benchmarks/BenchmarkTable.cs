using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Measurement;
using Spectre.Console;

namespace Fdfa.Experiments.Benchmarks;

/// <summary>The times of steps beside their floors, as tables.</summary>
internal static class BenchmarkTable
{
    /// <summary>Writes all that is known about a few rules, a column each.</summary>
    public static void Write(ConsoleOutput output, IReadOnlyList<BenchmarkResult> results)
    {
        Table table = ConsoleOutput.CreateTable(Heading(results[0]), ["", .. results.Select(result => ConsoleOutput.Number(result.Rule))]);
        AddRow("Median", result => ConsoleOutput.Duration(result.MedianSeconds));
        AddRow("10th to 90th percentile", Range);
        AddRow("Floor", result => ConsoleOutput.Duration(result.FloorSeconds));
        AddRow("Median over floor", Ratio);
        AddRow("Drawing perturbations", result => ConsoleOutput.Duration(result.DrawingSeconds));
        AddRow("Batch normalization", result => result.HasBatchNormalization ? "yes" : "no");
        AddRow("Launches", Launches);
        AddRow("Operations", result => ConsoleOutput.Quantity(result.Operations, "FLOP"));
        AddRow("Bytes read and written", result => ConsoleOutput.Quantity(result.Bytes, "B"));
        AddRow("Measured peak", result => ConsoleOutput.Quantity(result.PeakOperationsPerSecond, "FLOP/s"));
        AddRow("Measured bandwidth", result => ConsoleOutput.Quantity(result.PeakBytesPerSecond, "B/s"));
        AddRow("Managed allocation", result => ConsoleOutput.Quantity(result.AllocatedBytesPerStep, "B"));
        output.Table(table);

        void AddRow(string label, Func<BenchmarkResult, string> value) =>
            table.AddRow([new Text(label), .. results.Select(result => new Text(value(result)))]);
    }

    /// <summary>Writes what compares many rules, a row each.</summary>
    public static void WriteRules(ConsoleOutput output, IReadOnlyList<BenchmarkResult> results, Preset preset)
    {
        if (results.Count == 0)
        {
            return;
        }

        Table table = ConsoleOutput.CreateTable(
            Heading(results[0]),
            "Rule", ConsoleOutput.Number("Median"), ConsoleOutput.Number("10th to 90th percentile"), ConsoleOutput.Number("Launches"),
            ConsoleOutput.Number("Floor"), ConsoleOutput.Number("Median / floor"), ConsoleOutput.Number("Drawing"));
        foreach (BenchmarkResult result in results)
        {
            string[] cells =
            [
                result.Rule, ConsoleOutput.Duration(result.MedianSeconds), Range(result), Launches(result),
                ConsoleOutput.Duration(result.FloorSeconds), Ratio(result), ConsoleOutput.Duration(result.DrawingSeconds),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        output.Table(table);
        output.Line(
            $"Options of the preset {preset}; {BatchNormalized(results)}. Floor: counted operations at up to "
            + $"{ConsoleOutput.Quantity(results.Max(result => result.PeakOperationsPerSecond), "FLOP/s")}, or counted bytes at up to "
            + $"{ConsoleOutput.Quantity(results.Max(result => result.PeakBytesPerSecond), "B/s")}, both measured beside each rule; "
            + "whichever takes longer. Drawing: the step's perturbations at up to "
            + $"{ConsoleOutput.Quantity(results.Max(result => result.PeakNormalsPerSecond), "/s")}, on top of the floor.");
    }

    private static string Heading(BenchmarkResult result) =>
        $"One training step of {result.Network}{(result.Input is { } input ? $" on {input}" : "")}, batch {result.BatchSize}, "
        + $"{ConsoleOutput.Count(result.Replicas, "seed")}, {result.Device}";

    private static string BatchNormalized(IReadOnlyList<BenchmarkResult> results)
    {
        string[] rules = [.. results.Where(result => result.HasBatchNormalization).Select(result => result.Rule)];
        return rules.Length == 0 ? "no batch normalization"
            : rules.Length == results.Count ? "batch normalization"
            : $"batch normalization with {string.Join(", ", rules)}";
    }

    private static string Range(BenchmarkResult result) =>
        $"{ConsoleOutput.Duration(result.LowSeconds)} to {ConsoleOutput.Duration(result.HighSeconds)}";

    private static string Ratio(BenchmarkResult result) => result.Ratio.ToString("F2", CultureInfo.InvariantCulture);

    private static string Launches(BenchmarkResult result) => result.LaunchesPerStep.ToString("0.##", CultureInfo.InvariantCulture);
}
