using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>
/// The update that a step leaves pending: from errors, or from what the rule has in their place, to filters, feedback, γ, β and b.
/// </summary>
internal static class ChannelUpdate
{
    /// <summary>All of it for the channels given, with all threads of a group.</summary>
    public static void Run<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(
        ArrayView<float> workspace, ChannelBlockArguments block, int replica, int begin, int end)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IBlockRule
    {
        if (TRule.PerturbsWeights)
        {
            ChannelWeightPerturbation.Update<TTiles, TOptimizer>(block, replica, begin, end);
            return;
        }

        if (TRule.LearnsFeedback && block.Pending.FeedbackFirst != 0)
        {
            Feedback<TTiles, TFeedbackOptimizer>(workspace, block, replica, begin, end);
            TTiles.Barrier();
        }

        if (TRule.ProjectsError)
        {
            Project<TTiles>(workspace, block, begin, end);
            TTiles.Barrier();
        }

        if (TRule.LearnsFeedback && block.Pending.FeedbackFirst == 0)
        {
            Feedback<TTiles, TFeedbackOptimizer>(workspace, block, replica, begin, end);
        }

        if (TRule.SumsPerturbations)
        {
            DirectionSum.Run<TTiles>(
                block.SiteDeltas, block.DeltaStride, block.DirectionalDerivatives, block.SampleCapacity, block.Pending,
                begin * block.Site.Positions, end * block.Site.Positions);
            TTiles.Barrier();
        }

        // With a backward chain the errors have been on their way back already.
        if (TRule.ProjectsError || TRule.SumsPerturbations)
        {
            ChannelErrors<TActivation>.Run<TTiles>(workspace, block, block.Pending.Samples, begin, end);
        }

        Filters<TTiles, TOptimizer>(workspace, block, begin, end);
        TTiles.ForEach(begin, end, ChannelBlockArguments.ChannelStride, new Move<TOptimizer>
        {
            Step = block.Pending.WeightStep,
            Parameters = block.Offsets,
            Gradients = block.Gradients,
            Stride = ChannelBlockArguments.ChannelStride,
            RowEnd = end,
        });
    }

    /// <summary>δ = e B at the site, channel by channel: between their columns of B there may be others that belong to nobody.</summary>
    private static void Project<TTiles>(ArrayView<float> workspace, ChannelBlockArguments block, int begin, int end)
        where TTiles : struct, ITileProgram
    {
        var isContiguous = block.Site.ChannelStride == block.Site.Positions;
        var channels = isContiguous ? end - begin : 1;
        for (var channel = begin; channel < end; channel += channels)
        {
            var column = channel * block.Site.ChannelStride;
            var row = channel * block.Site.Positions;
            TTiles.Product(
                workspace,
                new MatrixProduct
                {
                    Left = block.Feedback.Values.SubView(column, block.Feedback.Values.Length - column),
                    LeftRowStride = 1,
                    LeftDepthStride = block.Site.FeedbackStride,
                    Right = block.OutputError,
                    RightStride = block.SampleCapacity,
                    RowEnd = channels * block.Site.Positions,
                    ColumnEnd = Padding.RoundUp(block.Pending.Samples),
                    Depth = block.FeedbackRows,
                },
                default(Stored),
                new AddEpilogue { Target = block.SiteDeltas, Stride = block.DeltaStride, Offset = row * block.DeltaStride });
        }
    }

    private static void Feedback<TTiles, TOptimizer>(
        ArrayView<float> workspace, ChannelBlockArguments block, int replica, int begin, int end)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        // A dense block's last columns are padding, and belong to its last group.
        var columnEnd = Padding.RoundUp(end * block.Site.ChannelStride);
        DenseUpdate.Feedback<TTiles, TOptimizer>(
            workspace, block.Pending, block.Feedback, block.FeedbackRows, block.Site.FeedbackStride, replica,
            begin * block.Site.ChannelStride, columnEnd);
    }

    private static void Filters<TTiles, TOptimizer>(ArrayView<float> workspace, ChannelBlockArguments block, int begin, int end)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        if (block.IsDense != 0)
        {
            DenseUpdate.Weights<TTiles, TOptimizer>(
                workspace, block.Pending, block.Pending.Inputs, block.Weights, block.FilterStride, block.Deltas,
                block.DeltaStride, begin, end);
            return;
        }

        var geometry = block.Geometry;
        geometry.Inputs = block.PendingInputs;
        TTiles.Correlate(workspace, new Correlation
        {
            Geometry = geometry,
            Deltas = block.Deltas,
            DeltaStride = block.DeltaStride,
            Target = block.FilterGradients,
            TargetStride = block.FilterStride,
            ChannelBegin = begin,
            ChannelEnd = end,
            ColumnEnd = Padding.RoundUp(block.Pending.Samples),
        });
        TTiles.Barrier();
        TTiles.ForEach(begin, end, block.FilterStride, new Move<TOptimizer>
        {
            Step = block.Pending.WeightStep,
            Parameters = block.Weights,
            Gradients = block.FilterGradients,
            Stride = block.FilterStride,
            RowEnd = end,
        });
    }

    /// <summary>What the optimizer makes of a gradient in memory.</summary>
    private struct Move<TOptimizer> : IElementwise
        where TOptimizer : struct, IOptimizer
    {
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public ArrayView<float> Gradients;
        public int Stride;
        public int RowEnd;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < RowEnd; r++)
            {
                var index = (r * Stride) + column;
                TOptimizer.Update<TLane, TBits, TLanes>(Step, Parameters, index, TLanes.Load(Gradients, index));
            }
        }
    }
}
