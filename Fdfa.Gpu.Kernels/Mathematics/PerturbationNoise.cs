using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Perturbations u and V from a counter: the same on every device, regenerated from a step number.</summary>
/// <remarks>
/// Philox 4×32-10 (Salmon et al., 2011) at counter (element / 4, direction · 2²⁴ + sample, purpose · 2¹⁶ + block, step) under
/// the seed as key gives four words x₀…x₃ for four neighbouring neurons. Box–Muller on (x₀, x₁) and (x₂, x₃):
///   r = √(−2 ln u₁),  u₁ = (⌊x_even / 2⁸⌋ + 1) · 2⁻²⁴,  θ = 2π ⌊x_odd / 2⁸⌋ · 2⁻²⁴,  z = (r cos θ, r sin θ);
/// Rademacher: 1 with the sign of the word's highest bit. Antithetic: odd directions are the even ones before them, negated.
/// Agrees with the reference's PerturbationNoise to 2⁻²⁰ (single against double precision).
/// </remarks>
public struct PerturbationNoise
{
    /// <summary>Purpose of perturbations of activations, u.</summary>
    public const uint OfActivations = 0;

    /// <summary>Purpose of perturbations of weights, V.</summary>
    public const uint OfWeights = 4 << 16;

    /// <summary>The seed's low word.</summary>
    public uint SeedLow;

    /// <summary>The seed's high word.</summary>
    public uint SeedHigh;

    /// <summary>The step.</summary>
    public uint Step;

    /// <summary>1 for Rademacher, 0 for normal.</summary>
    public int IsRademacher;

    /// <summary>1 where directions come in pairs.</summary>
    public int IsAntithetic;

    /// <summary>A replica's noise.</summary>
    /// <param name="options">Step and distribution.</param>
    /// <param name="seeds">Two words per replica.</param>
    /// <param name="replica">The replica.</param>
    public static PerturbationNoise Of(PerturbationNoise options, ArrayView<uint> seeds, int replica)
    {
        options.SeedLow = seeds[2 * replica];
        options.SeedHigh = seeds[(2 * replica) + 1];
        return options;
    }

    /// <summary>Four neighbouring neurons' perturbations, in each lane for its own counter.</summary>
    /// <param name="stream">Purpose + block.</param>
    /// <param name="quads">First word of the counters: element / 4.</param>
    /// <param name="samples">Samples; 0 where they share a perturbation.</param>
    /// <param name="direction">0 … K − 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly LaneQuad<TLane> Sample<TLane, TBits, TLanes>(uint stream, TBits quads, TBits samples, int direction)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var isNegated = IsAntithetic & direction & 1;
        var rows = TLanes.AddBits(samples, TLanes.BroadcastBits((uint)(direction - isNegated) << 24));
        var words = Philox4x32.Generate<TBits, TLane, TLanes>(quads, rows, stream, Step, SeedLow, SeedHigh);
        LaneQuad<TLane> values;
        if (IsRademacher != 0)
        {
            values = new LaneQuad<TLane>(
                Sign<TLane, TBits, TLanes>(words.First),
                Sign<TLane, TBits, TLanes>(words.Second),
                Sign<TLane, TBits, TLanes>(words.Third),
                Sign<TLane, TBits, TLanes>(words.Fourth));
        }
        else
        {
            var near = BoxMuller<TLane, TBits, TLanes>(words.First, words.Second);
            var far = BoxMuller<TLane, TBits, TLanes>(words.Third, words.Fourth);
            values = new LaneQuad<TLane>(near.First, near.Second, far.First, far.Second);
        }

        var factor = TLanes.Broadcast(1f - (2f * isNegated));
        return new LaneQuad<TLane>(
            TLanes.Multiply(values.First, factor),
            TLanes.Multiply(values.Second, factor),
            TLanes.Multiply(values.Third, factor),
            TLanes.Multiply(values.Fourth, factor));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLane Sign<TLane, TBits, TLanes>(TBits word)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        TLanes.AsFloats(TLanes.XorBits(
            TLanes.AsBits(TLanes.Broadcast(1f)), TLanes.AndBits(word, TLanes.BroadcastBits(0x8000_0000))));

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
