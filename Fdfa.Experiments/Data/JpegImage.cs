using System.Runtime.CompilerServices;
using JpegLibrary;

namespace Fdfa.Experiments.Data;

/// <summary>An image that does not decode, or not to what it must be. The message is the end of a sentence that names the image.</summary>
internal sealed class BadImageException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Decodes small JPEG images to planes of red, green and blue.</summary>
/// <remarks>
/// JpegLibrary refuses what is cut short. It repeats a chroma sample over the pixels that share it; libjpeg, and so the
/// PIL and PyTorch that others read these images with, interpolates: that is done here, and leaves differences of
/// rounding only.
/// </remarks>
internal static class JpegImage
{
    /// <summary>Decodes an image.</summary>
    /// <param name="jpeg">The whole file.</param>
    /// <param name="side">The pixels that its sides must have.</param>
    /// <param name="planes">Takes [3 × side × side]; a grey image is all three.</param>
    /// <exception cref="BadImageException">Not a JPEG image of that size.</exception>
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

            if (decoder.NumberOfComponents is not (1 or 3) || decoder.Precision != 8)
            {
                throw new BadImageException($"has {decoder.NumberOfComponents} components of {decoder.Precision} bits, where 1 or 3 of 8 are expected");
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
            if (decoder.NumberOfComponents == 1)
            {
                for (var channel = 0; channel < 3; channel++)
                {
                    components.Planes[0].CopyTo(planes[(channel * side * side)..]);
                }

                return;
            }

            byte[][] interpolated = [.. components.Planes.Select((plane, index) => Interpolate(
                plane, side, MostSampling(decoder.GetHorizontalSampling) / decoder.GetHorizontalSampling(index), MostSampling(decoder.GetVerticalSampling) / decoder.GetVerticalSampling(index)))];
            ToColours(interpolated[0], interpolated[1], interpolated[2], planes);
        }
        catch (Exception failure) when (failure is InvalidDataException or InvalidOperationException or ArgumentException or IndexOutOfRangeException or OverflowException or NotSupportedException)
        {
            throw new BadImageException("does not decode", failure);
        }
    }

    private static int MostSampling(Func<int, byte> sampling) => Enumerable.Range(0, 3).Max(index => sampling(index));

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

                int Sum(int column) => vertical == 2 ? 3 * plane[y * side + column] + plane[farY * side + column] : plane[y * side + column];
            }
        }

        return result;
    }

    /// <summary>A pixel that shows the sample on this pixel's other side; at the border, this pixel.</summary>
    private static int Far(int position, int factor, int side) =>
        factor == 1 ? position : Math.Clamp((position & 1) == 0 ? position - 1 : position + 1, 0, side - 1);

    /// <summary>JFIF's colours.</summary>
    private static void ToColours(byte[] luma, byte[] blueness, byte[] redness, Span<byte> planes)
    {
        int size = luma.Length;
        for (var pixel = 0; pixel < size; pixel++)
        {
            double blue = blueness[pixel] - 128;
            double red = redness[pixel] - 128;
            planes[pixel] = ToByte(luma[pixel] + 1.402 * red);
            planes[size + pixel] = ToByte(luma[pixel] - 0.344136286 * blue - 0.714136286 * red);
            planes[2 * size + pixel] = ToByte(luma[pixel] + 1.772 * blue);
        }

        static byte ToByte(double value) => (byte)Math.Clamp((int)Math.Floor(value + 0.5), 0, 255);
    }

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
                    plane[(y + row) * side + x + column] = (byte)Math.Clamp(Unsafe.Add(ref blockRef, row * BlockSide + column), (short)0, (short)255);
                }
            }
        }
    }
}
