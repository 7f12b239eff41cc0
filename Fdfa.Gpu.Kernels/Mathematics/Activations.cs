using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>An activation function σ and its slope.</summary>
public interface IActivation
{
    /// <summary>True where the slope takes a itself, which a dense block then keeps; else y = σ(a) says enough.</summary>
    static abstract bool SlopeNeedsPreactivation { get; }

    /// <summary>σ(a).</summary>
    static abstract TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;

    /// <summary>σ'(a) · factor, given y = σ(a); a is anything where the slope does not need it.</summary>
    static abstract TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;
}

/// <summary>σ(a) = a.</summary>
public readonly struct Identity : IActivation
{
    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => preactivation;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => factor;
}

/// <summary>σ(a) = max(a, 0), with σ'(0) = 0.</summary>
public readonly struct ReLU : IActivation
{
    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // This way round a NaN stays one: a diverged run must show in its loss.
        var zero = TLanes.Broadcast(0f);
        return TLanes.SelectGreater(zero, preactivation, zero, preactivation);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var zero = TLanes.Broadcast(0f);
        return TLanes.SelectGreater(y, zero, factor, zero);
    }
}

/// <summary>σ(a) = max(a, 0), with σ'(0) = 1.</summary>
/// <remarks>
/// The derivative must tell a = 0 from a &lt; 0 by the value alone: a neuron that is off is a negative zero, and an a of −0 a positive one.
/// </remarks>
public readonly struct ReLUOpenAtZero : IActivation
{
    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        TLanes.SelectGreater(TLanes.Broadcast(0f), preactivation, TLanes.Broadcast(-0f), TLanes.Abs(preactivation));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // All ones where the sign is set.
        var isOff = TLanes.ShiftRightArithmetic(TLanes.AsBits(y), 31);
        return TLanes.AsFloats(TLanes.AndBits(TLanes.AsBits(factor), TLanes.XorBits(isOff, TLanes.BroadcastBits(uint.MaxValue))));
    }
}

/// <summary>σ(a) = tanh a, σ' = 1 − y².</summary>
public readonly struct Tanh : IActivation
{
    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => LaneMath.Tanh<TLane, TBits, TLanes>(preactivation);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        TLanes.Multiply(factor, TLanes.Subtract(TLanes.Broadcast(1f), TLanes.Multiply(y, y)));
}

/// <summary>σ(a) = a where a is above 0, else a/100.</summary>
public readonly struct LeakyReLU : IActivation
{
    private const float Leak = 0.01f;

    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => TimesSlope<TLane, TBits, TLanes>(preactivation, preactivation, preactivation);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        TLanes.SelectGreater(y, TLanes.Broadcast(0f), factor, TLanes.Multiply(factor, TLanes.Broadcast(Leak)));
}

/// <summary>σ(a) = a Φ(a), σ' = Φ(a) + a φ(a).</summary>
public readonly struct GELU : IActivation
{
    private const float InverseRootOfTwoPi = 0.398942280f;

    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        TLanes.Multiply(
            preactivation,
            LaneMath.NormalCumulative<TLane, TBits, TLanes>(preactivation, Exponential<TLane, TBits, TLanes>(preactivation)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var exponential = Exponential<TLane, TBits, TLanes>(a);
        var density = TLanes.Multiply(exponential, TLanes.Broadcast(InverseRootOfTwoPi));
        var slope = TLanes.MultiplyAdd(a, density, LaneMath.NormalCumulative<TLane, TBits, TLanes>(a, exponential));
        return TLanes.Multiply(slope, factor);
    }

    // e^(−a²/2)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLane Exponential<TLane, TBits, TLanes>(TLane a)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        LaneMath.ExpOfNonPositive<TLane, TBits, TLanes>(TLanes.Multiply(TLanes.Multiply(a, a), TLanes.Broadcast(-0.5f)));
}

/// <summary>σ(a) = a s, σ' = s (1 + a (1 − s)), with s = 1 / (1 + e⁻ᵃ).</summary>
public readonly struct SiLU : IActivation
{
    /// <inheritdoc/>
    public static bool SlopeNeedsPreactivation => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Value<TLane, TBits, TLanes>(TLane preactivation)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        TLanes.Multiply(preactivation, LaneMath.Sigmoid<TLane, TBits, TLanes>(preactivation));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane TimesSlope<TLane, TBits, TLanes>(TLane a, TLane y, TLane factor)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var s = LaneMath.Sigmoid<TLane, TBits, TLanes>(a);
        var one = TLanes.Broadcast(1f);
        var slope = TLanes.Multiply(s, TLanes.MultiplyAdd(a, TLanes.Subtract(one, s), one));
        return TLanes.Multiply(slope, factor);
    }
}
