using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Mathematics;

/// <summary>Outputs, targets and the error of a batch, feature-major.</summary>
public struct LossTile
{
    /// <summary>n_L.</summary>
    public int Classes;

    /// <summary>y⁽ᴸ⁾, element (class, sample) at class · stride + sample.</summary>
    public ArrayView<float> Outputs;

    /// <summary>Row stride of <see cref="Outputs"/>.</summary>
    public int OutputStride;

    /// <summary>e, element (class, sample) at class · stride + sample; written (=).</summary>
    public ArrayView<float> Error;

    /// <summary>Row stride of <see cref="Error"/>.</summary>
    public int ErrorStride;

    /// <summary>1 / N.</summary>
    public float InverseSamples;
}

/// <summary>A loss with its derivative.</summary>
public interface ILoss
{
    /// <summary>Writes e of the samples column … column + TLanes.Count − 1 and returns their losses, not yet divided by N.</summary>
    static abstract TLane Apply<TLane, TBits, TLanes>(LossTile tile, int column, TBits labels)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;
}

/// <summary>loss = ln Σ_c e^(y_c) − y_label,  e = (softmax(y) − onehot(label)) / N.</summary>
public readonly struct SoftmaxCrossEntropy : ILoss
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Apply<TLane, TBits, TLanes>(LossTile tile, int column, TBits labels)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var largest = TLanes.Load(tile.Outputs, column);
        for (var c = 1; c < tile.Classes; c++)
        {
            largest = TLanes.Max(largest, TLanes.Load(tile.Outputs, (c * tile.OutputStride) + column));
        }

        var sum = TLanes.Broadcast(0f);
        var target = TLanes.Broadcast(0f);
        for (var c = 0; c < tile.Classes; c++)
        {
            var shifted = TLanes.Subtract(TLanes.Load(tile.Outputs, (c * tile.OutputStride) + column), largest);
            var exponential = LaneMath.ExpOfNonPositive<TLane, TBits, TLanes>(shifted);
            TLanes.Store(tile.Error, (c * tile.ErrorStride) + column, exponential);
            sum = TLanes.Add(sum, exponential);
            target = TLanes.SelectEqual(labels, TLanes.BroadcastBits((uint)c), shifted, target);
        }

        var scale = TLanes.Divide(TLanes.Broadcast(tile.InverseSamples), sum);
        for (var c = 0; c < tile.Classes; c++)
        {
            var index = (c * tile.ErrorStride) + column;
            var softmax = TLanes.Multiply(TLanes.Load(tile.Error, index), scale);
            var onehot = TLanes.SelectEqual(
                labels, TLanes.BroadcastBits((uint)c), TLanes.Broadcast(tile.InverseSamples), TLanes.Broadcast(0f));
            TLanes.Store(tile.Error, index, TLanes.Subtract(softmax, onehot));
        }

        // The logarithm reads bits and knows no NaN; sum − sum is 0, or NaN where an output was.
        var nothing = TLanes.Subtract(sum, sum);
        return TLanes.Add(TLanes.Subtract(LaneMath.Log<TLane, TBits, TLanes>(sum), target), nothing);
    }
}

/// <summary>loss = Σ_c (y_c − onehot_c)² / n_L,  e = 2 (y − onehot) / (N n_L).</summary>
public readonly struct MeanSquaredError : ILoss
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Apply<TLane, TBits, TLanes>(LossTile tile, int column, TBits labels)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var sum = TLanes.Broadcast(0f);
        var scale = TLanes.Broadcast(2f * tile.InverseSamples / tile.Classes);
        for (var c = 0; c < tile.Classes; c++)
        {
            var onehot = TLanes.SelectEqual(labels, TLanes.BroadcastBits((uint)c), TLanes.Broadcast(1f), TLanes.Broadcast(0f));
            var difference = TLanes.Subtract(TLanes.Load(tile.Outputs, (c * tile.OutputStride) + column), onehot);
            TLanes.Store(tile.Error, (c * tile.ErrorStride) + column, TLanes.Multiply(difference, scale));
            sum = TLanes.MultiplyAdd(difference, difference, sum);
        }

        return TLanes.Divide(sum, TLanes.Broadcast(tile.Classes));
    }
}
