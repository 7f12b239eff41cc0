using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>
/// A hidden block with channels (a convolution, or a dense block with batch normalization): its whole training step in one launch.
/// </summary>
/// <remarks>
/// Pending, as in <see cref="DenseBlockStep"/>, with the way back within the block (<see cref="ChannelErrors{TActivation}"/>) and, in a
/// convolution,
///   ∇W[c, k] = Σ_p Σ_s ∂z[c, p, s] y⁽ˡ⁻¹⁾[k at p, s]                    (<see cref="ITileProgram.Correlate"/>)
/// Then, for y⁽ˡ⁻¹⁾ and the tangents of K directions at once,
///   z = W ∗ y⁽ˡ⁻¹⁾,  z' = W ∗ d⁽ˡ⁻¹⁾ (+ V ∗ y⁽ˡ⁻¹⁾)                       (<see cref="ITileProgram.Convolve"/>)
///   a = BN(z),  y = pool(σ(a)), and d beside it                          (<see cref="ChannelStatistics"/>,
///       <see cref="ChannelActivation{TActivation, TRule}"/>, <see cref="ChannelPool{TActivation, TRule}"/>,
///       <see cref="ChannelAverage{TRule}"/>)
/// A convolution is a product whose right operand is looked up row by row in the input: no patches are copied.
///
/// Launch: grid (⌈C / ChannelsPerGroup⌉, replicas): a group owns channels whole, all their positions and samples. Bytes per step: W, B, m,
/// v read and written once, the map's rows O(N C P) several times, inputs once per strip of columns.
/// Agrees with the blocks and rules of Fdfa.Cpu.Reference.
/// </remarks>
public static class ChannelBlockStep
{
    /// <summary>The kernel of the first block: it also gathers the next step's batch, a share in each group.</summary>
    public static void RunFirst<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(
        ChannelBlockArguments arguments, BatchGather gather)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IBlockRule
    {
        Run<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(arguments);
        BatchGather.Run<TTiles>(gather);
    }

    /// <summary>The kernel.</summary>
    public static void Run<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(ChannelBlockArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IBlockRule
    {
        var workspace = TTiles.Workspace();
        var replica = Grid.IdxY;
        var block = arguments.OfReplica(replica);
        var begin = Grid.IdxX * block.ChannelsPerGroup;
        var end = begin + block.ChannelsPerGroup < block.Channels ? begin + block.ChannelsPerGroup : block.Channels;
        if (block.Pending.Samples > 0)
        {
            ChannelUpdate.Run<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(workspace, block, replica, begin, end);
            TTiles.Barrier();
        }

        if (block.Forward.Samples > 0)
        {
            Forward<TTiles, TActivation, TRule>(workspace, block, replica, begin, end);
        }
    }

    private static void Forward<TTiles, TActivation, TRule>(
        ArrayView<float> workspace, ChannelBlockArguments block, int replica, int begin, int end)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TRule : struct, IBlockRule
    {
        var columns = Padding.RoundUp(block.Forward.Samples);
        TTiles.Convolve(
            workspace,
            new Convolution
            {
                Geometry = block.Geometry,
                Filters = block.Weights.Values,
                FilterStride = block.FilterStride,
                ChannelBegin = begin,
                ChannelEnd = end,
                ColumnEnd = block.Forward.InputHasTangents != 0 ? (block.Forward.Directions * block.SampleCapacity) + columns : columns,
            },
            new AddEpilogue { Target = block.Map, Stride = block.FeatureStride });
        TTiles.Barrier();
        var hasArrivingTangents = block.Forward.InputHasTangents;
        if (TRule.PerturbsWeights && block.Forward.Directions > 0)
        {
            ChannelWeightPerturbation.AddToTangents<TTiles>(workspace, block, replica, begin, end);
            hasArrivingTangents = 1;
        }

        ChannelStatistics.OfForward<TTiles>(workspace, block, hasArrivingTangents * block.Forward.Directions, begin, end);
        if (TRule.PerturbsActivations && TRule.LearnsFeedback && block.Forward.Directions > 1)
        {
            // The product over all directions passes over the rows of samples that are not there.
            columns = block.SampleCapacity;
        }

        var rowBegin = begin * block.Geometry.Positions;
        var rowEnd = end * block.Geometry.Positions;
        var site = new SiteWriter<TRule>
        {
            Noise = PerturbationNoise.Of(block.Forward.Noise, block.Seeds, replica),
            Block = (uint)block.Block,
            Samples = block.Forward.Samples,
            SampleCapacity = block.SampleCapacity,
            Directions = block.Forward.Directions,
            Site = block.Site,
            RowEnd = end * block.Site.Positions,
            Sums = block.SiteDeltas,
            SumStride = block.DeltaStride,
            Values = block.SiteValues,
        };
        TTiles.ForEach(rowBegin, rowEnd, columns, new ChannelActivation<TActivation, TRule>
        {
            Block = block,
            Site = site,
            HasArrivingTangents = hasArrivingTangents,
            RowEnd = rowEnd,
        });
        if (block.Output.WindowSize > 0)
        {
            TTiles.Barrier();
            var windows = block.Output.PooledHeight * block.Output.PooledWidth;
            TTiles.ForEach(
                begin * windows, end * windows, columns,
                new ChannelPool<TActivation, TRule> { Block = block, Site = site, RowEnd = end * windows });
            if (block.Output.IsAveraged)
            {
                TTiles.Barrier();
                TTiles.ForEach(
                    begin * block.Output.Positions,
                    end * block.Output.Positions,
                    columns,
                    new ChannelAverage<TRule> { Block = block, Site = site, RowEnd = end * block.Output.Positions });
            }
        }
    }
}
