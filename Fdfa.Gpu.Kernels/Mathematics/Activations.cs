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
/// <remarks>The derivative must tell a = 0 from a &lt; 0 by the value alone: a neuron that is off is a negative zero, and an a of −0 a positive one.</remarks>
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
