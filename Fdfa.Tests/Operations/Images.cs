using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>A convolution's geometry, written out by hand: what <see cref="TapGeometry"/> says of it, and what it means.</summary>
/// <param name="Channels">Of the input.</param>
/// <param name="Height">Rows of an image.</param>
/// <param name="Width">Columns of an image.</param>
/// <param name="Kernel">Side of a filter.</param>
/// <param name="Stride">From window to window.</param>
/// <param name="Padding">Zeros on each side.</param>
internal sealed record Images(int Channels, int Height, int Width, int Kernel, int Stride, int Padding)
{
    public int MapHeight => ((Height + (2 * Padding) - Kernel) / Stride) + 1;

    public int MapWidth => ((Width + (2 * Padding) - Kernel) / Stride) + 1;

    public int Positions => MapHeight * MapWidth;

    public int Taps => Channels * Kernel * Kernel;

    private int FullHeight => Height + (2 * Padding);

    private int FullWidth => Width + (2 * Padding);

    /// <summary>Images of small whole numbers, feature-major, with their border of zeros.</summary>
    public float[] Draw(OperationRun run, int columns, int stride)
    {
        var values = run.Draw(Channels * FullHeight * FullWidth, columns, stride);
        for (var row = 0; row < Channels * FullHeight * FullWidth; row++)
        {
            var (y, x) = (row / FullWidth % FullHeight, row % FullWidth);
            if (y < Padding || y >= Padding + Height || x < Padding || x >= Padding + Width)
            {
                values.AsSpan(row * stride, columns).Clear();
            }
        }

        return values;
    }

    /// <summary>What tap (channel, ky, kx) sees at a position.</summary>
    public float At(float[] values, int stride, int tap, int position, int column)
    {
        var (channel, ky, kx) = (tap / (Kernel * Kernel), tap / Kernel % Kernel, tap % Kernel);
        var (y, x) = ((position / MapWidth * Stride) + ky, (position % MapWidth * Stride) + kx);
        return values[((((channel * FullHeight) + y) * FullWidth) + x) * stride + column];
    }

    public TapGeometry Geometry(OperationRun run, ArrayView<float> inputs, int stride) => new()
    {
        Inputs = inputs,
        Taps = run.Upload(Enumerable.Range(0, Taps)
            .Select(tap =>
                ((tap / (Kernel * Kernel) * FullHeight * FullWidth) + (tap / Kernel % Kernel * FullWidth) + (tap % Kernel)) * stride)
            .ToArray()),
        Count = Taps,
        Positions = Positions,
        MapWidth = MapWidth,
        RowStep = Stride * FullWidth * stride,
        ColumnStep = Stride * stride,
    };
}
