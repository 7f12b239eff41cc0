namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Rows of zeros around every channel of a feature-major image, so that a padded convolution need not ask where the image ends.</summary>
public struct ImageBorder
{
    /// <summary>Rows of the image, without border.</summary>
    public int Height;

    /// <summary>Columns of the image, without border.</summary>
    public int Width;

    /// <summary>Zeros on each side; 0 for none.</summary>
    public int Size;

    /// <summary>Where feature (channel · Height + y) · Width + x is when every channel has its border.</summary>
    public readonly int RowOf(int feature)
    {
        var row = feature;
        if (Size > 0)
        {
            var line = feature / Width;
            var channel = line / Height;
            var top = (channel * (Height + (2 * Size))) + line - (channel * Height) + Size;
            row = (top * (Width + (2 * Size))) + feature - (line * Width) + Size;
        }

        return row;
    }
}
