using ScottPlot;
using SkiaSharp;

namespace Fdfa.Experiments.Plots;

/// <summary>The house style of a plot.</summary>
internal static class PlotPanel
{
    /// <summary>The colour of axes and words.</summary>
    public const string Ink = "#333333";

    /// <summary>Okabe and Ito's palette: its colours stay apart for colour-blind eyes and in grey.</summary>
    public static IReadOnlyList<Color> Palette { get; } =
    [
        Color.FromHex("#0072B2"), Color.FromHex("#D55E00"), Color.FromHex("#009E73"), Color.FromHex("#CC79A7"),
        Color.FromHex("#E69F00"), Color.FromHex("#56B4E9"), Color.FromHex("#000000"),
    ];

    /// <summary>The first sans-serif family that this machine has: ScottPlot's own choice can be a serif one.</summary>
    public static string FontFamily => s_fontFamily.Value;

    // Asked for when something is drawn: the palette stands in tables that programs without pictures have too.
    private static readonly Lazy<string> s_fontFamily = new(() =>
        new[] { "Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans", "DejaVu Sans" }
            .FirstOrDefault(SKFontManager.Default.FontFamilies.Contains, Fonts.Default));

    private static readonly Color s_ink = Color.FromHex(Ink);

    /// <summary>An empty panel.</summary>
    /// <param name="heading">Above it.</param>
    /// <param name="horizontal">What the horizontal axis shows.</param>
    /// <param name="vertical">What the vertical axis shows.</param>
    public static Plot Create(string heading, string horizontal, string vertical)
    {
        var plot = new Plot();
        plot.FigureBackground.Color = Colors.White;
        plot.DataBackground.Color = Colors.White;
        plot.Axes.Color(s_ink);
        plot.Axes.Bottom.TickLabelStyle.FontSize = 12;
        plot.Axes.Left.TickLabelStyle.FontSize = 12;
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.08);
        plot.Legend.BackgroundColor = Colors.White.WithAlpha(0.85);
        plot.Legend.OutlineColor = Colors.Black.WithAlpha(0.15);
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.FontSize = 12;
        plot.Legend.FontName = FontFamily;
        plot.Legend.SymbolWidth = 44;
        plot.Legend.FontColor = s_ink;
        plot.Title(heading, 15);
        plot.XLabel(horizontal, 14);
        plot.YLabel(vertical, 14);
        plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Left.Label.Bold = false;
        return plot;
    }
}
