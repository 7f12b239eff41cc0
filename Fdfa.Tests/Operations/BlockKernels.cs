using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>A kernel for each part of a block's step.</summary>
internal static class BlockKernels
{
    public static void UpdateWeights<TTiles, TOptimizer>(DenseArguments arguments)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        var block = arguments.Block;
        DenseUpdate.Weights<TTiles, TOptimizer>(
            TTiles.Workspace(), block.Pending, block.Pending.Inputs, block.Weights, block.InputStride, block.Deltas, block.DeltaStride,
            arguments.RowBegin, arguments.RowEnd);
    }

    public static void UpdateFeedback<TTiles, TOptimizer>(DenseArguments arguments)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer => DenseUpdate.Feedback<TTiles, TOptimizer>(
            TTiles.Workspace(), arguments.Block.Pending, arguments.Block.Feedback, arguments.Block.FeedbackRows, arguments.Block.OutputStride,
            Grid.IdxY, arguments.RowBegin, arguments.RowEnd);

    public static void Project<TTiles, TActivation>(ProjectionArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation =>
        DeltaProjection.Project<TTiles, TActivation>(TTiles.Workspace(), arguments.Projection, arguments.RowBegin, arguments.RowEnd);

    public static void SumDirections<TTiles>(DenseArguments arguments)
        where TTiles : struct, ITileProgram => DirectionSum.Run<TTiles>(
            arguments.Block.Deltas, arguments.Block.DeltaStride, arguments.Block.DirectionalDerivatives, arguments.Block.SampleCapacity,
            arguments.Block.Pending, arguments.RowBegin, arguments.RowEnd);

    public static void Activate<TTiles, TActivation, TRule>(DenseArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TRule : struct, IBlockRule =>
        DenseActivation.Run<TTiles, TActivation, TRule>(
            arguments.Block, arguments.Block.OutputFeatures, Grid.IdxY, arguments.RowBegin, arguments.RowEnd);

    public static void AddWeightPerturbation<TTiles>(DenseArguments arguments)
        where TTiles : struct, ITileProgram => WeightPerturbation.AddToTangents<TTiles>(
            TTiles.Workspace(), arguments.Block, arguments.Block.OutputFeatures, Grid.IdxY, arguments.RowBegin, arguments.RowEnd);

    public static void UpdateAlongPerturbation<TTiles>(DenseArguments arguments)
        where TTiles : struct, ITileProgram =>
        WeightPerturbation.Update<TTiles, Sgd>(arguments.Block, arguments.Block.Weights, Grid.IdxY, arguments.RowBegin, arguments.RowEnd);

    public static void Errors<TTiles, TActivation>(ChannelArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation => ChannelErrors<TActivation>.Run<TTiles>(
            TTiles.Workspace(), arguments.Block, arguments.Block.Pending.Samples, arguments.Begin, arguments.End);

    public static void Link<TTiles>(LinkArguments arguments)
        where TTiles : struct, ITileProgram => ChannelBackward.Run<TTiles, Identity>(arguments.Block, arguments.Link);

    public static void Normalize<TTiles, TActivation>(ChannelArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
    {
        var block = arguments.Block;
        ChannelStatistics.OfForward<TTiles>(TTiles.Workspace(), block, block.Forward.Directions, arguments.Begin, arguments.End);
        TTiles.ForEach(
            arguments.Begin * block.Geometry.Positions,
            arguments.End * block.Geometry.Positions,
            Padding.RoundUp(block.Forward.Samples),
            new ChannelActivation<TActivation, BackwardChainRule>
            {
                Block = block,
                HasArrivingTangents = 1,
                RowEnd = arguments.End * block.Geometry.Positions,
            });
    }

    public static void Pool<TTiles, TActivation>(ChannelArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
    {
        var block = arguments.Block;
        var windows = block.Output.PooledHeight * block.Output.PooledWidth;
        TTiles.ForEach(
            arguments.Begin * windows,
            arguments.End * windows,
            Padding.RoundUp(block.Forward.Samples),
            new ChannelPool<TActivation, BackwardChainRule> { Block = block, RowEnd = arguments.End * windows });
        TTiles.Barrier();
        if (block.Output.IsAveraged)
        {
            TTiles.ForEach(
                arguments.Begin * block.Output.Positions,
                arguments.End * block.Output.Positions,
                Padding.RoundUp(block.Forward.Samples),
                new ChannelAverage<BackwardChainRule> { Block = block, RowEnd = arguments.End * block.Output.Positions });
        }
    }
}

internal struct DenseArguments
{
    public DenseBlockArguments Block;
    public int RowBegin;
    public int RowEnd;
}

internal struct ProjectionArguments
{
    public DeltaProjection Projection;
    public int RowBegin;
    public int RowEnd;
}

internal struct ChannelArguments
{
    public ChannelBlockArguments Block;
    public int Begin;
    public int End;
}

internal struct LinkArguments
{
    public ChannelBlockArguments Block;
    public ChannelLink Link;
}
