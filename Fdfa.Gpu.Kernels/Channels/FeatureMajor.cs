using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>Writes a block's outputs where the blocks that read them look for them.</summary>
internal static class FeatureMajor
{
    /// <summary>Writes output row c · Q + q at a column, activations or tangents.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLane, TBits, TLanes>(in OutputMap output, int row, int stride, int column, TLane value)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (output.Features.Length > 0)
        {
            TLanes.Store(output.Features, (row * stride) + column, value);
        }

        if (output.BorderedFeatures.Length > 0)
        {
            TLanes.Store(output.BorderedFeatures, (output.Border.RowOf(row) * stride) + column, value);
        }
    }
}
