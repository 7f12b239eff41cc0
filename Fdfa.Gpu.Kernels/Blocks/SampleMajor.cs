using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>Writes four neighbouring neurons of neighbouring samples into a sample-major buffer.</summary>
internal static class SampleMajor
{
    /// <summary>
    /// Writes the first <paramref name="count"/> of the values, of which there are four; what lies beyond in a row is left alone.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLane, TBits, TLanes>(
        ArrayView<float> target, int index, int stride, int count, TLane first, TLane second, TLane third, TLane fourth)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (count >= 4)
        {
            TLanes.StoreTransposed(target, index, stride, first, second, third, fourth);
            return;
        }

        if (count > 0)
        {
            TLanes.StoreStrided(target, index, stride, first);
        }

        if (count > 1)
        {
            TLanes.StoreStrided(target, index + 1, stride, second);
        }

        if (count > 2)
        {
            TLanes.StoreStrided(target, index + 2, stride, third);
        }
    }
}
