using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>Adaptive average pooling of what max pooling left, four rows of the output at a time; tangents alike.</summary>
/// <remarks>
///   y[oy, ox] = mean over the rows and columns of two <see cref="AverageWindow"/>s;  d alike, + u      (=)
/// Windows may overlap where the side of the output does not divide that of the input.
/// Agrees with Fdfa.Cpu.Reference's AdaptiveAveragePool.
/// </remarks>
internal struct ChannelAverage<TRule> : IElementwise
    where TRule : struct, IBlockRule
{
    public ChannelBlockArguments Block;
    public SiteWriter<TRule> Site;
    public int RowEnd;

    /// <inheritdoc/>
    public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var zero = TLanes.Broadcast(0f);
        var y0 = Average<TLane, TBits, TLanes>(row, column, zero);
        var y1 = Average<TLane, TBits, TLanes>(row + 1, column, zero);
        var y2 = Average<TLane, TBits, TLanes>(row + 2, column, zero);
        var y3 = Average<TLane, TBits, TLanes>(row + 3, column, zero);
        if (Block.Forward.Outputs.Length > 0)
        {
            SampleMajor.Store<TLane, TBits, TLanes>(
                Block.Forward.Outputs, (column * Block.Output.SampleMajorStride) + row, Block.Output.SampleMajorStride, RowEnd - row,
                y0, y1, y2, y3);
        }

        if (Site.TakesValues && Block.Site.IsPooled != 0)
        {
            Site.Store<TLane, TBits, TLanes>(row, column, new LaneQuad<TLane>(y0, y1, y2, y3));
        }

        for (var direction = 0; direction < Block.Forward.Directions; direction++)
        {
            var u = new LaneQuad<TLane>(zero, zero, zero, zero);
            if (TRule.PerturbsActivations && Block.Forward.IsPerturbed != 0 && Block.Site.IsPooled != 0)
            {
                u = Site.Draw<TLane, TBits, TLanes>(row, column, direction);
            }

            var place = ((direction + 1) * Block.SampleCapacity) + column;
            _ = Average<TLane, TBits, TLanes>(row, place, u.First);
            _ = Average<TLane, TBits, TLanes>(row + 1, place, u.Second);
            _ = Average<TLane, TBits, TLanes>(row + 2, place, u.Third);
            _ = Average<TLane, TBits, TLanes>(row + 3, place, u.Fourth);
        }
    }

    // Writes the average at a place (a sample's activation or tangent) and what is added to it; returns it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Average<TLane, TBits, TLanes>(int row, int place, TLane added)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var average = TLanes.Broadcast(0f);
        if (row < RowEnd)
        {
            var output = Block.Output;
            var channel = row / output.Positions;
            var o = row - (channel * output.Positions);
            var oy = o / output.Width;
            var ox = o - (oy * output.Width);
            var rows = new AverageWindow(oy, output.PooledHeight, output.Height);
            var columns = new AverageWindow(ox, output.PooledWidth, output.Width);
            var sum = TLanes.Broadcast(0f);
            for (var y = rows.Begin; y < rows.End; y++)
            {
                for (var x = columns.Begin; x < columns.End; x++)
                {
                    var pooled = (((channel * output.PooledHeight) + y) * output.PooledWidth) + x;
                    sum = TLanes.Add(sum, TLanes.Load(output.Pooled, (pooled * Block.FeatureStride) + place));
                }
            }

            average = TLanes.MultiplyAdd(sum, TLanes.Broadcast(1f / (rows.Count * columns.Count)), added);
            FeatureMajor.Store<TLane, TBits, TLanes>(output, row, Block.FeatureStride, place, average);
        }

        return average;
    }
}
