using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>
/// y = σ(a) and, for each direction, d = t ⊙ σ'(a) + u, four neurons at a time; a and t, the tangent that arrives, stand where y and d go.
/// </summary>
/// <remarks>
/// Writes (=) y and d feature-major and y sample-major; u sample-major where feedback learns from it, u ⊙ σ'(a) where the
/// weights follow it, t where feedback above learns from it, a where the slope needs it.
/// </remarks>
internal struct DenseActivation<TActivation, TRule> : IElementwise
    where TActivation : struct, IActivation
    where TRule : struct, IBlockRule
{
    public PerturbationNoise Noise;
    public uint Block;
    public int Samples;
    public int SampleCapacity;
    public int Directions;
    public int IsPerturbed;
    public int HasArrivingTangents;
    public ArrayView<float> Features;
    public int FeatureStride;
    public ArrayView<float> Outputs;
    public ArrayView<float> Perturbations;
    public int OutputStride;
    public ArrayView<float> Deltas;
    public int DeltaStride;
    public ArrayView<float> ArrivingTangents;
    public int Rows;

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
        SampleMajor.Store<TLane, TBits, TLanes>(Outputs, (column * OutputStride) + row, OutputStride, Rows - row, y0, y1, y2, y3);
        for (var direction = 0; direction < Directions; direction++)
        {
            var zero = TLanes.Broadcast(0f);
            var u = new LaneQuad<TLane>(zero, zero, zero, zero);
            if (TRule.PerturbsActivations && IsPerturbed != 0)
            {
                u = Perturbation<TLane, TBits, TLanes>(row, column, direction);
            }

            Tangent<TLane, TBits, TLanes>(row, column, direction, y0, u.First);
            Tangent<TLane, TBits, TLanes>(row + 1, column, direction, y1, u.Second);
            Tangent<TLane, TBits, TLanes>(row + 2, column, direction, y2, u.Third);
            Tangent<TLane, TBits, TLanes>(row + 3, column, direction, y3, u.Fourth);
            if (TRule.PerturbsActivations && TRule.LearnsFeedback)
            {
                SampleMajor.Store<TLane, TBits, TLanes>(
                    Perturbations,
                    (((direction * SampleCapacity) + column) * OutputStride) + row,
                    OutputStride,
                    Rows - row,
                    u.First,
                    u.Second,
                    u.Third,
                    u.Fourth);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly LaneQuad<TLane> Perturbation<TLane, TBits, TLanes>(int row, int column, int direction)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
        var u = Noise.Sample<TLane, TBits, TLanes>(
            PerturbationNoise.OfActivations + Block, TLanes.BroadcastBits((uint)row / 4), samples, direction);
        if (TRule.LearnsFeedback && Directions > 1)
        {
            // The product over all directions passes over the rows of samples that are not there.
            var zero = TLanes.Broadcast(0f);
            var isThere = TLanes.SelectGreater(
                TLanes.Broadcast(Samples), TLanes.ConvertToFloats(samples), TLanes.Broadcast(1f), zero);
            u = new LaneQuad<TLane>(
                TLanes.Multiply(u.First, isThere),
                TLanes.Multiply(u.Second, isThere),
                TLanes.Multiply(u.Third, isThere),
                TLanes.Multiply(u.Fourth, isThere));
        }

        return u;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Value<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var y = TLanes.Broadcast(0f);
        if (row < Rows)
        {
            var index = (row * FeatureStride) + column;
            var a = TLanes.Load(Features, index);
            if (TActivation.SlopeNeedsPreactivation)
            {
                TLanes.Store(Features, DenseActivation.PreactivationIndex(row, column, FeatureStride, SampleCapacity), a);
            }

            y = TActivation.Value<TLane, TBits, TLanes>(a);
            TLanes.Store(Features, index, y);
        }

        return y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Tangent<TLane, TBits, TLanes>(int row, int column, int direction, TLane y, TLane u)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (row < Rows)
        {
            var place = (direction * SampleCapacity) + column;
            var index = (row * FeatureStride) + SampleCapacity + place;
            var a = y;
            if (TActivation.SlopeNeedsPreactivation)
            {
                a = TLanes.Load(Features, DenseActivation.PreactivationIndex(row, column, FeatureStride, SampleCapacity));
            }

            var d = u;
            if (HasArrivingTangents != 0)
            {
                var arriving = TLanes.Load(Features, index);
                if (TRule.KeepsArrivingTangents)
                {
                    TLanes.Store(ArrivingTangents, (row * Directions * SampleCapacity) + place, arriving);
                }

                d = TLanes.Add(TActivation.TimesSlope<TLane, TBits, TLanes>(a, y, arriving), u);
            }

            TLanes.Store(Features, index, d);
            if (TRule.SumsPerturbations && IsPerturbed != 0)
            {
                TLanes.Store(Deltas, (row * DeltaStride) + place, TActivation.TimesSlope<TLane, TBits, TLanes>(a, y, u));
            }
        }
    }
}

/// <summary>Runs <see cref="DenseActivation{TActivation, TRule}"/> on a group's rows.</summary>
internal static class DenseActivation
{
    /// <summary>Where a of a neuron and a sample is kept, where its slope needs it: after y and all tangents of the row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PreactivationIndex(int row, int column, int featureStride, int sampleCapacity) =>
        ((row + 1) * featureStride) - sampleCapacity + column;

    /// <summary>Activates the rows given, with all threads of a group.</summary>
    public static void Run<TTiles, TActivation, TRule>(
        DenseBlockArguments arguments, ArrayView<float> outputFeatures, int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TRule : struct, IBlockRule
    {
        var forward = arguments.Forward;
        var body = new DenseActivation<TActivation, TRule>
        {
            Noise = PerturbationNoise.Of(forward.Noise, arguments.Seeds, replica),
            Block = (uint)arguments.Block,
            Samples = forward.Samples,
            SampleCapacity = arguments.SampleCapacity,
            Directions = forward.Directions,
            IsPerturbed = forward.IsPerturbed,
            HasArrivingTangents = TRule.PerturbsWeights ? 1 : forward.InputHasTangents,
            Features = outputFeatures,
            FeatureStride = arguments.OutputFeatureStride,
            Outputs = Replica.Of(forward.Outputs, replica, arguments.SampleCapacity * arguments.OutputStride),
            Perturbations = arguments.Perturbations,
            OutputStride = arguments.OutputStride,
            Deltas = arguments.Deltas,
            DeltaStride = arguments.DeltaStride,
            ArrivingTangents = arguments.ArrivingTangents,
            Rows = rowEnd,
        };
        var columnEnd = Padding.RoundUp(forward.Samples);
        if (TRule.PerturbsActivations && TRule.LearnsFeedback && forward.Directions > 0)
        {
            body.Perturbations = Replica.Of(
                arguments.Perturbations, replica, forward.Directions * arguments.SampleCapacity * arguments.OutputStride);
            columnEnd = forward.Directions > 1 ? arguments.SampleCapacity : columnEnd;
        }

        if (TRule.SumsPerturbations)
        {
            body.Deltas = Replica.Of(arguments.Deltas, replica, arguments.Outputs * arguments.DeltaStride);
        }

        if (TRule.KeepsArrivingTangents && forward.InputHasTangents != 0)
        {
            body.ArrivingTangents = Replica.Of(
                arguments.ArrivingTangents, replica, arguments.Outputs * forward.Directions * arguments.SampleCapacity);
        }

        TTiles.ForEach(rowBegin, rowEnd, columnEnd, body);
    }
}
