using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>The way back of an error within a block: from where it arrives to z, and to γ, β or b.</summary>
/// <remarks>
///   g = pool'ᵀ(δ) ⊙ σ'(a)                      [C · P × N]   (=)   (δ ⊙ σ'(a), or δ itself, where the site is nearer)
///   ∂γ = Σ g x̂,  ∂β = Σ g;  or ∂b = Σ g        [C]           (=)
///   ∂z = γ r (g − ⟨g⟩ − x̂ ⟨x̂ g⟩)               [C · P × N]   (=)   (∂z = g without normalization)
/// A value gets the error of every window that took it. Agrees with Fdfa.Cpu.Reference's BlockPass.Backward.
/// </remarks>
internal struct ChannelErrors<TActivation> : IElementwise
    where TActivation : struct, IActivation
{
    private ChannelBlockArguments _block;
    private int _samples;
    private int _rowEnd;

    /// <summary>
    /// All of it for the channels given, with all threads of a group; <see cref="ChannelBlockArguments.SiteDeltas"/> hold δ.
    /// </summary>
    public static void Run<TTiles>(ArrayView<float> workspace, ChannelBlockArguments block, int samples, int begin, int end)
        where TTiles : struct, ITileProgram
    {
        var rowBegin = begin * block.Geometry.Positions;
        var rowEnd = end * block.Geometry.Positions;
        var columns = Padding.RoundUp(samples);
        TTiles.ForEach(
            rowBegin,
            rowEnd,
            columns,
            new ChannelErrors<TActivation> { _block = block, _samples = samples, _rowEnd = rowEnd });
        TTiles.Barrier();
        ChannelStatistics.OfErrors<TTiles>(workspace, block, samples, begin, end);
        if (block.HasNormalization != 0)
        {
            TTiles.ForEach(
                rowBegin,
                rowEnd,
                columns,
                new Normalization { Block = block, Samples = samples, RowEnd = rowEnd });
            TTiles.Barrier();
        }
    }

    /// <inheritdoc/>
    public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        for (var r = row; r < row + 4 && r < _rowEnd; r++)
        {
            var g = _block.Site.IsPooled != 0
                ? Unpooled<TLane, TBits, TLanes>(r, column)
                : TLanes.Load(_block.SiteDeltas, (r * _block.DeltaStride) + column);
            if (_block.Site.IsPreactivation == 0)
            {
                var a = ChannelStatistics.Preactivation<TLane, TBits, TLanes>(_block, r / _block.Geometry.Positions, r, column);
                g = TActivation.TimesSlope<TLane, TBits, TLanes>(a, TActivation.Value<TLane, TBits, TLanes>(a), g);
            }

            g = SampleMask.Keep<TLane, TBits, TLanes>(g, column, _samples);
            TLanes.Store(_block.Deltas, (r * _block.DeltaStride) + column, g);
            if (_block.HasNormalization == 0)
            {
                Spread<TLane, TBits, TLanes>(_block, r, column, g);
            }
        }
    }

    // The windows over (y, x) are those that begin no more than a window's side before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Unpooled<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var output = _block.Output;
        var channel = row / _block.Geometry.Positions;
        var position = row - (channel * _block.Geometry.Positions);
        var y = position / _block.Geometry.MapWidth;
        var x = position - (y * _block.Geometry.MapWidth);
        var sum = TLanes.Broadcast(0f);
        for (var oy = FirstWindow(output, y); oy * output.WindowStride <= y && oy < output.PooledHeight; oy++)
        {
            for (var ox = FirstWindow(output, x); ox * output.WindowStride <= x && ox < output.PooledWidth; ox++)
            {
                var o = (((channel * output.PooledHeight) + oy) * output.PooledWidth) + ox;
                var place = ((y - (oy * output.WindowStride)) * output.WindowSize) + x - (ox * output.WindowStride);
                var delta = output.IsAveraged
                    ? Unaveraged<TLane, TBits, TLanes>(channel, oy, ox, column)
                    : TLanes.Load(_block.SiteDeltas, (o * _block.DeltaStride) + column);
                sum = TLanes.Add(sum, TLanes.SelectEqual(
                    TLanes.AsBits(TLanes.Load(output.Choices, (o * _block.SampleCapacity) + column)),
                    TLanes.AsBits(TLanes.Broadcast(place)),
                    delta,
                    TLanes.Broadcast(0f)));
            }
        }

        return sum;
    }

    // A value's share of the error of every average that it is in.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Unaveraged<TLane, TBits, TLanes>(int channel, int y, int x, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var output = _block.Output;
        var sum = TLanes.Broadcast(0f);
        for (var oy = 0; oy < output.Height; oy++)
        {
            var rows = new AverageWindow(oy, output.PooledHeight, output.Height);
            for (var ox = 0; ox < output.Width; ox++)
            {
                var columns = new AverageWindow(ox, output.PooledWidth, output.Width);
                if (rows.Has(y) && columns.Has(x))
                {
                    var delta = TLanes.Load(
                        _block.SiteDeltas, (((channel * output.Positions) + (oy * output.Width) + ox) * _block.DeltaStride) + column);
                    sum = TLanes.MultiplyAdd(delta, TLanes.Broadcast(1f / (rows.Count * columns.Count)), sum);
                }
            }
        }

        return sum;
    }

    // ∂z, for the link below.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread<TLane, TBits, TLanes>(in ChannelBlockArguments block, int row, int column, TLane delta)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (block.SpreadDeltas.Length > 0)
        {
            TLanes.Store(block.SpreadDeltas, (block.Spread.RowOf(row) * block.DeltaStride) + column, delta);
        }
    }

    private static int FirstWindow(OutputMap output, int position) =>
        position < output.WindowSize ? 0 : (position - output.WindowSize + output.WindowStride) / output.WindowStride;

    private struct Normalization : IElementwise
    {
        public ChannelBlockArguments Block;
        public int Samples;
        public int RowEnd;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < RowEnd; r++)
            {
                var index = (r * Block.DeltaStride) + column;
                var g = TLanes.Load(Block.Deltas, index);
                var delta = ChannelStatistics.Through<TLane, TBits, TLanes>(Block, r / Block.Geometry.Positions, r, column, 0, g);
                delta = SampleMask.Keep<TLane, TBits, TLanes>(delta, column, Samples);
                TLanes.Store(Block.Deltas, index, delta);
                Spread<TLane, TBits, TLanes>(Block, r, column, delta);
            }
        }
    }
}
