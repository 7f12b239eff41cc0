using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>The block above, as far as an error comes back from it.</summary>
public struct ChannelLink
{
    /// <summary>W⁽ˡ⁺¹⁾, or feedback in its place [channels above × <see cref="MatrixStride"/>].</summary>
    public ArrayView<float> Matrix;

    /// <summary>Row stride of <see cref="Matrix"/>.</summary>
    public int MatrixStride;

    /// <summary>∂z⁽ˡ⁺¹⁾, feature-major [channels above · positions × <see cref="ErrorStride"/>].</summary>
    public ArrayView<float> Error;

    /// <summary>Row stride of <see cref="Error"/>.</summary>
    public int ErrorStride;

    /// <summary>Channels above.</summary>
    public int Channels;

    /// <summary>Side of its filters; 0 where it is dense.</summary>
    public int Kernel;

    /// <summary>From one position of the filters to the next.</summary>
    public int Stride;

    /// <summary>Zeros on each side of its input.</summary>
    public int Padding;

    /// <summary>Rows of its map.</summary>
    public int MapHeight;

    /// <summary>Columns of its map.</summary>
    public int MapWidth;

    /// <summary>N.</summary>
    public int Samples;
}

/// <summary>One link of backpropagation's chain into a block with channels: from ∂z⁽ˡ⁺¹⁾ to ∂z⁽ˡ⁾.</summary>
/// <remarks>
///   δ⁽ˡ⁾ = ∂z⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾                                                    (=)   where the block above is dense
///   δ⁽ˡ⁾[c, y, x] = Σ_{f, i, j} W⁽ˡ⁺¹⁾[f, c, i, j] ∂z⁽ˡ⁺¹⁾[f, (y + p − i)/s, (x + p − j)/s]      where it is a convolution: over whole positions of its map
/// and back within the block (<see cref="ChannelErrors{TActivation}"/>). The pending update then finds ∂z, ∂γ and ∂β.
/// Launch: grid (⌈C / ChannelsPerGroup⌉, replicas). Agrees with Fdfa.Cpu.Reference's BackwardChain.
/// </remarks>
public static class ChannelBackward
{
    /// <summary>The kernel.</summary>
    public static void Run<TTiles, TActivation>(ChannelBlockArguments arguments, ChannelLink link)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
    {
        var workspace = TTiles.Workspace();
        var replica = Grid.IdxY;
        var block = arguments.OfReplica(replica);
        link.Matrix = ChannelBlockArguments.Slice(link.Matrix, replica);
        link.Error = ChannelBlockArguments.Slice(link.Error, replica);
        var begin = Grid.IdxX * block.ChannelsPerGroup;
        var end = begin + block.ChannelsPerGroup < block.Channels ? begin + block.ChannelsPerGroup : block.Channels;
        var rowBegin = begin * block.Output.Positions;
        var rowEnd = end * block.Output.Positions;
        if (link.Kernel == 0)
        {
            TTiles.Product(
                workspace,
                new MatrixProduct
                {
                    Left = link.Matrix,
                    LeftRowStride = 1,
                    LeftDepthStride = link.MatrixStride,
                    Right = link.Error,
                    RightStride = link.ErrorStride,
                    RowBegin = rowBegin,
                    RowEnd = rowEnd,
                    ColumnEnd = Tiles.Padding.RoundUp(link.Samples),
                    Depth = link.Channels,
                },
                default(Stored),
                new AddEpilogue { Target = block.SiteDeltas, Stride = block.DeltaStride });
        }
        else
        {
            TTiles.ForEach(
                rowBegin,
                rowEnd,
                Tiles.Padding.RoundUp(link.Samples),
                new TransposedConvolution { Block = block, Link = link, RowEnd = rowEnd });
        }

        TTiles.Barrier();
        ChannelErrors<TActivation>.Run<TTiles>(workspace, block, link.Samples, begin, end);
    }

    private struct TransposedConvolution : IElementwise
    {
        public ChannelBlockArguments Block;
        public ChannelLink Link;
        public int RowEnd;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < RowEnd; r++)
            {
                TLanes.Store(Block.SiteDeltas, (r * Block.DeltaStride) + column, Delta<TLane, TBits, TLanes>(r, column));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TLane Delta<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var channel = row / Block.Output.Positions;
            var position = row - (channel * Block.Output.Positions);
            var y = position / Block.Output.Width;
            var x = position - (y * Block.Output.Width);
            var sum = TLanes.Broadcast(0f);
            for (var i = 0; i < Link.Kernel; i++)
            {
                var mapY = (y + Link.Padding - i) / Link.Stride;
                if (y + Link.Padding - i == mapY * Link.Stride && mapY >= 0 && mapY < Link.MapHeight)
                {
                    for (var j = 0; j < Link.Kernel; j++)
                    {
                        var mapX = (x + Link.Padding - j) / Link.Stride;
                        if (x + Link.Padding - j == mapX * Link.Stride && mapX >= 0 && mapX < Link.MapWidth)
                        {
                            var weight = (((channel * Link.Kernel) + i) * Link.Kernel) + j;
                            var error = (((mapY * Link.MapWidth) + mapX) * Link.ErrorStride) + column;
                            for (var filter = 0; filter < Link.Channels; filter++)
                            {
                                sum = TLanes.MultiplyAdd(
                                    TLanes.LoadOne(Link.Matrix, weight), TLanes.Load(Link.Error, error), sum);
                                weight += Link.MatrixStride;
                                error += Link.MapHeight * Link.MapWidth * Link.ErrorStride;
                            }
                        }
                    }
                }
            }

            return sum;
        }
    }
}
