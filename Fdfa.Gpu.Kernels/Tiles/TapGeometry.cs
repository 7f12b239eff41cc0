using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>What a convolution's filters see: at each position of the map, one value of the input per tap.</summary>
/// <remarks>
/// The input is feature-major, [rows × stride], a row per channel and pixel and a column per sample (and direction). Tap
/// k = (channel, ky, kx) at position p = (py, px) reads the row that begins at
///   Taps[k] + py · RowStep + px · ColumnStep
/// for all columns at once. Nothing is gathered or copied, and nothing is asked at the border: where a convolution is padded,
/// its input has rows of zeros around every channel. A dense map is the same with one position.
/// </remarks>
public struct TapGeometry
{
    /// <summary>The input, of one replica.</summary>
    public ArrayView<float> Inputs;

    /// <summary>Where each tap's row begins, at position 0: [<see cref="Count"/>].</summary>
    public ArrayView<int> Taps;

    /// <summary>Taps of a filter: input channels × kernel × kernel.</summary>
    public int Count;

    /// <summary>Positions of the map, P.</summary>
    public int Positions;

    /// <summary>Positions in a row of the map.</summary>
    public int MapWidth;

    /// <summary>From a position to the one below it, in elements of <see cref="Inputs"/>.</summary>
    public int RowStep;

    /// <summary>From a position to the one on its right.</summary>
    public int ColumnStep;

    /// <summary>Where a position's first column begins, to which a tap's is added.</summary>
    public readonly int OffsetOf(int position)
    {
        var y = position / MapWidth;
        return (y * RowStep) + ((position - (y * MapWidth)) * ColumnStep);
    }
}

/// <summary>z[c · P + p, s] = Σ_k Filters(c, k) · Inputs(tap k at position p, s).</summary>
public struct Convolution
{
    /// <summary>What the filters see.</summary>
    public TapGeometry Geometry;

    /// <summary>Filters [channels × <see cref="FilterStride"/>].</summary>
    public ArrayView<float> Filters;

    /// <summary>Distance between filters.</summary>
    public int FilterStride;

    /// <summary>First channel.</summary>
    public int ChannelBegin;

    /// <summary>One past the last channel.</summary>
    public int ChannelEnd;

    /// <summary>One past the last column, a multiple of 16; the first is 0.</summary>
    public int ColumnEnd;
}

/// <summary>
/// ∇[c, k] = Σ_p Σ_s Deltas[c · P + p, s] · Inputs(tap k at position p, s): the gradient of a <see cref="Convolution"/>'s filters.
/// </summary>
public struct Correlation
{
    /// <summary>What the filters saw.</summary>
    public TapGeometry Geometry;

    /// <summary>Feature-major [channels · P × <see cref="DeltaStride"/>]; zero where there is no sample.</summary>
    public ArrayView<float> Deltas;

    /// <summary>Distance between rows of <see cref="Deltas"/>.</summary>
    public int DeltaStride;

    /// <summary>∇, written (=): [channels × <see cref="TargetStride"/>].</summary>
    public ArrayView<float> Target;

    /// <summary>Distance between rows of <see cref="Target"/>.</summary>
    public int TargetStride;

    /// <summary>First channel.</summary>
    public int ChannelBegin;

    /// <summary>One past the last channel.</summary>
    public int ChannelEnd;

    /// <summary>One past the last sample, rounded up to a multiple of 16.</summary>
    public int ColumnEnd;
}
