using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>The update that a step leaves pending: gradient and optimizer in one pass, so that no gradient is stored.</summary>
internal static class DenseUpdate
{
    /// <summary>A replica's weights with their moments.</summary>
    public static OptimizedParameters WeightsOf<TOptimizer>(DenseBlockArguments arguments, int replica)
        where TOptimizer : struct, IOptimizer =>
        Of<TOptimizer>(arguments.Weights, replica, arguments.Outputs * arguments.InputStride);

    /// <summary>A replica's feedback with its moments.</summary>
    public static OptimizedParameters FeedbackOf<TOptimizer>(DenseBlockArguments arguments, int replica)
        where TOptimizer : struct, IOptimizer =>
        Of<TOptimizer>(arguments.Feedback, replica, arguments.Classes * arguments.OutputStride);

    /// <summary>∇W = gᵀ y⁽ˡ⁻¹⁾ and, in the column of the constant input, ∇b = Σ_s g_s; then the optimizer. Rows rowBegin … rowEnd − 1.</summary>
    public static void Weights<TTiles, TOptimizer>(
        ArrayView<float> workspace, DenseBlockArguments arguments, OptimizedParameters weights, ArrayView<float> deltas,
        int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer =>
        TTiles.Product(
            workspace,
            new MatrixProduct
            {
                Left = deltas,
                LeftRowStride = arguments.SampleCapacity,
                LeftDepthStride = 1,
                Right = Replica.Of(arguments.Pending.Inputs, replica, arguments.SampleCapacity * arguments.InputStride),
                RightStride = arguments.InputStride,
                RowBegin = rowBegin,
                RowEnd = rowEnd,
                ColumnBegin = 0,
                ColumnEnd = arguments.InputStride,
                Depth = arguments.Pending.Samples,
            },
            new WeightEpilogue<TOptimizer> { Step = arguments.Pending.WeightStep, Parameters = weights, Stride = arguments.InputStride });

    /// <summary>∇B = B − (1/N) Σ_s d_s⁽ᴸ⁾ ⊗ u_s (Eq. 10) as the product Dᵀ U / N; then the optimizer. Columns of the tile that begins at rowBegin.</summary>
    public static void Feedback<TTiles, TOptimizer>(
        ArrayView<float> workspace, DenseBlockArguments arguments, OptimizedParameters feedback, int replica, int rowBegin)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        var columnEnd = rowBegin + arguments.RowsPerGroup < arguments.OutputStride ? rowBegin + arguments.RowsPerGroup : arguments.OutputStride;
        var networkOutputs = Replica.Of(
            arguments.NetworkOutputFeatures, replica, (arguments.Classes + 1) * arguments.OutputFeatureStride);
        TTiles.Product(
            workspace,
            new MatrixProduct
            {
                Left = networkOutputs.SubView(arguments.SampleCapacity, networkOutputs.Length - arguments.SampleCapacity),
                LeftRowStride = arguments.OutputFeatureStride,
                LeftDepthStride = 1,
                Right = Replica.Of(arguments.Perturbations, replica, arguments.SampleCapacity * arguments.OutputStride),
                RightStride = arguments.OutputStride,
                RowBegin = 0,
                RowEnd = arguments.Classes,
                ColumnBegin = rowBegin,
                ColumnEnd = columnEnd,
                Depth = arguments.Pending.Samples,
            },
            new FeedbackEpilogue<TOptimizer>
            {
                Step = arguments.Pending.FeedbackStep,
                Parameters = feedback,
                Stride = arguments.OutputStride,
                InverseSamples = arguments.Pending.InverseSamples,
            });
    }

    private static OptimizedParameters Of<TOptimizer>(OptimizedParameters all, int replica, int length)
        where TOptimizer : struct, IOptimizer
    {
        var one = new OptimizedParameters { Values = Replica.Of(all.Values, replica, length) };
        if (TOptimizer.HasMoments)
        {
            one.FirstMoments = Replica.Of(all.FirstMoments, replica, length);
            one.SecondMoments = Replica.Of(all.SecondMoments, replica, length);
        }

        return one;
    }

    private struct WeightEpilogue<TOptimizer> : IProductEpilogue
        where TOptimizer : struct, IOptimizer
    {
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public int Stride;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> =>
            TOptimizer.Update<TLane, TBits, TLanes>(Step, Parameters, (row * Stride) + column, value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch
        {
            var index = (row * Stride) + column;
            TPrefetch.Line(Parameters.Values, index);
            if (TOptimizer.HasMoments)
            {
                TPrefetch.Line(Parameters.FirstMoments, index);
                TPrefetch.Line(Parameters.SecondMoments, index);
            }
        }
    }

    private struct FeedbackEpilogue<TOptimizer> : IProductEpilogue
        where TOptimizer : struct, IOptimizer
    {
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public int Stride;
        public float InverseSamples;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var index = (row * Stride) + column;
            var gradient = TLanes.MultiplyAdd(value, TLanes.Broadcast(-InverseSamples), TLanes.Load(Parameters.Values, index));
            TOptimizer.Update<TLane, TBits, TLanes>(Step, Parameters, index, gradient);
        }

        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch
        {
            // Feedback is n_L rows only; it comes near with the first of them.
        }
    }
}
