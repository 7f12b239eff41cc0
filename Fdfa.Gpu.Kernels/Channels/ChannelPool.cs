using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>Max pooling of σ(a), four rows of the output at a time; the tangent follows the value that was taken.</summary>
/// <remarks>
///   y[o] = σ(a)[i],  d[o] = d_map[i] + u[o],  i the first of the largest values in window o, or a NaN there     (=)
/// Windows may overlap, and never reach over the edge. Where an average follows (<see cref="ChannelAverage{TRule}"/>), it adds u.
/// Which value was taken is kept for the way back (<see cref="ChannelErrors{TActivation}"/>).
/// </remarks>
internal struct ChannelPool<TActivation, TRule> : IElementwise
    where TActivation : struct, IActivation
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
        var y0 = Value<TLane, TBits, TLanes>(row, column);
        var y1 = Value<TLane, TBits, TLanes>(row + 1, column);
        var y2 = Value<TLane, TBits, TLanes>(row + 2, column);
        var y3 = Value<TLane, TBits, TLanes>(row + 3, column);
        if (Block.Forward.Outputs.Length > 0 && !Block.Output.IsAveraged)
        {
            SampleMajor.Store<TLane, TBits, TLanes>(
                Block.Forward.Outputs, (column * Block.Output.SampleMajorStride) + row, Block.Output.SampleMajorStride, RowEnd - row,
                y0, y1, y2, y3);
        }

        if (Site.TakesValues && Block.Site.IsPooled != 0 && !Block.Output.IsAveraged)
        {
            Site.Store<TLane, TBits, TLanes>(row, column, new LaneQuad<TLane>(y0, y1, y2, y3));
        }

        for (var direction = 0; direction < Block.Forward.Directions; direction++)
        {
            var zero = TLanes.Broadcast(0f);
            var u = new LaneQuad<TLane>(zero, zero, zero, zero);
            if (TRule.PerturbsActivations && Block.Forward.IsPerturbed != 0 && Block.Site.IsPooled != 0 && !Block.Output.IsAveraged)
            {
                u = Site.Draw<TLane, TBits, TLanes>(row, column, direction);
            }

            Tangent<TLane, TBits, TLanes>(row, column, direction, u.First);
            Tangent<TLane, TBits, TLanes>(row + 1, column, direction, u.Second);
            Tangent<TLane, TBits, TLanes>(row + 2, column, direction, u.Third);
            Tangent<TLane, TBits, TLanes>(row + 3, column, direction, u.Fourth);
        }
    }

    private readonly int Windows => Block.Output.PooledHeight * Block.Output.PooledWidth;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Put<TLane, TBits, TLanes>(int row, int place, TLane value)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (Block.Output.IsAveraged)
        {
            TLanes.Store(Block.Output.Pooled, (row * Block.FeatureStride) + place, value);
        }
        else
        {
            FeatureMajor.Store<TLane, TBits, TLanes>(Block.Output, row, Block.FeatureStride, place, value);
        }
    }

    // The map's row of a window's first value.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int Corner(int row)
    {
        var channel = row / Windows;
        var o = row - (channel * Windows);
        var y = o / Block.Output.PooledWidth;
        var x = o - (y * Block.Output.PooledWidth);
        return (channel * Block.Geometry.Positions) + (Block.Output.WindowStride * ((y * Block.Geometry.MapWidth) + x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Value<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var largest = TLanes.Broadcast(0f);
        if (row < RowEnd)
        {
            var corner = Corner(row);
            var channel = row / Windows;
            var choice = TLanes.Broadcast(0f);
            largest = Activated<TLane, TBits, TLanes>(channel, corner, column);
            for (var i = 1; i < Block.Output.WindowSize * Block.Output.WindowSize; i++)
            {
                var candidate = Activated<TLane, TBits, TLanes>(channel, InWindow(corner, i), column);

                // A network that has diverged must show it.
                var number = TLanes.Broadcast(i);
                choice = LaneMath.SelectNaN<TLane, TBits, TLanes>(
                    candidate, number, TLanes.SelectGreater(candidate, largest, number, choice));
                largest = LaneMath.SelectNaN<TLane, TBits, TLanes>(
                    candidate, candidate, TLanes.SelectGreater(candidate, largest, candidate, largest));
            }

            TLanes.Store(Block.Output.Choices, (row * Block.SampleCapacity) + column, choice);
            Put<TLane, TBits, TLanes>(row, column, largest);
        }

        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Tangent<TLane, TBits, TLanes>(int row, int column, int direction, TLane u)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (row < RowEnd)
        {
            var place = ((direction + 1) * Block.SampleCapacity) + column;
            var corner = Corner(row);
            var choice = TLanes.AsBits(TLanes.Load(Block.Output.Choices, (row * Block.SampleCapacity) + column));
            var d = TLanes.Broadcast(0f);
            for (var i = 0; i < Block.Output.WindowSize * Block.Output.WindowSize; i++)
            {
                d = TLanes.SelectEqual(
                    choice,
                    TLanes.AsBits(TLanes.Broadcast(i)),
                    TLanes.Load(Block.Map, (InWindow(corner, i) * Block.FeatureStride) + place),
                    d);
            }

            Put<TLane, TBits, TLanes>(row, place, TLanes.Add(d, u));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int InWindow(int corner, int i)
    {
        var y = i / Block.Output.WindowSize;
        return corner + (y * Block.Geometry.MapWidth) + i - (y * Block.Output.WindowSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Activated<TLane, TBits, TLanes>(int channel, int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => TActivation.Value<TLane, TBits, TLanes>(
            ChannelStatistics.Preactivation<TLane, TBits, TLanes>(Block, channel, row, column));
}
