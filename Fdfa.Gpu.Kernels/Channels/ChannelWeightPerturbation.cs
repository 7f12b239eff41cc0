using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>FG-W's share of a block with channels: weights, γ, β and b move along V, and V ∗ y joins z'.</summary>
/// <remarks>
/// V's rows are those of W, then of b, or of γ and of β. Where a batch shares V it is drawn once per direction into memory, which every
/// position reads; where samples have their own it is drawn tap by tap for all positions at once, four channels at a time.
/// Agrees with Fdfa.Cpu.Reference's WeightPerturbedForwardGradient.
/// </remarks>
internal static class ChannelWeightPerturbation
{
    /// <summary>∇ = Σ_k c_k V_k of the channels given; then the optimizer (+=).</summary>
    public static void Update<TTiles, TOptimizer>(ChannelBlockArguments block, int replica, int begin, int end)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        var body = new WeightPerturbation.UpdateBody<TOptimizer>
        {
            Source = SourceOf(block, block.Pending.Noise, replica),
            SampleDerivatives = block.DirectionalDerivatives,
            BatchDerivatives = block.BatchDerivatives,
            Directions = block.Pending.Directions,
            Samples = block.HasWeightNoisePerSample != 0 ? block.Pending.Samples : 0,
            SampleCapacity = block.SampleCapacity,
            Step = block.Pending.WeightStep,
            Parameters = block.Weights,
            Stride = block.FilterStride,
            Rows = end,
        };
        TTiles.ForEach(begin, end, block.FilterStride, body);

        // Only the first column is b's, only the first two are those of γ and β: what is drawn for the others, nobody reads.
        body.Parameters = block.Offsets;
        body.Stride = ChannelBlockArguments.ChannelStride;
        body.FirstColumn = block.Geometry.Count;
        TTiles.ForEach(begin, end, ChannelBlockArguments.ChannelStride, body);
    }

    /// <summary>
    /// Adds V ∗ y to z' of the channels given (+=, or = in the first block), and draws V of γ, β and b for the activation pass (=).
    /// </summary>
    public static void AddToTangents<TTiles>(ArrayView<float> workspace, ChannelBlockArguments block, int replica, int begin, int end)
        where TTiles : struct, ITileProgram
    {
        var source = SourceOf(block, block.Forward.Noise, replica);
        var columns = Padding.RoundUp(block.Forward.Samples);
        TTiles.ForEach(begin, end, columns, new OffsetNoise { Block = block, Source = source, RowEnd = end });
        if (block.HasWeightNoisePerSample != 0)
        {
            TTiles.ForEach(begin, end, columns, new OwnNoise { Block = block, Source = source, RowEnd = end });
            TTiles.Barrier();
            return;
        }

        for (var direction = 0; direction < block.Forward.Directions; direction++)
        {
            TTiles.ForEach(begin, end, block.FilterStride, new SharedNoise
            {
                Source = source,
                Direction = direction,
                Target = block.FilterGradients,
                Stride = block.FilterStride,
                RowEnd = end,
            });
            TTiles.Barrier();
            TTiles.Convolve(
                workspace,
                new Convolution
                {
                    Geometry = block.Geometry,
                    Filters = block.FilterGradients,
                    FilterStride = block.FilterStride,
                    ChannelBegin = begin,
                    ChannelEnd = end,
                    ColumnEnd = columns,
                },
                new AddEpilogue
                {
                    Target = block.Map,
                    Stride = block.FeatureStride,
                    Offset = (direction + 1) * block.SampleCapacity,
                    IsSum = block.Forward.InputHasTangents,
                });
            TTiles.Barrier();
        }
    }

    private static WeightPerturbation.Perturbations SourceOf(ChannelBlockArguments block, PerturbationNoise noise, int replica) => new()
    {
        Noise = PerturbationNoise.Of(noise, block.Seeds, replica),
        Block = (uint)block.Block,
        Columns = block.Geometry.Count + (block.HasNormalization != 0 ? 2 : 1),
    };

    /// <summary>V of four filters and neighbouring taps.</summary>
    private struct SharedNoise : IElementwise
    {
        public WeightPerturbation.Perturbations Source;
        public int Direction;
        public ArrayView<float> Target;
        public int Stride;
        public int RowEnd;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var v = Source.Of<TLane, TBits, TLanes>(
                row, TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column)), TLanes.BroadcastBits(0), Direction);
            FourRows.Store<TLane, TBits, TLanes>(Target, (row * Stride) + column, Stride, RowEnd - row, v);
        }
    }

    /// <summary>V of b, or of γ and β, of four channels and neighbouring samples.</summary>
    private struct OffsetNoise : IElementwise
    {
        public ChannelBlockArguments Block;
        public WeightPerturbation.Perturbations Source;
        public int RowEnd;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var samples = TLanes.BroadcastBits(0);
            if (Block.HasWeightNoisePerSample != 0)
            {
                samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
            }

            var stride = Block.Forward.Directions * Block.SampleCapacity;
            for (var direction = 0; direction < Block.Forward.Directions; direction++)
            {
                for (var offset = 0; offset <= Block.HasNormalization; offset++)
                {
                    var v = Source.Of<TLane, TBits, TLanes>(
                        row, TLanes.BroadcastBits((uint)(Block.Geometry.Count + offset)), samples, direction);
                    var place = (((offset * Block.Channels) + row) * stride) + (direction * Block.SampleCapacity) + column;
                    FourRows.Store<TLane, TBits, TLanes>(Block.OffsetNoise, place, stride, RowEnd - row, v);
                }
            }
        }
    }

    /// <summary>z' += V_s ∗ y_s of four channels and neighbouring samples, each with its own V.</summary>
    private struct OwnNoise : IElementwise
    {
        public ChannelBlockArguments Block;
        public WeightPerturbation.Perturbations Source;
        public int RowEnd;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
            for (var direction = 0; direction < Block.Forward.Directions; direction++)
            {
                var place = ((direction + 1) * Block.SampleCapacity) + column;
                for (var tap = 0; tap < Block.Geometry.Count; tap++)
                {
                    var v = Source.Of<TLane, TBits, TLanes>(row, TLanes.BroadcastBits((uint)tap), samples, direction);
                    var isSum = Block.Forward.InputHasTangents + tap;
                    for (var position = 0; position < Block.Geometry.Positions; position++)
                    {
                        var y = TLanes.Load(
                            Block.Geometry.Inputs, Block.Geometry.Taps[tap] + Block.Geometry.OffsetOf(position) + column);
                        Add<TLane, TBits, TLanes>(row, position, place, isSum, TLanes.Multiply(v.First, y));
                        Add<TLane, TBits, TLanes>(row + 1, position, place, isSum, TLanes.Multiply(v.Second, y));
                        Add<TLane, TBits, TLanes>(row + 2, position, place, isSum, TLanes.Multiply(v.Third, y));
                        Add<TLane, TBits, TLanes>(row + 3, position, place, isSum, TLanes.Multiply(v.Fourth, y));
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Add<TLane, TBits, TLanes>(int channel, int position, int place, int isSum, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            if (channel < RowEnd)
            {
                var index = (((channel * Block.Geometry.Positions) + position) * Block.FeatureStride) + place;
                var sum = value;
                if (isSum != 0)
                {
                    sum = TLanes.Add(value, TLanes.Load(Block.Map, index));
                }

                TLanes.Store(Block.Map, index, sum);
            }
        }
    }
}
