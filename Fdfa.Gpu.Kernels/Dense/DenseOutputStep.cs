using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>Where the output block's launch leaves loss and accuracy.</summary>
public struct LossArguments
{
    /// <summary>1 / N of this step.</summary>
    public float InverseSamples;

    /// <summary>1 / K of this step.</summary>
    public float InverseDirections;

    /// <summary>−t / N, feature-major [n_L × SampleCapacity], per replica, written (=) where its length is not 0: DRTP's error.</summary>
    public ArrayView<float> Targets;

    /// <summary>Labels of this step's batch [SampleCapacity], per replica.</summary>
    public ArrayView<uint> BatchLabels;

    /// <summary>Loss, then correctness (1 or 0), of each sample: [2 × SampleCapacity], per replica.</summary>
    public ArrayView<float> SampleMetrics;

    /// <summary>Mean loss and number correct of each step: [MetricsCapacity × 2], per replica.</summary>
    public ArrayView<float> Metrics;

    /// <summary>Steps that <see cref="Metrics"/> holds.</summary>
    public int MetricsCapacity;

    /// <summary>This step's place in <see cref="Metrics"/>.</summary>
    public int MetricsIndex;
}

/// <summary>A linear output's whole step in one launch: its pending update, forward and tangent pass, loss, error and accuracy.</summary>
/// <remarks>
/// The network's output block, or the head of a block's own loss. Pending: ∇W = eᵀ y (Algorithm 1, line 20), or by its own
/// perturbation as in <see cref="DenseBlockStep"/>; W by its optimizer (+=). Then z = y Wᵀ + b, d = d⁽ˡ⁾ Wᵀ (+ V y, + u),
/// e = ∂(mean loss)/∂z (=), the step's mean loss and number correct (=), and for rules that follow their perturbations
/// c_{k,s} = e_s · d_{k,s} / K and Σ_s c_{k,s} (=). The old e is consumed before the new one is written, in the same launch.
/// Launch: grid (1, replicas): one group sees all classes of a sample, and they are few.
/// Agrees with Fdfa.Cpu.Reference's losses, output block and local heads.
/// </remarks>
public static class DenseOutputStep
{
    /// <summary>The kernel.</summary>
    public static void Run<TTiles, TOptimizer, TLoss, TRule>(DenseBlockArguments arguments, LossArguments loss)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
        where TLoss : struct, ILoss
        where TRule : struct, IBlockRule
    {
        var replica = Grid.IdxY;
        var workspace = TTiles.Workspace();
        var weights = DenseUpdate.WeightsOf<TOptimizer>(arguments, replica);
        var error = Replica.Of(arguments.OutputError, replica, arguments.Outputs * arguments.SampleCapacity);
        if (arguments.Pending.Samples > 0)
        {
            Update<TTiles, TOptimizer, TRule>(workspace, arguments, weights, error, replica);
            TTiles.Barrier();
        }

        if (arguments.Forward.Samples > 0)
        {
            var outputs = Replica.Of(arguments.OutputFeatures, replica, (arguments.Outputs + 1) * arguments.OutputFeatureStride);
            Forward<TTiles, TRule>(workspace, arguments, weights, outputs, replica);
            TTiles.Barrier();
            var body = new LossBody<TLoss, TRule>
            {
                Tile = new LossTile
                {
                    Classes = arguments.Outputs,
                    Outputs = outputs,
                    OutputStride = arguments.OutputFeatureStride,
                    Error = error,
                    ErrorStride = arguments.SampleCapacity,
                    InverseSamples = loss.InverseSamples,
                },
                BatchLabels = Replica.Of(loss.BatchLabels, replica, arguments.SampleCapacity),
                SampleMetrics = Replica.Of(loss.SampleMetrics, replica, 2 * arguments.SampleCapacity),
                SampleCapacity = arguments.SampleCapacity,
                Directions = arguments.Forward.Directions,
                InverseDirections = loss.InverseDirections,
                Derivatives = arguments.DirectionalDerivatives,
                Targets = loss.Targets,
            };
            if (loss.Targets.Length > 0)
            {
                body.Targets = Replica.Of(loss.Targets, replica, arguments.Outputs * arguments.SampleCapacity);
            }

            if (NeedsDerivatives<TRule>() && arguments.Forward.Directions > 0)
            {
                body.Derivatives = Replica.Of(
                    arguments.DirectionalDerivatives, replica, arguments.Forward.Directions * arguments.SampleCapacity);
            }

            TTiles.ForEach(0, 1, Padding.RoundUp(arguments.Forward.Samples), body);
            TTiles.Barrier();
            if (TTiles.IsFirstThread)
            {
                SumMetrics(body.SampleMetrics, loss, replica, arguments.Forward.Samples, arguments.SampleCapacity);
                if (TRule.PerturbsWeights)
                {
                    SumDerivatives(body.Derivatives, arguments, replica);
                }
            }
        }
    }

    private static bool NeedsDerivatives<TRule>()
        where TRule : struct, IBlockRule => TRule.SumsPerturbations || TRule.PerturbsWeights;

    private static void Update<TTiles, TOptimizer, TRule>(
        ArrayView<float> workspace, DenseBlockArguments arguments, OptimizedParameters weights, ArrayView<float> error, int replica)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
        where TRule : struct, IBlockRule
    {
        if (TRule.PerturbsWeights)
        {
            WeightPerturbation.Update<TTiles, TOptimizer>(arguments, weights, replica, 0, arguments.Outputs);
            return;
        }

        var deltas = error;
        var stride = arguments.SampleCapacity;
        if (TRule.SumsPerturbations && arguments.Pending.IsPerturbed != 0)
        {
            deltas = Replica.Of(arguments.Deltas, replica, arguments.Outputs * arguments.DeltaStride);
            stride = arguments.DeltaStride;
            DirectionSum.Run<TTiles>(
                deltas, stride, DenseBlockStep.DerivativesOf(arguments, replica), arguments.SampleCapacity, arguments.Pending, 0,
                arguments.Outputs);
            TTiles.Barrier();
        }

        DenseUpdate.Weights<TTiles, TOptimizer>(
            workspace, arguments.Pending, DenseUpdate.InputsOf(arguments, replica), weights, arguments.InputStride, deltas, stride,
            0, arguments.Outputs);
    }

    private static void Forward<TTiles, TRule>(
        ArrayView<float> workspace, DenseBlockArguments arguments, OptimizedParameters weights, ArrayView<float> outputs, int replica)
        where TTiles : struct, ITileProgram
        where TRule : struct, IBlockRule
    {
        DenseForward.Product<TTiles>(workspace, arguments, weights.Values, outputs, replica, 0, arguments.Outputs);
        if (TRule.PerturbsWeights && arguments.Forward.Directions > 0)
        {
            TTiles.Barrier();
            WeightPerturbation.AddToTangents<TTiles>(workspace, arguments, outputs, replica, 0, arguments.Outputs);
        }

        if (TRule.SumsPerturbations && arguments.Forward.IsPerturbed != 0)
        {
            TTiles.Barrier();
            TTiles.ForEach(
                0,
                arguments.Outputs,
                Padding.RoundUp(arguments.Forward.Samples),
                new PerturbationBody
                {
                    Noise = PerturbationNoise.Of(arguments.Forward.Noise, arguments.Seeds, replica),
                    Block = (uint)arguments.Block,
                    Directions = arguments.Forward.Directions,
                    SampleCapacity = arguments.SampleCapacity,
                    IsSum = arguments.Forward.InputHasTangents,
                    Features = outputs,
                    FeatureStride = arguments.OutputFeatureStride,
                    Deltas = Replica.Of(arguments.Deltas, replica, arguments.Outputs * arguments.DeltaStride),
                    DeltaStride = arguments.DeltaStride,
                    Rows = arguments.Outputs,
                });
        }
    }

    // One thread, in the order of the samples: the same bits on every run.
    private static void SumMetrics(ArrayView<float> sampleMetrics, LossArguments loss, int replica, int samples, int capacity)
    {
        var sum = 0f;
        var correct = 0f;
        for (var sample = 0; sample < samples; sample++)
        {
            sum += sampleMetrics[sample];
            correct += sampleMetrics[capacity + sample];
        }

        var index = 2 * ((replica * loss.MetricsCapacity) + loss.MetricsIndex);
        loss.Metrics[index] = sum * loss.InverseSamples;
        loss.Metrics[index + 1] = correct;
    }

    private static void SumDerivatives(ArrayView<float> derivatives, DenseBlockArguments arguments, int replica)
    {
        var sums = Replica.Of(arguments.BatchDerivatives, replica, Padding.RoundUp(arguments.Forward.Directions));
        for (var direction = 0; direction < arguments.Forward.Directions; direction++)
        {
            var sum = 0f;
            for (var sample = 0; sample < arguments.Forward.Samples; sample++)
            {
                sum += derivatives[(direction * arguments.SampleCapacity) + sample];
            }

            sums[direction] = sum;
        }
    }

    /// <summary>d⁽ᴸ⁾ + u⁽ᴸ⁾ (Eq. 4 sums over l ≤ L), and u⁽ᴸ⁾ for the pending update to follow.</summary>
    private struct PerturbationBody : IElementwise
    {
        public PerturbationNoise Noise;
        public uint Block;
        public int Directions;
        public int SampleCapacity;
        public int IsSum;
        public ArrayView<float> Features;
        public int FeatureStride;
        public ArrayView<float> Deltas;
        public int DeltaStride;
        public int Rows;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
            for (var direction = 0; direction < Directions; direction++)
            {
                var u = Noise.Sample<TLane, TBits, TLanes>(
                    PerturbationNoise.OfActivations + Block, TLanes.BroadcastBits((uint)row / 4), samples, direction);
                var place = (direction * SampleCapacity) + column;
                Put<TLane, TBits, TLanes>(row, place, u.First);
                Put<TLane, TBits, TLanes>(row + 1, place, u.Second);
                Put<TLane, TBits, TLanes>(row + 2, place, u.Third);
                Put<TLane, TBits, TLanes>(row + 3, place, u.Fourth);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Put<TLane, TBits, TLanes>(int row, int place, TLane u)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            if (row < Rows)
            {
                TLanes.Store(Deltas, (row * DeltaStride) + place, u);
                var index = (row * FeatureStride) + SampleCapacity + place;
                var d = u;
                if (IsSum != 0)
                {
                    d = TLanes.Add(u, TLanes.Load(Features, index));
                }

                TLanes.Store(Features, index, d);
            }
        }
    }

    private struct LossBody<TLoss, TRule> : IElementwise
        where TLoss : struct, ILoss
        where TRule : struct, IBlockRule
    {
        public LossTile Tile;
        public ArrayView<uint> BatchLabels;
        public ArrayView<float> SampleMetrics;
        public int SampleCapacity;
        public int Directions;
        public float InverseDirections;
        public ArrayView<float> Derivatives;
        public ArrayView<float> Targets;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var labels = TLanes.LoadBits(BatchLabels, column);
            var correct = Correct<TLane, TBits, TLanes>(labels, column);
            TLanes.Store(SampleMetrics, column, TLoss.Apply<TLane, TBits, TLanes>(Tile, column, labels));
            TLanes.Store(SampleMetrics, SampleCapacity + column, correct);
            if (Targets.Length > 0)
            {
                for (var c = 0; c < Tile.Classes; c++)
                {
                    TLanes.Store(Targets, (c * SampleCapacity) + column, TLanes.SelectEqual(
                        labels, TLanes.BroadcastBits((uint)c), TLanes.Broadcast(-Tile.InverseSamples), TLanes.Broadcast(0f)));
                }
            }

            if (NeedsDerivatives<TRule>())
            {
                for (var direction = 0; direction < Directions; direction++)
                {
                    TLanes.Store(
                        Derivatives, (direction * SampleCapacity) + column, Derivative<TLane, TBits, TLanes>(direction, column));
                }
            }
        }

        // c = e · d / K of the samples at a column, whose e has just been written.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TLane Derivative<TLane, TBits, TLanes>(int direction, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var sum = TLanes.Broadcast(0f);
            for (var c = 0; c < Tile.Classes; c++)
            {
                sum = TLanes.MultiplyAdd(
                    TLanes.Load(Tile.Error, (c * Tile.ErrorStride) + column),
                    TLanes.Load(Tile.Outputs, (c * Tile.OutputStride) + ((direction + 1) * SampleCapacity) + column),
                    sum);
            }

            return TLanes.Multiply(sum, TLanes.Broadcast(InverseDirections));
        }

        // The first of equal outputs wins, as in PyTorch's argmax.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TLane Correct<TLane, TBits, TLanes>(TBits labels, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var largest = TLanes.Load(Tile.Outputs, column);
            var prediction = TLanes.Broadcast(0f);
            for (var c = 1; c < Tile.Classes; c++)
            {
                var output = TLanes.Load(Tile.Outputs, (c * Tile.OutputStride) + column);
                prediction = TLanes.SelectGreater(output, largest, TLanes.Broadcast(c), prediction);
                largest = TLanes.Max(output, largest);
            }

            return TLanes.SelectEqual(
                TLanes.ConvertToInts(prediction), labels, TLanes.Broadcast(1f), TLanes.Broadcast(0f));
        }
    }
}
