using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Philox 4×32-10 (Salmon et al., 2011): four random words from a counter and a key, the same on every device.</summary>
/// <remarks>Agrees with the reference's Philox4x32, bit for bit.</remarks>
public static class Philox4x32
{
    private const uint Multiplier0 = 0xD251_1F53;
    private const uint Multiplier1 = 0xCD9E_8D57;
    private const uint Weyl0 = 0x9E37_79B9;
    private const uint Weyl1 = 0xBB67_AE85;

    /// <summary>In each lane the four words of its counter.</summary>
    /// <param name="c0">Counters, lowest words.</param>
    /// <param name="c1">Counters, second words.</param>
    /// <param name="c2">Third word, the same in every lane.</param>
    /// <param name="c3">Highest word, the same in every lane.</param>
    /// <param name="key0">Key, low word.</param>
    /// <param name="key1">Key, high word.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneQuad<TBits> Generate<TBits, TLane, TLanes>(TBits c0, TBits c1, uint c2, uint c3, uint key0, uint key1)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var x0 = c0;
        var x1 = c1;
        var x2 = TLanes.BroadcastBits(c2);
        var x3 = TLanes.BroadcastBits(c3);
        var m0 = TLanes.BroadcastBits(Multiplier0);
        var m1 = TLanes.BroadcastBits(Multiplier1);
        for (var round = 0; round < 10; round++)
        {
            var high0 = TLanes.MultiplyHigh(x0, m0);
            var low0 = TLanes.MultiplyLow(x0, m0);
            var high1 = TLanes.MultiplyHigh(x2, m1);
            var low1 = TLanes.MultiplyLow(x2, m1);
            x0 = TLanes.XorBits(TLanes.XorBits(high1, x1), TLanes.BroadcastBits(key0));
            x2 = TLanes.XorBits(TLanes.XorBits(high0, x3), TLanes.BroadcastBits(key1));
            x1 = low1;
            x3 = low0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return new LaneQuad<TBits>(x0, x1, x2, x3);
    }
}
