using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Parameters with what their optimizer remembers of them; SGD leaves the moments empty.</summary>
public struct OptimizedParameters
{
    /// <summary>θ.</summary>
    public ArrayView<float> Values;

    /// <summary>Adam's m, as long as θ.</summary>
    public ArrayView<float> FirstMoments;

    /// <summary>Adam's v, as long as θ.</summary>
    public ArrayView<float> SecondMoments;
}

/// <summary>An optimizer's numbers for one step, worked out by the host in double precision.</summary>
public struct OptimizerStep
{
    /// <summary>SGD: the learning rate. Adam: learning rate / (1 − β₁ᵗ).</summary>
    public float Rate;

    /// <summary>1 / √(1 − β₂ᵗ).</summary>
    public float InverseRootCorrection;
}

/// <summary>How parameters follow their gradient.</summary>
public interface IOptimizer
{
    /// <summary>True where the moments are used.</summary>
    static abstract bool HasMoments { get; }

    /// <summary>On the host: the numbers of the step with this learning rate, the count-th from 1.</summary>
    static abstract OptimizerStep StepAt(double rate, long count);

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
    public static bool HasMoments => false;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(double rate, long count) => new() { Rate = (float)rate };

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
    public static bool HasMoments => true;

    /// <inheritdoc/>
    public static OptimizerStep StepAt(double rate, long count) => new()
    {
        Rate = (float)(rate / (1 - Math.Pow(Beta1, count))),
        InverseRootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, count))),
    };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Update<TLane, TBits, TLanes>(OptimizerStep step, OptimizedParameters parameters, int index, TLane gradient)
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
        var change = TLanes.Divide(TLanes.Multiply(m, TLanes.Broadcast(-step.Rate)), denominator);
        TLanes.Store(parameters.Values, index, TLanes.Add(TLanes.Load(parameters.Values, index), change));
    }
}
