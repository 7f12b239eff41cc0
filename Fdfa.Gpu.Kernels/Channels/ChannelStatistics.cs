using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>What batch normalization knows of a channel, and the affine maps that it makes of it.</summary>
/// <remarks>
/// With r = 1/√(v + ε), x̂ = (z − μ) r and ⟨·⟩ the mean over a channel's positions and the batch, m = N P values:
///   a = γ x̂ + β                                     μ, γ r and β are kept
///   a' = γ r (z' − ⟨z'⟩ − x̂ ⟨x̂ z'⟩)                  both means are kept, per direction
///   ∂z = γ r (g − ⟨g⟩ − x̂ ⟨x̂ g⟩)                    the same map: it is symmetric
/// With running statistics, or without normalization (μ = 0, r = γ = 1, β = b), both means are zero.
/// Running: μ̄ ← 0.9 μ̄ + 0.1 μ, v̄ ← 0.9 v̄ + 0.1 v m/(m − 1).
/// Agrees with Fdfa.Cpu.Reference's BatchNormalization.
/// </remarks>
internal static class ChannelStatistics
{
    /// <summary>
    /// Numbers per channel: μ, r, γ r, β, and ⟨·⟩ and ⟨x̂ ·⟩ of each direction; the first direction's room is also the error's.
    /// </summary>
    public const int Fixed = 4;

    private const int Mean = 0;
    private const int InverseDeviation = 1;
    private const int Slope = 2;
    private const int Shift = 3;
    private const float Epsilon = 1e-5f;
    private const float Momentum = 0.1f;

    /// <summary>z's statistics and its tangents'. Called by all threads of a group.</summary>
    public static void OfForward<TTiles>(
        ArrayView<float> workspace, ChannelBlockArguments block, int directions, int begin, int end)
        where TTiles : struct, ITileProgram
    {
        var usesBatch = block.HasNormalization != 0 && block.IsTraining != 0;
        if (!usesBatch)
        {
            TTiles.SumChannels(workspace, begin, end, 0, 0, new Constants { Block = block, Directions = block.Forward.Directions });
            return;
        }

        var positions = block.Geometry.Positions;
        var columns = Padding.RoundUp(block.Forward.Samples);
        TTiles.SumChannels(workspace, begin, end, positions, columns, new Means { Block = block });
        TTiles.SumChannels(workspace, begin, end, positions, columns, new Variances { Block = block });
        for (var direction = 0; direction < directions; direction++)
        {
            TTiles.SumChannels(workspace, begin, end, positions, columns, new Moments
            {
                Block = block,
                Source = block.Map,
                Stride = block.FeatureStride,
                Offset = (direction + 1) * block.SampleCapacity,
                Samples = block.Forward.Samples,
                Slot = Fixed + (2 * direction),
            });
        }
    }

    /// <summary>g's statistics, and with them ∂γ and ∂β, or ∂b.</summary>
    public static void OfErrors<TTiles>(ArrayView<float> workspace, ChannelBlockArguments block, int samples, int begin, int end)
        where TTiles : struct, ITileProgram =>
        TTiles.SumChannels(workspace, begin, end, block.Geometry.Positions, Padding.RoundUp(samples), new Moments
        {
            Block = block,
            Source = block.Deltas,
            Stride = block.DeltaStride,
            Samples = samples,
            Slot = Fixed,
            IsError = 1,
        });

    /// <summary>z − μ of a channel's row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Centred<TLane, TBits, TLanes>(in ChannelBlockArguments block, int channel, int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => TLanes.Subtract(
            TLanes.Load(block.Map, (row * block.FeatureStride) + column),
            TLanes.LoadOne(block.Statistics, (channel * block.StatisticsStride) + Mean));

    /// <summary>a = γ r (z − μ) + β.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Preactivation<TLane, TBits, TLanes>(in ChannelBlockArguments block, int channel, int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => TLanes.MultiplyAdd(
            Centred<TLane, TBits, TLanes>(block, channel, row, column),
            TLanes.LoadOne(block.Statistics, (channel * block.StatisticsStride) + Slope),
            TLanes.LoadOne(block.Statistics, (channel * block.StatisticsStride) + Shift));

    /// <summary>x̂.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Normalized<TLane, TBits, TLanes>(in ChannelBlockArguments block, int channel, int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => TLanes.Multiply(
            Centred<TLane, TBits, TLanes>(block, channel, row, column),
            TLanes.LoadOne(block.Statistics, (channel * block.StatisticsStride) + InverseDeviation));

    /// <summary>γ r (v − ⟨v⟩ − x̂ ⟨x̂ v⟩), with the means of a direction's z', or those of g in the place of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Through<TLane, TBits, TLanes>(
        in ChannelBlockArguments block, int channel, int row, int column, int direction, TLane value)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var slot = (channel * block.StatisticsStride) + Fixed + (2 * direction);
        var centred = TLanes.Subtract(value, TLanes.LoadOne(block.Statistics, slot));
        var correlated = TLanes.Multiply(
            Normalized<TLane, TBits, TLanes>(block, channel, row, column), TLanes.LoadOne(block.Statistics, slot + 1));
        return TLanes.Multiply(
            TLanes.LoadOne(block.Statistics, (channel * block.StatisticsStride) + Slope), TLanes.Subtract(centred, correlated));
    }

    private static float InverseRoot(float variance) => 1f / ScalarLanes.SquareRoot(variance + Epsilon);

    /// <summary>Without the batch: running statistics, or none.</summary>
    private struct Constants : IChannelSum
    {
        public ChannelBlockArguments Block;
        public int Directions;

        public readonly LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => default;

        public readonly void Finish(int channel, float first, float second)
        {
            var offsets = channel * ChannelBlockArguments.ChannelStride;
            var statistics = channel * Block.StatisticsStride;
            var mean = 0f;
            var inverse = 1f;
            var scale = 1f;
            var shift = Block.Offsets.Values[offsets];
            if (Block.HasNormalization != 0)
            {
                mean = Block.RunningStatistics[offsets];
                inverse = InverseRoot(Block.RunningStatistics[offsets + 1]);
                scale = shift;
                shift = Block.Offsets.Values[offsets + 1];
            }

            Block.Statistics[statistics + Mean] = mean;
            Block.Statistics[statistics + InverseDeviation] = inverse;
            Block.Statistics[statistics + Slope] = scale * inverse;
            Block.Statistics[statistics + Shift] = shift;
            for (var slot = 0; slot < 2 * Directions; slot++)
            {
                Block.Statistics[statistics + Fixed + slot] = 0f;
            }
        }
    }

    private struct Means : IChannelSum
    {
        public ChannelBlockArguments Block;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => new(
                SampleMask.Keep<TLane, TBits, TLanes>(
                    TLanes.Load(Block.Map, (row * Block.FeatureStride) + column), column, Block.Forward.Samples),
                TLanes.Broadcast(0f));

        public readonly void Finish(int channel, float first, float second)
        {
            var mean = first / (Block.Geometry.Positions * Block.Forward.Samples);
            Block.Statistics[(channel * Block.StatisticsStride) + Mean] = mean;
            var running = channel * ChannelBlockArguments.ChannelStride;
            Block.RunningStatistics[running] += Momentum * (mean - Block.RunningStatistics[running]);
        }
    }

    private struct Variances : IChannelSum
    {
        public ChannelBlockArguments Block;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var centred = SampleMask.Keep<TLane, TBits, TLanes>(
                Centred<TLane, TBits, TLanes>(Block, channel, row, column), column, Block.Forward.Samples);
            return new LanePair<TLane>(TLanes.Multiply(centred, centred), TLanes.Broadcast(0f));
        }

        public readonly void Finish(int channel, float first, float second)
        {
            var count = Block.Geometry.Positions * Block.Forward.Samples;
            var variance = first / count;
            var inverse = InverseRoot(variance);
            var statistics = channel * Block.StatisticsStride;
            var offsets = channel * ChannelBlockArguments.ChannelStride;
            Block.Statistics[statistics + InverseDeviation] = inverse;
            Block.Statistics[statistics + Slope] = Block.Offsets.Values[offsets] * inverse;
            Block.Statistics[statistics + Shift] = Block.Offsets.Values[offsets + 1];

            // A single value has no unbiased variance.
            if (count > 1)
            {
                var unbiased = first / (count - 1);
                Block.RunningStatistics[offsets + 1] += Momentum * (unbiased - Block.RunningStatistics[offsets + 1]);
            }
        }
    }

    /// <summary>⟨v⟩ and ⟨x̂ v⟩ of tangents or errors v.</summary>
    private struct Moments : IChannelSum
    {
        public ChannelBlockArguments Block;
        public ArrayView<float> Source;
        public int Stride;
        public int Offset;
        public int Samples;
        public int Slot;
        public int IsError;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var value = SampleMask.Keep<TLane, TBits, TLanes>(
                TLanes.Load(Source, (row * Stride) + Offset + column), column, Samples);
            var centred = SampleMask.Keep<TLane, TBits, TLanes>(
                Centred<TLane, TBits, TLanes>(Block, channel, row, column), column, Samples);
            return new LanePair<TLane>(value, TLanes.Multiply(value, centred));
        }

        public readonly void Finish(int channel, float first, float second)
        {
            var statistics = channel * Block.StatisticsStride;
            var correlation = second * Block.Statistics[statistics + InverseDeviation];
            var count = Block.Geometry.Positions * Samples;
            Block.Statistics[statistics + Slot] = first / count;
            Block.Statistics[statistics + Slot + 1] = correlation / count;
            if (IsError != 0)
            {
                var gradients = channel * ChannelBlockArguments.ChannelStride;
                Block.Gradients[gradients] = first;
                if (Block.HasNormalization != 0)
                {
                    Block.Gradients[gradients] = correlation;
                    Block.Gradients[gradients + 1] = first;
                }
            }
        }
    }
}
