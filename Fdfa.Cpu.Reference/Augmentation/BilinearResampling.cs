using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Augmentation;

/// <summary>An input from a crop of an image, channel by channel, scaled to −1 … 1.</summary>
/// <remarks>
/// Pixels are squares whose values stand at their centres (torchvision's convention). Of a crop of h rows, row i of T reads
/// <code>
/// y = max((i + ½)·h/T − ½, 0),  y₀ = ⌊y⌋,  y₁ = min(y₀ + 1, h − 1),  f = y − y₀
/// </code>
/// likewise x₀, x₁ and g of column j: nothing outside the crop is read. With v the crop's bytes
/// <code>
/// input[i, j] = ((1 − f)·((1 − g)·v[y₀, x₀] + g·v[y₀, x₁]) + f·((1 − g)·v[y₁, x₀] + g·v[y₁, x₁]))·2/255 − 1
/// </code>
/// </remarks>
public static class BilinearResampling
{
    /// <summary>The input.</summary>
    /// <param name="image">The image's bytes, ordered channel, row, column.</param>
    /// <param name="shape">The image's shape.</param>
    /// <param name="crop">The part of it that is read.</param>
    /// <param name="side">T, rows and columns of the input.</param>
    /// <returns>[channels × T × T].</returns>
    public static double[] Run(ReadOnlySpan<byte> image, ImageShape shape, ImageCrop crop, int side)
    {
        var input = new double[shape.Channels * side * side];
        for (var channel = 0; channel < shape.Channels; channel++)
        {
            for (var i = 0; i < side; i++)
            {
                var (y0, y1, f) = Neighbours(i, side, crop.Height);
                for (var j = 0; j < side; j++)
                {
                    var (x0, x1, g) = Neighbours(j, side, crop.Width);
                    double above = ((1 - g) * At(image, shape, crop, channel, y0, x0)) + (g * At(image, shape, crop, channel, y0, x1));
                    double below = ((1 - g) * At(image, shape, crop, channel, y1, x0)) + (g * At(image, shape, crop, channel, y1, x1));
                    input[(((channel * side) + i) * side) + j] = ((((1 - f) * above) + (f * below)) * 2 / 255) - 1;
                }
            }
        }

        return input;
    }

    private static (int Low, int High, double Fraction) Neighbours(int index, int side, int length)
    {
        double position = Math.Max(((index + 0.5) * length / side) - 0.5, 0);
        var low = (int)position;
        return (low, Math.Min(low + 1, length - 1), position - low);
    }

    private static byte At(ReadOnlySpan<byte> image, ImageShape shape, ImageCrop crop, int channel, int row, int column)
    {
        int cropped = crop.Left + column;
        return image[shape.IndexOf(channel, crop.Top + row, crop.IsFlipped ? shape.Width - 1 - cropped : cropped)];
    }
}
