using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>FG-W's share of a block's step: weights move along V, and V y joins the tangents. V is never stored.</summary>
/// <remarks>
/// ∇W = Σ_k C_k V_k with C_k = Σ_s c_{k,s} where a batch shares V, Σ_{k,s} c_{k,s} V_{k,s} where samples have their own
/// (Algorithm 2, line 17). Tangents: d⁽ˡ⁻¹⁾ Wᵀ + [y⁽ˡ⁻¹⁾ 1] Vᵀ (line 12), the first part by the pass over W that computes a.
/// V is drawn twice, for its tangent (SIMT: once per tile of columns) and for its update; per sample that is 2 N times as many
/// numbers as weights.
/// Agrees with Fdfa.Cpu.Reference's WeightPerturbedForwardGradient.
/// </remarks>
internal static class WeightPerturbation
{
    /// <summary>∇W of the rows given; then the optimizer (+=).</summary>
    public static void Update<TTiles, TOptimizer>(
        DenseBlockArguments arguments, OptimizedParameters weights, int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer => TTiles.ForEach(
            rowBegin,
            rowEnd,
            arguments.InputStride,
            new UpdateBody<TOptimizer>
            {
                Source = SourceOf(arguments, arguments.Pending.Noise, replica),
                SampleDerivatives = Replica.Of(
                    arguments.DirectionalDerivatives, replica, arguments.Pending.Directions * arguments.SampleCapacity),
                BatchDerivatives = Replica.Of(arguments.BatchDerivatives, replica, Padding.RoundUp(arguments.Pending.Directions)),
                Directions = arguments.Pending.Directions,
                Samples = arguments.HasWeightNoisePerSample != 0 ? arguments.Pending.Samples : 0,
                SampleCapacity = arguments.SampleCapacity,
                Step = arguments.Pending.WeightStep,
                Parameters = weights,
                Stride = arguments.InputStride,
                Rows = rowEnd,
            });

    /// <summary>Adds [y⁽ˡ⁻¹⁾ 1] Vᵀ to the tangents of the rows given (+=, or = in the first block).</summary>
    public static void AddToTangents<TTiles>(
        ArrayView<float> workspace, DenseBlockArguments arguments, ArrayView<float> outputFeatures, int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
    {
        var forward = arguments.Forward;
        var columns = Padding.RoundUp(forward.Samples);
        var inputs = Replica.Of(forward.InputFeatures, replica, (arguments.Inputs + 1) * arguments.InputFeatureStride);
        var source = SourceOf(arguments, forward.Noise, replica);
        if (arguments.HasWeightNoisePerSample != 0)
        {
            TTiles.ForEach(
                rowBegin,
                rowEnd,
                columns,
                new SampleBody
                {
                    Source = source,
                    Inputs = inputs,
                    InputStride = arguments.InputFeatureStride,
                    Features = outputFeatures,
                    FeatureStride = arguments.OutputFeatureStride,
                    SampleCapacity = arguments.SampleCapacity,
                    Directions = forward.Directions,
                    IsSum = forward.InputHasTangents,
                    Rows = rowEnd,
                });
            return;
        }

        for (var direction = 0; direction < forward.Directions; direction++)
        {
            for (var begin = 0; begin <= arguments.Inputs; begin += MatrixProduct.LongestGeneratedDepth)
            {
                var depth = arguments.Inputs + 1 - begin;
                TTiles.Product(
                    workspace,
                    new MatrixProduct
                    {
                        Right = inputs.SubView(begin * arguments.InputFeatureStride, depth * arguments.InputFeatureStride),
                        RightStride = arguments.InputFeatureStride,
                        RowBegin = rowBegin,
                        RowEnd = rowEnd,
                        ColumnBegin = 0,
                        ColumnEnd = columns,
                        Depth = depth < MatrixProduct.LongestGeneratedDepth ? depth : MatrixProduct.LongestGeneratedDepth,
                    },
                    new Operand { Source = source, Direction = direction, FirstColumn = begin },
                    new AddEpilogue
                    {
                        Target = outputFeatures,
                        Stride = arguments.OutputFeatureStride,
                        Offset = (direction + 1) * arguments.SampleCapacity,
                        IsSum = forward.InputHasTangents + begin,
                    });
            }
        }
    }

    private static Perturbations SourceOf(DenseBlockArguments arguments, PerturbationNoise noise, int replica) => new()
    {
        Noise = PerturbationNoise.Of(noise, arguments.Seeds, replica),
        Block = (uint)arguments.Block,
        Columns = arguments.Inputs + 1,
    };

    /// <summary>V of a block: four neighbouring rows share the counter (row / 4) · columns + column.</summary>
    internal struct Perturbations
    {
        public PerturbationNoise Noise;
        public uint Block;
        public int Columns;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly LaneQuad<TLane> Of<TLane, TBits, TLanes>(int row, TBits column, TBits sample, int direction)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => Noise.Sample<TLane, TBits, TLanes>(
                PerturbationNoise.OfWeights + Block,
                TLanes.AddBits(column, TLanes.BroadcastBits((uint)(row / 4 * Columns))),
                sample,
                direction);
    }

    private struct Operand : ILeftOperand
    {
        public Perturbations Source;
        public int Direction;
        public int FirstColumn;

        public static bool IsGenerated => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly LaneQuad<TLane> Generate<TLane, TBits, TLanes>(int row, int step)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => Source.Of<TLane, TBits, TLanes>(
                row,
                TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)(FirstColumn + step))),
                TLanes.BroadcastBits(0),
                Direction);
    }

    /// <summary>V_s y_s of four neurons and neighbouring samples, each with its own V.</summary>
    private struct SampleBody : IElementwise
    {
        public Perturbations Source;
        public ArrayView<float> Inputs;
        public int InputStride;
        public ArrayView<float> Features;
        public int FeatureStride;
        public int SampleCapacity;
        public int Directions;
        public int IsSum;
        public int Rows;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
            for (var direction = 0; direction < Directions; direction++)
            {
                var t0 = TLanes.Broadcast(0f);
                var t1 = t0;
                var t2 = t0;
                var t3 = t0;
                for (var j = 0; j < Source.Columns; j++)
                {
                    var y = TLanes.Load(Inputs, (j * InputStride) + column);
                    var v = Source.Of<TLane, TBits, TLanes>(row, TLanes.BroadcastBits((uint)j), samples, direction);
                    t0 = TLanes.MultiplyAdd(v.First, y, t0);
                    t1 = TLanes.MultiplyAdd(v.Second, y, t1);
                    t2 = TLanes.MultiplyAdd(v.Third, y, t2);
                    t3 = TLanes.MultiplyAdd(v.Fourth, y, t3);
                }

                var offset = ((direction + 1) * SampleCapacity) + column;
                Put<TLane, TBits, TLanes>(row, offset, t0);
                Put<TLane, TBits, TLanes>(row + 1, offset, t1);
                Put<TLane, TBits, TLanes>(row + 2, offset, t2);
                Put<TLane, TBits, TLanes>(row + 3, offset, t3);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Put<TLane, TBits, TLanes>(int row, int offset, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            if (row < Rows)
            {
                var index = (row * FeatureStride) + offset;
                var sum = value;
                if (IsSum != 0)
                {
                    sum = TLanes.Add(value, TLanes.Load(Features, index));
                }

                TLanes.Store(Features, index, sum);
            }
        }
    }

    /// <summary>∇W of four neurons and neighbouring inputs, and what the optimizer makes of it.</summary>
    internal struct UpdateBody<TOptimizer> : IElementwise
        where TOptimizer : struct, IOptimizer
    {
        public Perturbations Source;
        public ArrayView<float> SampleDerivatives;
        public ArrayView<float> BatchDerivatives;
        public int Directions;
        public int Samples;
        public int SampleCapacity;
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public int Stride;

        /// <summary>The column of V that the first column of the parameters moves along.</summary>
        public int FirstColumn;
        public int Rows;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var columns = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)(FirstColumn + column)));
            var g0 = TLanes.Broadcast(0f);
            var g1 = g0;
            var g2 = g0;
            var g3 = g0;
            for (var direction = 0; direction < Directions; direction++)
            {
                // Without samples of its own a batch is one.
                for (var sample = 0; sample == 0 || sample < Samples; sample++)
                {
                    var derivative = BatchDerivatives[direction];
                    if (Samples > 0)
                    {
                        derivative = SampleDerivatives[(direction * SampleCapacity) + sample];
                    }

                    var c = TLanes.Broadcast(derivative);
                    var v = Source.Of<TLane, TBits, TLanes>(row, columns, TLanes.BroadcastBits((uint)sample), direction);
                    g0 = TLanes.MultiplyAdd(v.First, c, g0);
                    g1 = TLanes.MultiplyAdd(v.Second, c, g1);
                    g2 = TLanes.MultiplyAdd(v.Third, c, g2);
                    g3 = TLanes.MultiplyAdd(v.Fourth, c, g3);
                }
            }

            Move<TLane, TBits, TLanes>(row, column, g0);
            Move<TLane, TBits, TLanes>(row + 1, column, g1);
            Move<TLane, TBits, TLanes>(row + 2, column, g2);
            Move<TLane, TBits, TLanes>(row + 3, column, g3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Move<TLane, TBits, TLanes>(int row, int column, TLane gradient)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            if (row < Rows)
            {
                TOptimizer.Update<TLane, TBits, TLanes>(Step, Parameters, (row * Stride) + column, gradient);
            }
        }
    }
}
