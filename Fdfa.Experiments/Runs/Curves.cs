using System.Text;
using Fdfa.Cpu.Reference.Description;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Fdfa.Experiments.Runs;

/// <summary>One rule's epochs, of one or more seeds.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Rows">Its rows of metrics.csv.</param>
internal sealed record CurveSeries(string Name, IReadOnlyList<MetricsRow> Rows);

/// <summary>Loss and accuracy over epochs, side by side: the mean over seeds as a line, their range as a band.</summary>
/// <param name="title">Above both panels.</param>
/// <param name="loss">What the loss is, for its axis; null where it is not the same in all series.</param>
/// <param name="series">One line each for training and test; for test alone where they are many.</param>
internal sealed class Curves(string title, LossFunction? loss, IReadOnlyList<CurveSeries> series)
{
    /// <summary>Two lines of each of more than these would hide one another.</summary>
    private const int MostWithTraining = 4;

    private const int Width = 1200;
    private const int Height = 520;
    private const int TitleHeight = 48;
    private const int Margin = 12;

    /// <summary>A file is drawn at twice the size, to stay sharp on dense screens and in print.</summary>
    private const int PngScale = 2;

    /// <summary>Okabe and Ito's palette: its colours stay apart for colour-blind eyes and in grey.</summary>
    private static readonly Color[] s_palette =
    [
        Color.FromHex("#0072B2"), Color.FromHex("#D55E00"), Color.FromHex("#009E73"), Color.FromHex("#CC79A7"),
        Color.FromHex("#E69F00"), Color.FromHex("#56B4E9"), Color.FromHex("#000000"),
    ];

    /// <summary>What tells the series apart when the colours come round again.</summary>
    private static readonly MarkerShape[] s_markers = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp];

    /// <summary>The first sans-serif family that this machine has: ScottPlot's own choice can be a serif one.</summary>
    private static readonly string s_fontFamily =
        new[] { "Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans", "DejaVu Sans" }
            .FirstOrDefault(SKFontManager.Default.FontFamilies.Contains, Fonts.Default);

    private const string Ink = "#333333";

    private static readonly Color s_ink = Color.FromHex(Ink);

    private bool HasTraining => series.Count <= MostWithTraining;

    /// <summary>The picture as a PNG file.</summary>
    public byte[] ToPng()
    {
        using SKSurface surface = SKSurface.Create(new SKImageInfo(Width * PngScale, Height * PngScale));
        surface.Canvas.Scale(PngScale);
        Draw(surface.Canvas);
        using SKImage image = surface.Snapshot();
        using SKData data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>The picture as an SVG file.</summary>
    public string ToSvg()
    {
        using var stream = new MemoryStream();
        using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, Width, Height), stream))
        {
            Draw(canvas);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private void Draw(SKCanvas canvas)
    {
        string lossAxis = loss switch
        {
            LossFunction.SoftmaxCrossEntropy => "Cross-entropy (nats per sample)",
            null => "Loss (of each run's own kind)",
            _ => "Mean squared error",
        };
        using Plot losses = Panel("Loss", lossAxis, row => row.TrainingLoss, row => row.TestLoss, isShare: false);
        using Plot accuracies = Panel(
            "Accuracy", "Accuracy (%)", row => 100 * row.TrainingAccuracy, row => 100 * row.TestAccuracy, isShare: true);

        // Rendering clears the canvas, so the title follows it; and the grid knows no origin but its own.
        var panels = new Multiplot { Layout = new ScottPlot.MultiplotLayouts.Grid(rows: 1, columns: 2) };
        panels.Reset(losses);
        panels.AddPlot(accuracies);
        canvas.Save();
        canvas.Translate(Margin, TitleHeight);
        panels.Render(canvas, new PixelRect(0, Width - 2 * Margin, Height - TitleHeight - Margin, 0));
        canvas.Restore();

        using (var paint = new SKPaint { Color = SKColor.Parse(Ink), IsAntialias = true })
        using (SKTypeface typeface = SKTypeface.FromFamilyName(s_fontFamily, SKFontStyle.Bold))
        using (var font = new SKFont(typeface, 18))
        {
            canvas.DrawText(title, Width / 2f, 30, SKTextAlign.Center, font, paint);
        }
    }

    private Plot Panel(
        string heading, string axis, Func<MetricsRow, double> training, Func<MetricsRow, double> test, bool isShare)
    {
        Plot plot = CreatePlot();
        plot.Title(HasTraining ? heading : heading + " on the test set", 15);
        plot.XLabel("Epoch", 14);
        plot.YLabel(axis, 14);
        for (var index = 0; index < series.Count; index++)
        {
            Color color = s_palette[index % s_palette.Length];
            if (HasTraining)
            {
                AddLine(plot, series[index].Name + ", training", series[index].Rows, training, color, marker: null);
            }

            AddLine(
                plot, series[index].Name + (HasTraining ? ", test" : ""), series[index].Rows, test, color,
                s_markers[index / s_palette.Length % s_markers.Length]);
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
        plot.Font.Set(s_fontFamily);
        plot.ShowLegend(isShare ? Alignment.LowerRight : Alignment.UpperRight);
        return plot;
    }

    /// <remarks>A line of the test set has a marker, one of training has none.</remarks>
    private void AddLine(
        Plot plot, string name, IReadOnlyList<MetricsRow> rows, Func<MetricsRow, double> value, Color color, MarkerShape? marker)
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
            var band = plot.Add.FillY(
                positions, [.. epochs.Select(epoch => epoch.Values.Min())], [.. epochs.Select(epoch => epoch.Values.Max())]);
            band.FillColor = color.WithAlpha(0.15);
            band.LineWidth = 0;
            band.MarkerSize = 0;
        }

        var line = plot.Add.Scatter(positions, epochs.Select(epoch => epoch.Values.Average()).ToArray());
        line.Color = color;
        line.LineWidth = 2;
        line.LinePattern = marker is null ? LinePattern.Dashed : LinePattern.Solid;
        // Markers carry a run of one epoch, and would blur a long one, unless they alone tell it from another.
        line.MarkerSize = epochs.Count == 1 || (marker is not null && (epochs.Count <= 30 || series.Count > s_palette.Length)) ? 6 : 0;
        line.MarkerShape = marker ?? MarkerShape.OpenCircle;
        line.LegendText = name;
    }

    private static Plot CreatePlot()
    {
        var plot = new Plot();
        plot.FigureBackground.Color = Colors.White;
        plot.DataBackground.Color = Colors.White;
        plot.Axes.Color(s_ink);
        plot.Axes.Bottom.TickLabelStyle.FontSize = 12;
        plot.Axes.Left.TickLabelStyle.FontSize = 12;
        plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Left.Label.Bold = false;
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.08);
        plot.Legend.BackgroundColor = Colors.White.WithAlpha(0.85);
        plot.Legend.OutlineColor = Colors.Black.WithAlpha(0.15);
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.FontSize = 12;
        plot.Legend.FontName = s_fontFamily;
        plot.Legend.SymbolWidth = 44;
        plot.Legend.FontColor = s_ink;
        return plot;
    }
}
