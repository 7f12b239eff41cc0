using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Parameters with what their optimizer remembers of them; moments that it does not have are empty.</summary>
public struct OptimizedParameters
{
    /// <summary>θ.</summary>
    public ArrayView<float> Values;

    /// <summary>m, as long as θ.</summary>
    public ArrayView<float> FirstMoments;

    /// <summary>v, as long as θ.</summary>
    public ArrayView<float> SecondMoments;
}

/// <summary>An optimizer's numbers for one step, worked out by the host in double precision.</summary>
public struct OptimizerStep
{
    /// <summary>The learning rate; Adam's divided by 1 − β₁ᵗ.</summary>
    public float Rate;

    /// <summary>1 / √(1 − β₂ᵗ).</summary>
    public float InverseRootCorrection;

    /// <summary>The share that stays: of the moment, μ; of θ under AdamW, 1 − λ · decay.</summary>
    public float Keep;
}

/// <summary>What decides an optimizer's numbers.</summary>
/// <param name="Rate">λ, or α of feedback.</param>
/// <param name="Count">The step, from 1.</param>
/// <param name="Momentum">μ.</param>
/// <param name="WeightDecay">AdamW's.</param>
public readonly record struct OptimizerSettings(double Rate, long Count, double Momentum, double WeightDecay);

/// <summary>How parameters follow their gradient.</summary>
public interface IOptimizer
{
    /// <summary>Moments that are used: none, the first, or both.</summary>
    static abstract int MomentCount { get; }

    /// <summary>On the host: the numbers of a step.</summary>
    static abstract OptimizerStep StepAt(OptimizerSettings settings);

    /// <summary>Updates parameters index … index + TLanes.Count − 1 in place.</summary>
    static abstract void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;
}

/// <summary>θ ← θ − λ∇.</summary>
public readonly struct Sgd : IOptimizer
{
    /// <inheritdoc/>
    public static int MomentCount => 0;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(OptimizerSettings settings) => new() { Rate = (float)settings.Rate };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var value = TLanes.Load(parameters.Values, index);
        TLanes.Store(parameters.Values, index, TLanes.MultiplyAdd(TLanes.Broadcast(-step.Rate), gradient, value));
    }
}

/// <summary>m ← m + (1 − β₁)(∇ − m),  v ← v + (1 − β₂)(∇² − v),  θ ← θ − λ/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε).</summary>
public readonly struct Adam : IOptimizer
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const float Epsilon = 1e-8f;

    /// <inheritdoc/>
    public static int MomentCount => 2;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(OptimizerSettings settings) => new()
    {
        Rate = (float)(settings.Rate / (1 - Math.Pow(Beta1, settings.Count))),
        InverseRootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, settings.Count))),
    };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var change = Change<TLane, TBits, TLanes>(step, parameters, index, gradient);
        TLanes.Store(parameters.Values, index, TLanes.Add(TLanes.Load(parameters.Values, index), change));
    }

    /// <summary>Moves the moments, and says by how much θ moves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TLane Change<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var m = TLanes.Load(parameters.FirstMoments, index);
        var v = TLanes.Load(parameters.SecondMoments, index);
        m = TLanes.MultiplyAdd(TLanes.Broadcast((float)(1 - Beta1)), TLanes.Subtract(gradient, m), m);
        v = TLanes.MultiplyAdd(
            TLanes.Broadcast((float)(1 - Beta2)),
            TLanes.MultiplyAdd(gradient, gradient, TLanes.Subtract(TLanes.Broadcast(0f), v)),
            v);
        TLanes.Store(parameters.FirstMoments, index, m);
        TLanes.Store(parameters.SecondMoments, index, v);
        var denominator = TLanes.MultiplyAdd(
            TLanes.SquareRoot(v),
            TLanes.Broadcast(step.InverseRootCorrection),
            TLanes.Broadcast(Epsilon));
        return TLanes.Divide(TLanes.Multiply(m, TLanes.Broadcast(-step.Rate)), denominator);
    }
}

/// <summary>Adam after θ ← θ (1 − λ · decay).</summary>
public readonly struct AdamW : IOptimizer
{
    /// <inheritdoc/>
    public static int MomentCount => Adam.MomentCount;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(OptimizerSettings settings) =>
        Adam.StepAt(settings) with { Keep = (float)(1 - (settings.Rate * settings.WeightDecay)) };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var change = Adam.Change<TLane, TBits, TLanes>(step, parameters, index, gradient);
        var value = TLanes.Load(parameters.Values, index);
        TLanes.Store(parameters.Values, index, TLanes.MultiplyAdd(value, TLanes.Broadcast(step.Keep), change));
    }
}

/// <summary>m ← μm + ∇,  θ ← θ − λm.</summary>
public readonly struct Momentum : IOptimizer
{
    /// <inheritdoc/>
    public static int MomentCount => 1;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(OptimizerSettings settings) =>
        new() { Rate = (float)settings.Rate, Keep = (float)settings.Momentum };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> =>
        Sgd.Update<TLane, TBits, TLanes>(step, parameters, index, Move<TLane, TBits, TLanes>(step, parameters, index, gradient));

    /// <summary>Moves m, and returns it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TLane Move<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var m = TLanes.MultiplyAdd(TLanes.Load(parameters.FirstMoments, index), TLanes.Broadcast(step.Keep), gradient);
        TLanes.Store(parameters.FirstMoments, index, m);
        return m;
    }
}

/// <summary>m ← μm + ∇,  θ ← θ − λ(∇ + μm).</summary>
public readonly struct Nesterov : IOptimizer
{
    /// <inheritdoc/>
    public static int MomentCount => Momentum.MomentCount;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(OptimizerSettings settings) => Momentum.StepAt(settings);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var m = Momentum.Move<TLane, TBits, TLanes>(step, parameters, index, gradient);
        Sgd.Update<TLane, TBits, TLanes>(step, parameters, index, TLanes.MultiplyAdd(m, TLanes.Broadcast(step.Keep), gradient));
    }
}
