using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
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
        Of<TOptimizer>(arguments.Feedback, replica, arguments.FeedbackRows * arguments.OutputStride);

    /// <summary>A replica's y⁽ˡ⁻¹⁾ of the pending step.</summary>
    public static ArrayView<float> InputsOf(DenseBlockArguments arguments, int replica) =>
        Replica.Of(arguments.Pending.Inputs, replica, arguments.SampleCapacity * arguments.InputStride);

    /// <summary>
    /// ∇W = gᵀ y⁽ˡ⁻¹⁾ and, in the column of the constant input, ∇b = Σ_s g_s; then the optimizer. Rows rowBegin … rowEnd − 1.
    /// </summary>
    public static void Weights<TTiles, TOptimizer>(
        ArrayView<float> workspace, PendingUpdate pending, ArrayView<float> inputs, OptimizedParameters weights, int stride,
        ArrayView<float> deltas, int deltaStride, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer =>
        TTiles.Product(
            workspace,
            new MatrixProduct
            {
                Left = deltas,
                LeftRowStride = deltaStride,
                LeftDepthStride = 1,
                Right = inputs,
                RightStride = stride,
                RowBegin = rowBegin,
                RowEnd = rowEnd,
                ColumnBegin = 0,
                ColumnEnd = stride,
                Depth = pending.Samples,
            },
            default(Stored),
            new WeightEpilogue<TOptimizer> { Step = pending.WeightStep, Parameters = weights, Stride = stride });

    /// <summary>
    /// ∇B as <see cref="FeedbackGradient"/> says, in one product over all samples (never sample by sample); then the optimizer. Columns
    /// columnBegin … columnEnd − 1, multiples of 16.
    /// </summary>
    /// <remarks>
    /// By columns, though rows would be longer: other columns' u belong to other groups, which overwrite them in this launch.
    /// </remarks>
    public static void Feedback<TTiles, TOptimizer>(
        ArrayView<float> workspace, PendingUpdate pending, OptimizedParameters feedback, int rows, int stride, int replica,
        int columnBegin, int columnEnd)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        var gradient = pending.FeedbackGradient;
        var source = Replica.Of(gradient.Source, replica, gradient.SourceLength);
        TTiles.Product(
            workspace,
            new MatrixProduct
            {
                Left = source.SubView(gradient.SourceOffset, gradient.SourceLength - gradient.SourceOffset),
                LeftRowStride = gradient.SourceStride,
                LeftDepthStride = 1,
                Right = Replica.Of(gradient.Inputs, replica, gradient.InputRows * stride),
                RightStride = stride,
                RowBegin = 0,
                RowEnd = rows,
                ColumnBegin = columnBegin,
                ColumnEnd = columnEnd,
                Depth = gradient.Depth,
            },
            default(Stored),
            new FeedbackEpilogue<TOptimizer>
            {
                Step = pending.FeedbackStep,
                Parameters = feedback,
                Stride = stride,
                Scale = gradient.Scale,
                Keep = gradient.Keep,
            });
    }

    private static OptimizedParameters Of<TOptimizer>(OptimizedParameters all, int replica, int length)
        where TOptimizer : struct, IOptimizer
    {
        var one = new OptimizedParameters { Values = Replica.Of(all.Values, replica, length) };
        if (TOptimizer.MomentCount > 0)
        {
            one.FirstMoments = Replica.Of(all.FirstMoments, replica, length);
        }

        if (TOptimizer.MomentCount > 1)
        {
            one.SecondMoments = Replica.Of(all.SecondMoments, replica, length);
        }

        return one;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<TOptimizer, TPrefetch>(OptimizedParameters parameters, int index)
        where TOptimizer : struct, IOptimizer
        where TPrefetch : struct, IPrefetch
    {
        TPrefetch.Line(parameters.Values, index);
        if (TOptimizer.MomentCount > 0)
        {
            TPrefetch.Line(parameters.FirstMoments, index);
        }

        if (TOptimizer.MomentCount > 1)
        {
            TPrefetch.Line(parameters.SecondMoments, index);
        }
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
            where TPrefetch : struct, IPrefetch => DenseUpdate.Prefetch<TOptimizer, TPrefetch>(Parameters, (row * Stride) + column);
    }

    private struct FeedbackEpilogue<TOptimizer> : IProductEpilogue
        where TOptimizer : struct, IOptimizer
    {
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public int Stride;
        public float Scale;
        public float Keep;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var index = (row * Stride) + column;
            var kept = TLanes.Multiply(TLanes.Load(Parameters.Values, index), TLanes.Broadcast(Keep));
            var gradient = TLanes.MultiplyAdd(value, TLanes.Broadcast(Scale), kept);
            TOptimizer.Update<TLane, TBits, TLanes>(Step, Parameters, index, gradient);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch => DenseUpdate.Prefetch<TOptimizer, TPrefetch>(Parameters, (row * Stride) + column);
    }
}
