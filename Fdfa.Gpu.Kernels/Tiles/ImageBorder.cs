namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>
/// Where the pixels of a feature-major image are among rows of zeros, so that a convolution over it need not ask where the image ends.
/// </summary>
/// <remarks>
/// Zeros surround every channel; where an error is spread out for the way back through a stride, they lie between pixels too.
/// </remarks>
public struct ImageBorder
{
    /// <summary>Rows of the image itself.</summary>
    public int Height;

    /// <summary>Columns of the image itself.</summary>
    public int Width;

    /// <summary>Zeros above each channel and on its left.</summary>
    public int Size;

    /// <summary>From a pixel to the next; 1 where nothing lies between them.</summary>
    public int Spacing;

    /// <summary>Rows with everything around and between.</summary>
    public int FullHeight;

    /// <summary>Columns with everything around and between.</summary>
    public int FullWidth;

    /// <summary>The same number of zeros on every side.</summary>
    public static ImageBorder Around(int height, int width, int size) => new()
    {
        Height = height,
        Width = width,
        Size = size,
        Spacing = 1,
        FullHeight = height + (2 * size),
        FullWidth = width + (2 * size),
    };

    /// <summary>The row of feature (channel · Height + y) · Width + x; the feature itself where there are no zeros.</summary>
    public readonly int RowOf(int feature)
    {
        var row = feature;
        if (FullWidth != Width || FullHeight != Height)
        {
            var line = feature / Width;
            var channel = line / Height;
            var y = line - (channel * Height);
            var x = feature - (line * Width);
            row = (((channel * FullHeight) + (y * Spacing) + Size) * FullWidth) + (x * Spacing) + Size;
        }

        return row;
    }
}
