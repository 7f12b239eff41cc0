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

    /// <summary>∂z⁽ˡ⁺¹⁾ among zeros, as a convolution's error comes back through it: its taps are W⁽ˡ⁺¹⁾'s, over all its filters.</summary>
    public TapGeometry Geometry;

    /// <summary>Those taps, written (=) from <see cref="Matrix"/>: [C × <see cref="FilterStride"/>].</summary>
    public ArrayView<float> Filters;

    /// <summary>Row stride of <see cref="Filters"/>.</summary>
    public int FilterStride;

    /// <summary>N.</summary>
    public int Samples;
}

/// <summary>One link of backpropagation's chain into a block with channels: from ∂z⁽ˡ⁺¹⁾ to ∂z⁽ˡ⁾.</summary>
/// <remarks>
///   δ⁽ˡ⁾ = ∂z⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾                                                    (=)   where the block above is dense
///   δ⁽ˡ⁾[c, y, x] = Σ_{f, i, j} W⁽ˡ⁺¹⁾[f, c, i, j] ∂z⁽ˡ⁺¹⁾[f, (y + p − i)/s, (x + p − j)/s]      where it is a convolution,
///   over whole positions of its map:
/// a convolution itself, of ∂z with zeros around it and between its positions.
/// and back within the block (<see cref="ChannelErrors{TActivation}"/>). The pending update then finds ∂z, ∂γ and ∂β. Where the block above
/// lies on another device, each does its half: one has the matrix but no ∂z⁽ˡ⁾, the other no matrix.
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
        link.Filters = ChannelBlockArguments.Slice(link.Filters, replica);
        link.Geometry.Inputs = ChannelBlockArguments.Slice(link.Geometry.Inputs, replica);
        var begin = Grid.IdxX * block.ChannelsPerGroup;
        var end = begin + block.ChannelsPerGroup < block.Channels ? begin + block.ChannelsPerGroup : block.Channels;
        if (link.Matrix.Length > 0)
        {
            Through<TTiles>(workspace, block, link, begin, end);
            TTiles.Barrier();
        }

        if (block.Deltas.Length > 0)
        {
            ChannelErrors<TActivation>.Run<TTiles>(workspace, block, link.Samples, begin, end);
        }
    }

    /// <summary>δ⁽ˡ⁾ of the channels given, with all threads of a group.</summary>
    private static void Through<TTiles>(ArrayView<float> workspace, ChannelBlockArguments block, ChannelLink link, int begin, int end)
        where TTiles : struct, ITileProgram
    {
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
                    RowBegin = begin * block.Output.Positions,
                    RowEnd = end * block.Output.Positions,
                    ColumnEnd = Padding.RoundUp(link.Samples),
                    Depth = link.Channels,
                },
                default(Stored),
                new AddEpilogue { Target = block.SiteDeltas, Stride = block.DeltaStride });
        }
        else
        {
            TTiles.ForEach(begin, end, link.FilterStride, new Transposition { Link = link, ChannelEnd = end });
            TTiles.Barrier();
            TTiles.Convolve(
                workspace,
                new Convolution
                {
                    Geometry = link.Geometry,
                    Filters = link.Filters,
                    FilterStride = link.FilterStride,
                    ChannelBegin = begin,
                    ChannelEnd = end,
                    ColumnEnd = Padding.RoundUp(link.Samples),
                },
                new AddEpilogue { Target = block.SiteDeltas, Stride = block.DeltaStride });
        }
    }

    /// <summary>Filters[c, (f, i, j)] = W[f, (c, i, j)]: once per step, and few beside what they are multiplied with.</summary>
    private struct Transposition : IElementwise
    {
        public ChannelLink Link;
        public int ChannelEnd;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var window = Link.Kernel * Link.Kernel;
            for (var channel = row; channel < row + 4 && channel < ChannelEnd; channel++)
            {
                for (var tap = column; tap < column + TLanes.Count && tap < Link.Geometry.Count; tap++)
                {
                    var filter = tap / window;
                    Link.Filters[(channel * Link.FilterStride) + tap] =
                        Link.Matrix[(filter * Link.MatrixStride) + (channel * window) + tap - (filter * window)];
                }
            }
        }
    }
}
