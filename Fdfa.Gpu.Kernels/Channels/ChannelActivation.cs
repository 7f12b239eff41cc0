using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>From z to σ(a), and from z' to its tangents: normalization and activation, four rows of the map at a time.</summary>
/// <remarks>
///   y = σ(a),  a' = γ r (z' − ⟨z'⟩ − x̂ ⟨x̂ z'⟩) + V_γ x̂ + V_β,  d = (a' + u) σ'(a)  or  a' σ'(a) + u, as the site is
/// Where nothing is pooled these are the block's outputs; else d stays in the map (=), and <see cref="ChannelPool{TActivation, TRule}"/>
/// goes on from there.
/// </remarks>
internal struct ChannelActivation<TActivation, TRule> : IElementwise
    where TActivation : struct, IActivation
    where TRule : struct, IBlockRule
{
    public ChannelBlockArguments Block;
    public SiteWriter<TRule> Site;
    public int HasArrivingTangents;
    public int RowEnd;

    private readonly bool IsPooled => Block.Output.WindowSize > 0;

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
        if (!IsPooled && Block.Forward.Outputs.Length > 0)
        {
            SampleMajor.Store<TLane, TBits, TLanes>(
                Block.Forward.Outputs, (column * Block.Output.SampleMajorStride) + row, Block.Output.SampleMajorStride, RowEnd - row,
                y0, y1, y2, y3);
        }

        if (Site.TakesValues && Block.Site.IsPooled == 0)
        {
            var values = new LaneQuad<TLane>(y0, y1, y2, y3);
            if (Block.Site.IsPreactivation != 0)
            {
                values = new LaneQuad<TLane>(
                    Preactivation<TLane, TBits, TLanes>(row, column),
                    Preactivation<TLane, TBits, TLanes>(row + 1, column),
                    Preactivation<TLane, TBits, TLanes>(row + 2, column),
                    Preactivation<TLane, TBits, TLanes>(row + 3, column));
            }

            Site.Store<TLane, TBits, TLanes>(row, column, values);
        }

        for (var direction = 0; direction < Block.Forward.Directions; direction++)
        {
            var zero = TLanes.Broadcast(0f);
            var u = new LaneQuad<TLane>(zero, zero, zero, zero);
            if (TRule.PerturbsActivations && Block.Forward.IsPerturbed != 0 && Block.Site.IsPooled == 0)
            {
                u = Site.Draw<TLane, TBits, TLanes>(row, column, direction);
            }

            Tangent<TLane, TBits, TLanes>(row, column, direction, y0, u.First);
            Tangent<TLane, TBits, TLanes>(row + 1, column, direction, y1, u.Second);
            Tangent<TLane, TBits, TLanes>(row + 2, column, direction, y2, u.Third);
            Tangent<TLane, TBits, TLanes>(row + 3, column, direction, y3, u.Fourth);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Preactivation<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var a = TLanes.Broadcast(0f);
        if (row < RowEnd)
        {
            a = ChannelStatistics.Preactivation<TLane, TBits, TLanes>(Block, row / Block.Geometry.Positions, row, column);
        }

        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Value<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var y = TActivation.Value<TLane, TBits, TLanes>(Preactivation<TLane, TBits, TLanes>(row, column));
        if (!IsPooled && row < RowEnd)
        {
            FeatureMajor.Store<TLane, TBits, TLanes>(Block.Output, row, Block.FeatureStride, column, y);
        }

        return y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Tangent<TLane, TBits, TLanes>(int row, int column, int direction, TLane y, TLane u)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (row < RowEnd)
        {
            var place = ((direction + 1) * Block.SampleCapacity) + column;
            var index = (row * Block.FeatureStride) + place;
            var channel = row / Block.Geometry.Positions;
            var d = TLanes.Broadcast(0f);
            if (HasArrivingTangents != 0)
            {
                d = TLanes.Load(Block.Map, index);
                if (Block.HasNormalization != 0)
                {
                    d = ChannelStatistics.Through<TLane, TBits, TLanes>(Block, channel, row, column, direction, d);
                }
            }

            if (TRule.PerturbsWeights)
            {
                d = TLanes.Add(d, OffsetTangent<TLane, TBits, TLanes>(channel, row, column, place - Block.SampleCapacity));
            }

            var a = y;
            if (TActivation.SlopeNeedsPreactivation)
            {
                a = Preactivation<TLane, TBits, TLanes>(row, column);
            }

            if (Block.Site.IsPreactivation != 0)
            {
                d = TActivation.TimesSlope<TLane, TBits, TLanes>(a, y, TLanes.Add(d, u));
            }
            else
            {
                d = TLanes.Add(TActivation.TimesSlope<TLane, TBits, TLanes>(a, y, d), u);
            }

            if (IsPooled)
            {
                TLanes.Store(Block.Map, index, d);
            }
            else
            {
                FeatureMajor.Store<TLane, TBits, TLanes>(Block.Output, row, Block.FeatureStride, place, d);
            }
        }
    }

    // V_γ x̂ + V_β, or V_b.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane OffsetTangent<TLane, TBits, TLanes>(int channel, int row, int column, int place)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var stride = Block.Forward.Directions * Block.SampleCapacity;
        var v = TLanes.Load(Block.OffsetNoise, (channel * stride) + place);
        if (Block.HasNormalization != 0)
        {
            v = TLanes.MultiplyAdd(
                v,
                ChannelStatistics.Normalized<TLane, TBits, TLanes>(Block, channel, row, column),
                TLanes.Load(Block.OffsetNoise, ((Block.Channels + channel) * stride) + place));
        }

        return v;
    }
}
