using System.Globalization;
using System.Text;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Spectre.Console;

namespace Fdfa.Experiments.Sweeps;

/// <summary>A point and what became of it.</summary>
/// <param name="Point">The point.</param>
/// <param name="Outcome">Nothing where it is not trained yet.</param>
internal sealed record SweepEntry(SweepPoint Point, StoredOutcome Outcome)
{
    /// <summary>Validation accuracy after the last epoch, 0…1; null where there is none.</summary>
    public SeedSpread? ValidationAccuracy => Outcome.Run?.ValidationAccuracy;

    /// <summary>What points are ranked by, 0…1; null where there is none.</summary>
    public SeedSpread? Accuracy => Point.Request.Validation is null ? TestAccuracy : ValidationAccuracy;

    /// <summary>Test accuracy after the last epoch, 0…1; null where there is none.</summary>
    public SeedSpread? TestAccuracy => Outcome.Run is { Accuracies: { Count: > 0 } accuracies } ? SeedSpread.Of(accuracies) : null;

    /// <summary>In a word.</summary>
    public string State => Outcome switch
    {
        { Run.Divergence: not null } => "diverged",
        { Run: not null } => "finished",
        { Refusal: not null } => "refused",
        _ => "missing",
    };
}

/// <summary>The results of a sweep, the best first: for the console and as CSV.</summary>
/// <remarks>
/// Where samples are set aside for validation it ranks by them, and shows the test accuracy of the best point alone, once none is missing.
/// </remarks>
internal sealed class SweepReport
{
    private readonly SweepGrid _grid;
    private readonly IReadOnlyList<SweepEntry> _entries;

    /// <summary>Sorts them.</summary>
    /// <param name="grid">The sweep.</param>
    /// <param name="entries">Its points.</param>
    public SweepReport(SweepGrid grid, IEnumerable<SweepEntry> entries)
    {
        _grid = grid;
        _entries = [.. entries.OrderByDescending(entry => entry.Accuracy?.Mean ?? double.NegativeInfinity)];
    }

    /// <summary>Whether the points of a grid are ranked by validation.</summary>
    public static bool HasValidation(SweepGrid grid) => grid.Points.All(point => point.Request.Validation is not null);

    /// <summary>Writes the table, and what a reader must know of it.</summary>
    public void Write(ConsoleOutput output)
    {
        string[] accuracies = HasValidation(_grid) ? ["Validation accuracy", "Test accuracy"] : ["Test accuracy"];
        Table table = ConsoleOutput.CreateTable(
            $"{accuracies[0]} after the last epoch", [.. _grid.Axes.Select(axis => axis.Name), .. accuracies.Select(ConsoleOutput.Number)]);
        foreach (SweepEntry entry in _entries)
        {
            string[] test = HasValidation(_grid) ? [TestOf(entry)?.Percent ?? ""] : [];
            string[] cells = [.. entry.Point.Values.Select(value => value ?? "–"), entry.Accuracy?.Percent ?? entry.State, .. test];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        output.Table(table);
        if (!HasValidation(_grid))
        {
            output.Line(
                "Ranked by test accuracy, which flatters the point that it chooses; "
                + "--validation 0.1 sets a part of the training samples aside to rank by.");
        }

        foreach (var failure in _entries.GroupBy(entry => entry.Outcome.Run?.Divergence ?? entry.Outcome.Refusal)
            .Where(same => same.Key is not null))
        {
            output.Line($"{string.Join("; ", failure.Select(entry => _grid.Name(entry.Point)))}: {failure.Key}");
        }

        if (_entries is [{ Outcome.Run: { Divergence: null } best }, ..])
        {
            foreach (string edge in Edges(_entries[0].Point))
            {
                output.Line(edge);
            }

            output.Line($"Runs of a sweep keep no models; this trains the best one's: {best.Configuration.Repeat}");
        }
    }

    /// <summary>The test accuracy of a point, if it may be shown.</summary>
    private SeedSpread? TestOf(SweepEntry entry) =>
        !HasValidation(_grid) || (entry == _entries[0] && IsDecided) ? entry.TestAccuracy : null;

    /// <summary>Whether no point is left that could still be the best.</summary>
    private bool IsDecided => _entries.Count == _grid.Points.Count && _entries.All(entry => entry.Outcome != default);

    /// <summary>What the best point does not show, because the values end with it, as sentences.</summary>
    private IEnumerable<string> Edges(SweepPoint best)
    {
        foreach ((SweepAxis axis, string? value) in _grid.Axes.Zip(best.Values))
        {
            if (value is not null && axis.Numbers is { Count: > 1 } numbers)
            {
                double number = numbers[axis.Values.Index().First(item => item.Item == value).Index];
                if (number == numbers.Min() || number == numbers.Max())
                {
                    string end = number == numbers.Min() ? "smallest" : "largest";
                    yield return $"The best has {axis.Name}={value}, the {end} of its values: what is beyond may be better still.";
                }
            }
        }
    }

    /// <summary>The table as CSV, with shares from 0 to 1 and the folder of each run.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder();
        string[] validation = HasValidation(_grid) ? ["validation_accuracy", "validation_accuracy_deviation"] : [];
        string[] others = ["test_accuracy", "test_accuracy_deviation", "seeds", "epochs", "run"];
        text.AppendJoin(',', [.. _grid.Axes.Select(axis => axis.Name), "state", .. validation, .. others]).Append('\n');
        foreach (SweepEntry entry in _entries)
        {
            RunRequest run = entry.Point.Request;
            SeedSpread? test = TestOf(entry);
            string[] validated =
                HasValidation(_grid) ? [Number(entry.ValidationAccuracy?.Mean), Number(entry.ValidationAccuracy?.Deviation)] : [];
            string[] cells =
            [
                .. entry.Point.Values.Select(value => value ?? ""), entry.State, .. validated, Number(test?.Mean), Number(test?.Deviation),
                Number(run.Seeds.Count), Number(run.Epochs), entry.Outcome.Run?.Folder ?? RunKey.Of(run),
            ];
            text.AppendJoin(',', cells).Append('\n');
        }

        return text.ToString();
    }

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";
}
