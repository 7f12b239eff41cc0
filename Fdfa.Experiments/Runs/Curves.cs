using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Plots;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Fdfa.Experiments.Runs;

/// <summary>One rule's epochs, of one or more seeds.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Rows">Its rows of metrics.csv.</param>
internal sealed record CurveSeries(string Name, IReadOnlyList<MetricsRow> Rows);

/// <summary>
/// Loss and accuracy over epochs, side by side: the mean over seeds as a line, their standard deviation to both sides as a band.
/// </summary>
/// <param name="title">Above both panels.</param>
/// <param name="loss">What the loss is, for its axis; null where it is not the same in all series.</param>
/// <param name="series">
/// One line each for training, validation where there is any, and test; without training where they are many, and without test where
/// there are several to choose from by validation.
/// </param>
internal sealed class Curves(string title, LossFunction? loss, IReadOnlyList<CurveSeries> series)
{
    /// <summary>Two lines of each of more than these would hide one another.</summary>
    private const int MostWithTraining = 4;

    // Of lines that lie upon one another every one shows, through the gaps of those above it, and by markers that reach beyond them.
    private static readonly LinePattern[] s_patterns =
        [LinePattern.Solid, LinePattern.Dashed, LinePattern.Dotted, LinePattern.DenselyDashed];
    private static readonly MarkerShape[] s_markers =
        [MarkerShape.FilledCircle, MarkerShape.OpenSquare, MarkerShape.OpenTriangleUp, MarkerShape.OpenDiamond, MarkerShape.Cross];

    private const int MostMarkers = 30;

    private bool HasTraining => series.Count <= MostWithTraining;

    /// <summary>Whether the test set stays out of it, for its curves would choose among the series.</summary>
    private bool IsByValidation => series.Count > 1 && series.All(one => one.Rows.All(row => row.Validation is not null));

    /// <summary>The picture; the caller's to dispose of.</summary>
    public PlotSheet Draw()
    {
        string lossAxis = loss switch
        {
            LossFunction.SoftmaxCrossEntropy => "Cross-entropy (nats per sample)",
            null => "Loss (of each run's own kind)",
            LossFunction.MeanSquaredError => "Mean squared error",
            { } other => throw InvalidOptionException.UnknownValue("loss", other),
        };
        Plot losses = Panel(
            "Loss", lossAxis, row => row.TrainingLoss, row => row.Validation?.Loss ?? double.NaN, row => row.TestLoss, isShare: false);
        Plot accuracies = Panel(
            "Accuracy",
            "Accuracy (%)",
            row => 100 * row.TrainingAccuracy,
            row => 100 * (row.Validation?.Accuracy ?? double.NaN),
            row => 100 * row.TestAccuracy,
            isShare: true);
        return new PlotSheet(title + Band, columns: 2, [losses, accuracies]);
    }

    /// <summary>What the band shows, as the end of the title.</summary>
    private string Band => series.Select(one => one.Rows.Select(row => row.Seed).Distinct().Count())
        .Where(seeds => seeds > 1).Distinct().Order().ToArray() switch
    {
        [] => "",
        [var seeds] => string.Create(CultureInfo.InvariantCulture, $" (mean ± sd over {seeds} seeds)"),
        [var fewest, .., var most] => string.Create(CultureInfo.InvariantCulture, $" (mean ± sd over {fewest} to {most} seeds)"),
    };

    private Plot Panel(
        string heading,
        string axis,
        Func<MetricsRow, double> training,
        Func<MetricsRow, double> validation,
        Func<MetricsRow, double> test,
        bool isShare)
    {
        (string set, Func<MetricsRow, double> shown) = IsByValidation ? ("validation", validation) : ("test", test);
        Plot plot = PlotPanel.Create(HasTraining ? heading : $"{heading} on the {set} set", "Epoch", axis);
        for (var index = 0; index < series.Count; index++)
        {
            CurveSeries one = series[index];
            Color color = PlotPanel.Palette[index % PlotPanel.Palette.Count];
            LinePattern pattern = s_patterns[index % s_patterns.Length];
            if (HasTraining)
            {
                AddLine(plot, one.Name + ", training", one.Rows, training, color, pattern, marker: null);
                if (!IsByValidation)
                {
                    AddLine(plot, one.Name + ", validation", one.Rows, validation, color, pattern, MarkerShape.VerticalBar);
                }
            }

            string name = one.Name + (HasTraining ? $", {set}" : "");
            AddLine(plot, name, one.Rows, shown, color, pattern, s_markers[index % s_markers.Length]);
        }

        int lastEpoch = series.SelectMany(one => one.Rows).Select(row => row.Epoch).DefaultIfEmpty(1).Max();
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        plot.Axes.Bottom.MinorTickStyle.Length = 0;
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsX(lastEpoch == 1 ? 0.5 : 1 - 0.03 * (lastEpoch - 1), lastEpoch == 1 ? 1.5 : lastEpoch + 0.03 * (lastEpoch - 1));
        if (isShare)
        {
            AxisLimits limits = plot.Axes.GetLimits();
            plot.Axes.SetLimitsY(Math.Max(0, limits.Bottom), Math.Min(100, limits.Top));
        }

        // Where the curves do not go: losses fall from the upper left, accuracies rise to the upper right.
        plot.Font.Set(PlotPanel.FontFamily);
        plot.ShowLegend(isShare ? Alignment.LowerRight : Alignment.UpperRight);
        return plot;
    }

    /// <remarks>
    /// The test set, or validation instead of it, has markers; validation beside it has bars; training has none and is thin.
    /// </remarks>
    private static void AddLine(
        Plot plot,
        string name,
        IReadOnlyList<MetricsRow> rows,
        Func<MetricsRow, double> value,
        Color color,
        LinePattern pattern,
        MarkerShape? marker)
    {
        var epochs = rows
            .GroupBy(row => row.Epoch)
            .OrderBy(group => group.Key)
            .Select(group => (Epoch: (double)group.Key, Values: group.Select(value).Where(double.IsFinite).ToArray()))
            .Where(epoch => epoch.Values.Length > 0)
            .ToList();
        if (epochs.Count == 0)
        {
            return;
        }

        double[] positions = [.. epochs.Select(epoch => epoch.Epoch)];
        if (epochs.Any(epoch => epoch.Values.Length > 1))
        {
            SeedSpread[] spreads = [.. epochs.Select(epoch => SeedSpread.Of(epoch.Values))];
            var band = plot.Add.FillY(
                positions,
                [.. spreads.Select(spread => spread.Mean - (spread.Deviation ?? 0))],
                [.. spreads.Select(spread => spread.Mean + (spread.Deviation ?? 0))]);
            band.FillColor = color.WithAlpha(0.15);
            band.LineWidth = 0;
            band.MarkerSize = 0;
        }

        var line = plot.Add.Scatter(positions, epochs.Select(epoch => epoch.Values.Average()).ToArray());
        line.Color = color;
        line.LineWidth = marker is null ? 1 : 2;
        line.LinePattern = pattern;

        // Markers carry a run of one epoch, and would blur a long one.
        line.MarkerSize = epochs.Count == 1 || (marker is not null && epochs.Count <= MostMarkers) ? 7 : 0;
        line.MarkerShape = marker ?? MarkerShape.OpenCircle;
        line.LegendText = name;
    }
}
