using System.Runtime.CompilerServices;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Writes four neighbouring rows of a feature-major buffer.</summary>
internal static class FourRows
{
    /// <summary>Writes the first <paramref name="count"/> of the values, of which there are four; what lies beyond is left alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLane, TBits, TLanes>(ArrayView<float> target, int index, int stride, int count, LaneQuad<TLane> values)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (count > 0)
        {
            TLanes.Store(target, index, values.First);
        }

        if (count > 1)
        {
            TLanes.Store(target, index + stride, values.Second);
        }

        if (count > 2)
        {
            TLanes.Store(target, index + (2 * stride), values.Third);
        }

        if (count > 3)
        {
            TLanes.Store(target, index + (3 * stride), values.Fourth);
        }
    }
}
