using System.Text;
using ScottPlot;
using SkiaSharp;

namespace Fdfa.Experiments.Plots;

/// <summary>Panels in a grid beneath a title: a picture as PNG and SVG.</summary>
/// <param name="title">Above all panels.</param>
/// <param name="columns">Panels side by side.</param>
/// <param name="panels">Row by row, as from <see cref="PlotPanel.Create"/>; the sheet's own from now on.</param>
internal sealed class PlotSheet(string title, int columns, IReadOnlyList<Plot> panels) : IDisposable
{
    private const int PanelWidth = 588;
    private const int PanelHeight = 460;
    private const int TitleHeight = 48;
    private const int Margin = 12;

    /// <summary>A file is drawn at twice the size, to stay sharp on dense screens and in print.</summary>
    private const int PngScale = 2;

    private int Rows => (panels.Count + columns - 1) / columns;

    private int Width => (columns * PanelWidth) + (2 * Margin);

    private int Height => TitleHeight + (Rows * PanelHeight) + Margin;

    /// <summary>Writes the picture as a PNG and as an SVG file.</summary>
    /// <param name="write">Given the ending of a file's name and the file's bytes; called once both are drawn.</param>
    public void Write(Action<string, byte[]> write)
    {
        byte[] png = ToPng();
        byte[] svg = Encoding.UTF8.GetBytes(ToSvg());
        write(".png", png);
        write(".svg", svg);
    }

    private byte[] ToPng()
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

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Plot panel in panels)
        {
            panel.Dispose();
        }
    }

    private void Draw(SKCanvas canvas)
    {
        // Panel by panel: ScottPlot and its grid would clear the canvas first, which Skia's SVG writes as a black rectangle.
        using (var white = new SKPaint { Color = SKColors.White })
        {
            canvas.DrawRect(0, 0, Width, Height, white);
        }

        for (var index = 0; index < panels.Count; index++)
        {
            int left = Margin + (index % columns * PanelWidth);
            int top = TitleHeight + (index / columns * PanelHeight);
            panels[index].RenderManager.ClearCanvasBeforeEachRender = false;
            panels[index].Render(canvas, new PixelRect(left, left + PanelWidth, top + PanelHeight, top));
        }

        using var paint = new SKPaint { Color = SKColor.Parse(PlotPanel.Ink), IsAntialias = true };
        using SKTypeface typeface = SKTypeface.FromFamilyName(PlotPanel.FontFamily, SKFontStyle.Bold);
        using var font = new SKFont(typeface, 18);
        canvas.DrawText(title, Width / 2f, 30, SKTextAlign.Center, font, paint);
    }
}
