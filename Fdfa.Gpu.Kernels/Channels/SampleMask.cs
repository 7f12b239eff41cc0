using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>Columns are padded beyond the batch; what is summed over samples must not see them.</summary>
internal static class SampleMask
{
    /// <summary>The value where column, column + 1, … are samples, zero where not; whatever was there, NaN too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Keep<TLane, TBits, TLanes>(TLane value, int column, int samples)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var kept = value;
        if (column + TLanes.Count > samples)
        {
            var sample = TLanes.ConvertToFloats(TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column)));
            kept = TLanes.SelectGreater(TLanes.Broadcast(samples), sample, value, TLanes.Broadcast(0f));
        }

        return kept;
    }
}
