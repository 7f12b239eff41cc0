using System.Runtime.CompilerServices;
using JpegLibrary;

namespace Fdfa.Experiments.Data;

/// <summary>An image that does not decode, or not to what it must be. The message is the end of a sentence that names the image.</summary>
internal sealed class BadImageException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Decodes small JPEG images to planes of red, green and blue.</summary>
/// <remarks>
/// JpegLibrary refuses what is cut short. It repeats a chroma sample over the pixels that share it; libjpeg, and so the
/// PIL and PyTorch that others read these images with, interpolates: that is done here, and leaves differences of
/// rounding only. Colours are told apart as libjpeg does; inks become colours as in its djpeg, and in PIL.
/// </remarks>
internal static class JpegImage
{
    /// <summary>Decodes an image.</summary>
    /// <param name="jpeg">The whole file.</param>
    /// <param name="side">The pixels that its sides must have.</param>
    /// <param name="planes">Takes [3 × side × side]; a grey image is all three.</param>
    /// <exception cref="BadImageException">Not a JPEG image of that size; the message names what else it is.</exception>
    public static void Decode(ReadOnlyMemory<byte> jpeg, int side, Span<byte> planes)
    {
        try
        {
            var decoder = new JpegDecoder();
            decoder.SetInput(jpeg);
            decoder.Identify();
            if (decoder.Width != side || decoder.Height != side)
            {
                throw new BadImageException($"has {decoder.Width}×{decoder.Height} pixels, where {side}×{side} are expected");
            }

            if (decoder.NumberOfComponents is not (1 or 3 or 4) || decoder.Precision != 8)
            {
                throw new BadImageException(
                    $"has {decoder.NumberOfComponents} components of {decoder.Precision} bits, where 1, 3 or 4 of 8 are expected");
            }

            for (var component = 0; component < decoder.NumberOfComponents; component++)
            {
                // The decoder divides by them.
                if (decoder.GetHorizontalSampling(component) is < 1 or > 4 || decoder.GetVerticalSampling(component) is < 1 or > 4)
                {
                    throw new BadImageException("has a component with a sampling factor outside 1 to 4");
                }
            }

            var components = new ComponentPlanes(decoder.NumberOfComponents, side);
            decoder.SetOutputWriter(components);
            decoder.Decode();
            int horizontal = MostSampling(decoder.NumberOfComponents, decoder.GetHorizontalSampling);
            int vertical = MostSampling(decoder.NumberOfComponents, decoder.GetVerticalSampling);
            byte[][] interpolated = [.. components.Planes.Select((plane, index) => Interpolate(
                plane, side, horizontal / decoder.GetHorizontalSampling(index), vertical / decoder.GetVerticalSampling(index)))];
            ToColours(JpegMarks.Read(jpeg.Span, decoder.NumberOfComponents), interpolated, planes);
        }
        catch (Exception failure) when (failure is InvalidDataException or InvalidOperationException or ArgumentException
            or IndexOutOfRangeException or OverflowException or NotSupportedException)
        {
            throw new BadImageException(
                FileSignature.Of(jpeg.Span) is { } other and not FileSignature.Jpeg
                    ? $"is {other}, where a JPEG image is expected"
                    : "does not decode",
                failure);
        }
    }

    private static int MostSampling(int components, Func<int, byte> sampling) =>
        Enumerable.Range(0, components).Max(index => sampling(index));

    /// <summary>Between two samples, a pixel is three parts of the nearer and one of the farther; rounding up and down in turn.</summary>
    private static byte[] Interpolate(byte[] plane, int side, int horizontal, int vertical)
    {
        if (horizontal is not (1 or 2) || vertical is not (1 or 2) || horizontal * vertical == 1)
        {
            return plane;
        }

        var result = new byte[plane.Length];
        for (var y = 0; y < side; y++)
        {
            int farY = Far(y, vertical, side);
            for (var x = 0; x < side; x++)
            {
                int farX = Far(x, horizontal, side);
                int near = Sum(x);
                int far = Sum(farX);
                int rounding = (x & 1, y & 1, horizontal, vertical) switch
                {
                    (0, _, 2, 2) => 8,
                    (_, _, 2, 2) => 7,
                    (0, _, 2, 1) => 1,
                    (_, _, 2, 1) => 2,
                    (_, 0, _, _) => 1,
                    _ => 2,
                };
                int sum = horizontal == 2 ? 3 * near + far : near;
                result[y * side + x] = (byte)((sum + rounding) >> (horizontal + vertical == 4 ? 4 : 2));

                int Sum(int column) =>
                    vertical == 2 ? 3 * plane[y * side + column] + plane[farY * side + column] : plane[y * side + column];
            }
        }

        return result;
    }

    /// <summary>A pixel that shows the sample on this pixel's other side; at the border, this pixel.</summary>
    private static int Far(int position, int factor, int side) =>
        factor == 1 ? position : Math.Clamp((position & 1) == 0 ? position - 1 : position + 1, 0, side - 1);

    private static void ToColours(JpegColours kind, byte[][] components, Span<byte> planes)
    {
        int size = components[0].Length;
        Span<byte> red = planes[..size];
        Span<byte> green = planes.Slice(size, size);
        Span<byte> blue = planes.Slice(2 * size, size);
        switch (kind)
        {
            case JpegColours.Grey:
                components[0].CopyTo(red);
                components[0].CopyTo(green);
                components[0].CopyTo(blue);
                break;
            case JpegColours.Rgb or JpegColours.Cmyk:
                components[0].CopyTo(red);
                components[1].CopyTo(green);
                components[2].CopyTo(blue);
                break;
            case JpegColours.YCbCr or JpegColours.Ycck:
                FromLuma(components[0], components[1], components[2], red, green, blue);
                break;
            default:
                throw new InvalidOperationException($"There is no colour {kind}.");
        }

        if (kind == JpegColours.Ycck)
        {
            Invert(planes[..(3 * size)]);
        }

        if (kind is JpegColours.Cmyk or JpegColours.Ycck)
        {
            Darken(red, components[3]);
            Darken(green, components[3]);
            Darken(blue, components[3]);
        }
    }

    /// <summary>JFIF's colours.</summary>
    private static void FromLuma(byte[] luma, byte[] blueness, byte[] redness, Span<byte> reds, Span<byte> greens, Span<byte> blues)
    {
        for (var pixel = 0; pixel < luma.Length; pixel++)
        {
            double blue = blueness[pixel] - 128;
            double red = redness[pixel] - 128;
            reds[pixel] = ToByte(luma[pixel] + 1.402 * red);
            greens[pixel] = ToByte(luma[pixel] - 0.344136286 * blue - 0.714136286 * red);
            blues[pixel] = ToByte(luma[pixel] + 1.772 * blue);
        }
    }

    private static void Invert(Span<byte> values)
    {
        foreach (ref byte value in values)
        {
            value = (byte)(byte.MaxValue - value);
        }
    }

    /// <summary>Black over a colour. Files with inks hold what they leave of the light, as Adobe's programs began to write them.</summary>
    private static void Darken(Span<byte> colour, byte[] black)
    {
        for (var pixel = 0; pixel < colour.Length; pixel++)
        {
            colour[pixel] = ToByte(colour[pixel] * black[pixel] / (double)byte.MaxValue);
        }
    }

    private static byte ToByte(double value) => (byte)Math.Clamp((int)Math.Floor(value + 0.5), 0, 255);

    /// <summary>A plane per component, each sample already repeated over its pixels.</summary>
    private sealed class ComponentPlanes(int count, int side) : JpegBlockOutputWriter
    {
        private const int BlockSide = 8;

        public byte[][] Planes { get; } = [.. Enumerable.Range(0, count).Select(_ => new byte[side * side])];

        public override void WriteBlock(ref short blockRef, int componentIndex, int x, int y)
        {
            byte[] plane = Planes[componentIndex];
            for (var row = 0; row < BlockSide && y + row < side; row++)
            {
                for (var column = 0; column < BlockSide && x + column < side; column++)
                {
                    plane[(y + row) * side + x + column] = (byte)Math.Clamp(
                        Unsafe.Add(ref blockRef, row * BlockSide + column), (short)0, (short)255);
                }
            }
        }
    }
}
