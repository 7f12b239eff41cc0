using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Elementary functions in single precision, the same code on every device.</summary>
/// <remarks>
/// ILGPU maps tanh and exp to approximate instructions on CUDA, and a CPU has no vector versions. Minimax polynomials as
/// in Cephes (S. Moshier); relative errors below 2⁻²² on the ranges stated.
/// </remarks>
public static class LaneMath
{
    private const float LogarithmOf2High = 0.693359375f;
    private const float LogarithmOf2Low = -2.12194440e-4f;

    /// <summary><c>value is NaN ? whenNaN : whenNumber</c>, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane SelectNaN<TLane, TBits, TLanes>(TLane value, TLane whenNaN, TLane whenNumber)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // Beyond the bits of infinity there are NaNs alone: all ones where the difference is negative.
        const uint Infinity = 0x7F80_0000;
        var magnitude = TLanes.AsBits(TLanes.Abs(value));
        var isNaN = TLanes.ShiftRightArithmetic(TLanes.SubtractBits(TLanes.BroadcastBits(Infinity), magnitude), 31);
        return TLanes.SelectEqual(isNaN, TLanes.BroadcastBits(uint.MaxValue), whenNaN, whenNumber);
    }

    /// <summary>ln x for positive, normal x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Log<TLane, TBits, TLanes>(TLane x)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // x = 2^e · m with m in [√½, √2): subtracting √½'s bits makes the exponent field round there.
        var bits = TLanes.AsBits(x);
        var exponent = TLanes.ShiftRightArithmetic(TLanes.SubtractBits(bits, TLanes.BroadcastBits(0x3F35_04F3)), 23);
        var e = TLanes.ConvertToFloats(exponent);
        var f = TLanes.Subtract(
            TLanes.AsFloats(TLanes.SubtractBits(bits, TLanes.ShiftLeft(exponent, 23))),
            TLanes.Broadcast(1f));
        var square = TLanes.Multiply(f, f);
        var p = TLanes.Broadcast(7.0376836292e-2f);
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-1.1514610310e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(1.1676998740e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-1.2420140846e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(1.4249322787e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-1.6668057665e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(2.0000714765e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-2.4999993993e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(3.3333331174e-1f));
        p = TLanes.Multiply(TLanes.Multiply(p, f), square);
        p = TLanes.MultiplyAdd(e, TLanes.Broadcast(LogarithmOf2Low), p);
        p = TLanes.MultiplyAdd(square, TLanes.Broadcast(-0.5f), p);
        return TLanes.MultiplyAdd(e, TLanes.Broadcast(LogarithmOf2High), TLanes.Add(f, p));
    }

    /// <summary>eˣ for x ≤ 0; 2⁻¹²⁶ or less becomes about 2⁻¹²⁶.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane ExpOfNonPositive<TLane, TBits, TLanes>(TLane x)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // SelectGreater is false for NaN, so a NaN goes through instead of turning into the bound.
        var bound = TLanes.Broadcast(-87f);
        x = TLanes.SelectGreater(bound, x, bound, x);
        var whole = TLanes.ConvertToInts(TLanes.MultiplyAdd(x, TLanes.Broadcast(1.44269504f), TLanes.Broadcast(-0.5f)));
        var n = TLanes.ConvertToFloats(whole);
        var r = TLanes.MultiplyAdd(n, TLanes.Broadcast(-LogarithmOf2High), x);
        r = TLanes.MultiplyAdd(n, TLanes.Broadcast(-LogarithmOf2Low), r);
        var p = TLanes.Broadcast(1.9875691500e-4f);
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(5.0000001201e-1f));
        p = TLanes.Add(TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), r), TLanes.Broadcast(1f));
        var scale = TLanes.AsFloats(TLanes.ShiftLeft(TLanes.AddBits(whole, TLanes.BroadcastBits(127)), 23));
        return TLanes.Multiply(p, scale);
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Sigmoid<TLane, TBits, TLanes>(TLane x)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // e^(−|x|) never overflows; below zero it stands above the fraction too.
        var one = TLanes.Broadcast(1f);
        var exponential = ExpOfNonPositive<TLane, TBits, TLanes>(TLanes.Multiply(TLanes.Abs(x), TLanes.Broadcast(-1f)));
        return TLanes.Divide(TLanes.SelectGreater(TLanes.Broadcast(0f), x, exponential, one), TLanes.Add(one, exponential));
    }

    /// <summary>Φ(x), the cumulative of the standard normal distribution, to 10⁻⁷ (Abramowitz and Stegun, 7.1.26).</summary>
    /// <param name="x">Any number.</param>
    /// <param name="exponential">e^(−x²/2).</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane NormalCumulative<TLane, TBits, TLanes>(TLane x, TLane exponential)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var one = TLanes.Broadcast(1f);
        var t = TLanes.Divide(one, TLanes.MultiplyAdd(TLanes.Abs(x), TLanes.Broadcast(0.3275911f * 0.70710678f), one));
        var p = TLanes.Broadcast(1.061405429f);
        p = TLanes.MultiplyAdd(p, t, TLanes.Broadcast(-1.453152027f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Broadcast(1.421413741f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Broadcast(-0.284496736f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Broadcast(0.254829592f));
        var tail = TLanes.Multiply(TLanes.Multiply(TLanes.Multiply(p, t), exponential), TLanes.Broadcast(0.5f));
        return TLanes.SelectGreater(TLanes.Broadcast(0f), x, tail, TLanes.Subtract(one, tail));
    }

    /// <summary>tanh x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Tanh<TLane, TBits, TLanes>(TLane x)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var magnitude = TLanes.Abs(x);
        var one = TLanes.Broadcast(1f);
        var exponential = ExpOfNonPositive<TLane, TBits, TLanes>(TLanes.Multiply(magnitude, TLanes.Broadcast(-2f)));
        var large = TLanes.Divide(TLanes.Subtract(one, exponential), TLanes.Add(one, exponential));
        var sign = TLanes.AndBits(TLanes.AsBits(x), TLanes.BroadcastBits(0x8000_0000));
        large = TLanes.AsFloats(TLanes.XorBits(TLanes.AsBits(large), sign));

        // Near zero 1 − e^(−2|x|) cancels; an odd polynomial keeps the relative error small there.
        var square = TLanes.Multiply(x, x);
        var p = TLanes.Broadcast(-5.70498872745e-3f);
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(2.06390887954e-2f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(-5.37397155531e-2f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(1.33314422036e-1f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(-3.33332819422e-1f));
        var small = TLanes.MultiplyAdd(TLanes.Multiply(p, square), x, x);
        return TLanes.SelectGreater(magnitude, TLanes.Broadcast(0.625f), large, small);
    }

    /// <summary>cos 2πt and sin 2πt for t = turns · 2⁻²⁴, turns in 0 … 2²⁴ − 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePair<TLane> CosineAndSineOfTurns<TLane, TBits, TLanes>(TBits turns)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        // The nearest quarter turn is taken off in whole numbers, so the argument below is exact.
        var quarter = TLanes.ShiftRight(TLanes.AddBits(turns, TLanes.BroadcastBits(1u << 21)), 22);
        var rest = TLanes.ConvertToFloats(TLanes.SubtractBits(turns, TLanes.ShiftLeft(quarter, 22)));
        var x = TLanes.Multiply(rest, TLanes.Broadcast(3.7450703e-7f));
        var square = TLanes.Multiply(x, x);

        var s = TLanes.Broadcast(-1.9515295891e-4f);
        s = TLanes.MultiplyAdd(s, square, TLanes.Broadcast(8.3321608736e-3f));
        s = TLanes.MultiplyAdd(s, square, TLanes.Broadcast(-1.6666654611e-1f));
        s = TLanes.MultiplyAdd(TLanes.Multiply(s, square), x, x);

        var c = TLanes.Broadcast(2.443315711809948e-5f);
        c = TLanes.MultiplyAdd(c, square, TLanes.Broadcast(-1.388731625493765e-3f));
        c = TLanes.MultiplyAdd(c, square, TLanes.Broadcast(4.166664568298827e-2f));
        c = TLanes.MultiplyAdd(c, square, TLanes.Broadcast(-0.5f));
        c = TLanes.MultiplyAdd(c, square, TLanes.Broadcast(1f));

        // Quarters 1 and 3 swap the two; the cosine is negative in quarters 1 and 2, the sine in 2 and 3.
        var one = TLanes.BroadcastBits(1);
        var two = TLanes.BroadcastBits(2);
        var swap = TLanes.SubtractBits(TLanes.BroadcastBits(0), TLanes.AndBits(quarter, one));
        var difference = TLanes.AndBits(TLanes.XorBits(TLanes.AsBits(c), TLanes.AsBits(s)), swap);
        var cosineSign = TLanes.ShiftLeft(TLanes.AndBits(TLanes.AddBits(quarter, one), two), 30);
        var sineSign = TLanes.ShiftLeft(TLanes.AndBits(quarter, two), 30);
        return new LanePair<TLane>(
            TLanes.AsFloats(TLanes.XorBits(TLanes.XorBits(TLanes.AsBits(c), difference), cosineSign)),
            TLanes.AsFloats(TLanes.XorBits(TLanes.XorBits(TLanes.AsBits(s), difference), sineSign)));
    }
}
