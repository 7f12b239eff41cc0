using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Runs;
using ScottPlot;
using ScottPlot.TickGenerators;
using Spectre.Console;
using Color = ScottPlot.Color;
using Text = Spectre.Console.Text;

namespace Fdfa.Experiments.Sweeps;

/// <summary>
/// The accuracies that rank a grid of two options with numbers, each where its numbers place it: as a table and as a picture.
/// </summary>
internal sealed class SweepHeatMap
{
    private static readonly ScottPlot.Colormaps.Viridis s_colours = new();

    private readonly SweepGrid _grid;

    /// <summary>A row per value of the first axis, a column per value of the second, both ascending.</summary>
    private readonly SweepEntry[][] _rows;

    private SweepHeatMap(SweepGrid grid, SweepEntry[][] rows) => (_grid, _rows) = (grid, rows);

    private string Heading => $"Mean {(SweepReport.HasValidation(_grid) ? "validation" : "test")} accuracy (%)";

    private IEnumerable<string> Columns => _rows[0].Select(entry => entry.Point.Values[1]!);

    /// <summary>The map of a sweep.</summary>
    /// <returns>Null where it is no grid of two options with numbers, at least two of each.</returns>
    public static SweepHeatMap? Of(SweepGrid grid, IReadOnlyList<SweepEntry> entries)
    {
        if (entries.Count != grid.Points.Count || grid.Axes is not [{ Numbers: { Count: > 1 } first }, { Numbers: { Count: > 1 } second }])
        {
            return null;
        }

        // The points are in the order of the axes' values, the first varying slowest.
        int[] rows = [.. Enumerable.Range(0, first.Count).OrderBy(row => first[row])];
        int[] columns = [.. Enumerable.Range(0, second.Count).OrderBy(column => second[column])];
        return new SweepHeatMap(grid, [.. rows.Select(row => columns.Select(column => entries[(row * second.Count) + column]).ToArray())]);
    }

    /// <summary>The map as a table.</summary>
    public Table ToTable()
    {
        Table table = ConsoleOutput.CreateTable(
            Heading, [$"{_grid.Axes[0].Name} ↓ {_grid.Axes[1].Name} →", .. Columns.Select(ConsoleOutput.Number)]);
        foreach (SweepEntry[] row in _rows)
        {
            table.AddRow([new Text(row[0].Point.Values[0]!), .. row.Select(entry => new Text(Cell(entry)))]);
        }

        return table;
    }

    private static string Cell(SweepEntry entry) =>
        entry.Accuracy is { } accuracy ? ConsoleOutput.PercentNumber(accuracy.Mean) : entry.State;

    /// <summary>The map as a picture; the caller's to dispose of.</summary>
    public PlotSheet Draw()
    {
        Plot plot = PlotPanel.Create(Heading, _grid.Axes[1].Name, _grid.Axes[0].Name);
        double[] accuracies = [.. _rows.SelectMany(row => row).Select(entry => entry.Accuracy?.Mean).OfType<double>()];
        double least = accuracies.DefaultIfEmpty().Min();
        double range = accuracies.DefaultIfEmpty().Max() - least;
        for (var row = 0; row < _rows.Length; row++)
        {
            for (var column = 0; column < _rows[row].Length; column++)
            {
                SweepEntry entry = _rows[row][column];
                double? shade = entry.Accuracy is { } accuracy ? range == 0 ? 1 : (accuracy.Mean - least) / range : null;
                var cell = plot.Add.Rectangle(column - 0.5, column + 0.5, row - 0.5, row + 0.5);
                cell.FillColor = shade is { } share ? s_colours.GetColor(share) : Colors.White;
                cell.LineColor = Colors.White;
                var text = plot.Add.Text(Cell(entry), column, row);
                text.LabelAlignment = Alignment.MiddleCenter;
                text.LabelFontSize = 12;
                text.LabelFontColor = shade < 0.6 ? Colors.White : Color.FromHex(PlotPanel.Ink);
            }
        }

        plot.HideGrid();
        plot.Axes.Left.TickGenerator = Ticks(_rows.Select(row => row[0].Point.Values[0]!));
        plot.Axes.Bottom.TickGenerator = Ticks(Columns);
        plot.Axes.SetLimits(-0.5, _rows[0].Length - 0.5, -0.5, _rows.Length - 0.5);
        plot.Font.Set(PlotPanel.FontFamily);
        RunRequest any = _grid.Points[0].Request;
        return new PlotSheet($"{any.Options.Rule.Name}, over {ConsoleOutput.Count(any.Seeds.Count, "seed")}", columns: 1, [plot]);
    }

    private static NumericManual Ticks(IEnumerable<string> labels)
    {
        var ticks = new NumericManual();
        foreach ((int place, string label) in labels.Index())
        {
            ticks.AddMajor(place, label);
        }

        return ticks;
    }
}
