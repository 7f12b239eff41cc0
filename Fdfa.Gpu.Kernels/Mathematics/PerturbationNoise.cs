using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Standard normal perturbations u from a counter: the same on every device, regenerated from a step number.</summary>
/// <remarks>
/// Philox 4×32-10 (Salmon et al., 2011) at counter (neuron / 4, sample, purpose · 2¹⁶ + block, step), purpose 0, under the seed as key gives four words
/// x₀…x₃ for four neighbouring neurons. Box–Muller on (x₀, x₁) and (x₂, x₃):
///   r = √(−2 ln u₁),  u₁ = (⌊x_even / 2⁸⌋ + 1) · 2⁻²⁴,  θ = 2π ⌊x_odd / 2⁸⌋ · 2⁻²⁴,  z = (r cos θ, r sin θ).
/// Agrees with the reference's PerturbationNoise to 2⁻²⁰ (single against double precision).
/// </remarks>
public static class PerturbationNoise
{
    private const uint Multiplier0 = 0xD251_1F53;
    private const uint Multiplier1 = 0xCD9E_8D57;
    private const uint Weyl0 = 0x9E37_79B9;
    private const uint Weyl1 = 0xBB67_AE85;

    /// <summary>The perturbations of neurons 4 · <paramref name="quad"/> … + 3 for neighbouring samples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneQuad<TLane> Sample<TLane, TBits, TLanes>(uint seedLow, uint seedHigh, uint step, uint block, TBits samples, uint quad)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var words = Philox<TBits, TLane, TLanes>(quad, samples, block, step, seedLow, seedHigh);
        var near = BoxMuller<TLane, TBits, TLanes>(words.First, words.Second);
        var far = BoxMuller<TLane, TBits, TLanes>(words.Third, words.Fourth);
        return new LaneQuad<TLane>(near.First, near.Second, far.First, far.Second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LaneQuad<TBits> Philox<TBits, TLane, TLanes>(uint c0, TBits c1, uint c2, uint c3, uint key0, uint key1)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var x0 = TLanes.BroadcastBits(c0);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LanePair<TLane> BoxMuller<TLane, TBits, TLanes>(TBits even, TBits odd)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var uniform = TLanes.Multiply(
            TLanes.ConvertToFloats(TLanes.AddBits(TLanes.ShiftRight(even, 8), TLanes.BroadcastBits(1))),
            TLanes.Broadcast(5.9604644775390625e-8f));
        var radius = TLanes.SquareRoot(TLanes.Multiply(
            TLanes.Broadcast(-2f),
            LaneMath.Log<TLane, TBits, TLanes>(uniform)));
        var direction = LaneMath.CosineAndSineOfTurns<TLane, TBits, TLanes>(TLanes.ShiftRight(odd, 8));
        return new LanePair<TLane>(
            TLanes.Multiply(radius, direction.First),
            TLanes.Multiply(radius, direction.Second));
    }
}
