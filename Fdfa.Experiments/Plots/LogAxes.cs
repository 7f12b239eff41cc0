using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Fdfa.Experiments.Plots;

/// <summary>
/// Panels with two logarithmic axes: what is drawn there are decimal logarithms, what is written beside the axes are the numbers.
/// </summary>
internal static class LogAxes
{
    /// <summary>Below this many decades an axis has numbers between the powers of ten.</summary>
    private const double FewDecades = 2.5;

    private const double MarginInParts = 0.08;

    /// <summary>Adds points.</summary>
    /// <param name="plot">The panel.</param>
    /// <param name="x">Positive.</param>
    /// <param name="y">Positive, as many.</param>
    /// <param name="color">Of the markers.</param>
    /// <param name="marker">Their shape.</param>
    /// <param name="legend">What they are; null to leave them out of the legend.</param>
    public static void AddPoints(
        Plot plot, IReadOnlyList<double> x, IReadOnlyList<double> y, Color color, MarkerShape marker, string? legend)
    {
        var points = plot.Add.ScatterPoints(Logarithms(x), Logarithms(y));
        points.Color = color;
        points.MarkerShape = marker;
        points.MarkerSize = 9;
        points.LegendText = legend ?? "";
    }

    /// <summary>Adds a line. Lines differ in width and colour alone: at dots Skia's SVG complains on standard error.</summary>
    /// <param name="plot">The panel.</param>
    /// <param name="x">Positive.</param>
    /// <param name="y">Positive, as many.</param>
    /// <param name="color">Of the line.</param>
    /// <param name="width">Of the line.</param>
    /// <param name="legend">What it is; null to leave it out of the legend.</param>
    public static void AddLine(Plot plot, IReadOnlyList<double> x, IReadOnlyList<double> y, Color color, float width, string? legend)
    {
        var line = plot.Add.ScatterLine(Logarithms(x), Logarithms(y));
        line.Color = color;
        line.LineWidth = width;
        line.LegendText = legend ?? "";
    }

    /// <summary>Sets limits that hold all that was added, and ticks.</summary>
    /// <param name="plot">The panel.</param>
    /// <param name="legend">Where its legend stands.</param>
    public static void Finish(Plot plot, Alignment legend)
    {
        plot.Axes.AutoScale();
        AxisLimits limits = plot.Axes.GetLimits();
        double horizontal = MarginInParts * (limits.Right - limits.Left);
        double vertical = MarginInParts * (limits.Top - limits.Bottom);
        plot.Axes.SetLimits(limits.Left - horizontal, limits.Right + horizontal, limits.Bottom - vertical, limits.Top + vertical);
        plot.Axes.Bottom.TickGenerator = Ticks(limits.Left - horizontal, limits.Right + horizontal);
        plot.Axes.Left.TickGenerator = Ticks(limits.Bottom - vertical, limits.Top + vertical);
        plot.Font.Set(PlotPanel.FontFamily);
        plot.ShowLegend(legend);
    }

    private static double[] Logarithms(IReadOnlyList<double> values) => [.. values.Select(value => Math.Log10(value))];

    private static NumericManual Ticks(double from, double to)
    {
        var ticks = new NumericManual();
        for (var decade = (int)Math.Floor(from); decade <= to; decade++)
        {
            for (var digit = 1; digit <= 9; digit++)
            {
                double position = decade + Math.Log10(digit);
                bool isLabelled = digit == 1 || (to - from < FewDecades && digit is 2 or 5);
                if (position < from || position > to)
                {
                    continue;
                }

                if (isLabelled)
                {
                    ticks.AddMajor(position, Text(digit, decade));
                }
                else
                {
                    ticks.AddMinor(position);
                }
            }
        }

        return ticks;
    }

    /// <summary>Numbers that are read at a glance as they are, others by their power of ten. Many fonts lack raised digits.</summary>
    private static string Text(int digit, int decade) => decade is >= -1 and <= 3
        ? (digit * Math.Pow(10, decade)).ToString("G6", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{digit}e{decade}");
}
