using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>Where the output block's launch leaves loss and accuracy.</summary>
public struct LossArguments
{
    /// <summary>1 / N of this step.</summary>
    public float InverseSamples;

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

/// <summary>The linear output block's whole step in one launch: its pending update, forward and tangent pass, loss, error and accuracy.</summary>
/// <remarks>
/// Pending: ∇W⁽ᴸ⁾ = eᵀ y⁽ᴸ⁻¹⁾ (Algorithm 1, line 20), W by its optimizer (+=). Then y⁽ᴸ⁾ = y⁽ᴸ⁻¹⁾ W⁽ᴸ⁾ᵀ + b,
/// d⁽ᴸ⁾ = d⁽ᴸ⁻¹⁾ W⁽ᴸ⁾ᵀ (nothing is injected), e = ∂(mean loss)/∂y⁽ᴸ⁾ (=), the step's mean loss and number correct (=).
/// The old e is consumed before the new one is written, in the same launch.
/// Launch: grid (1, replicas): one group sees all classes of a sample, and they are few.
/// Agrees with Fdfa.Cpu.Reference's losses and output block.
/// </remarks>
public static class DenseOutputStep
{
    /// <summary>The kernel.</summary>
    public static void Run<TTiles, TOptimizer, TLoss>(DenseBlockArguments arguments, LossArguments loss)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
        where TLoss : struct, ILoss
    {
        var replica = Grid.IdxY;
        var workspace = TTiles.Workspace();
        var weights = DenseUpdate.WeightsOf<TOptimizer>(arguments, replica);
        var error = Replica.Of(arguments.OutputError, replica, arguments.Outputs * arguments.SampleCapacity);
        if (arguments.Pending.Samples > 0)
        {
            DenseUpdate.Weights<TTiles, TOptimizer>(workspace, arguments, weights, error, replica, 0, arguments.Outputs);
            TTiles.Barrier();
        }

        if (arguments.Forward.Samples > 0)
        {
            var outputs = Replica.Of(arguments.OutputFeatures, replica, (arguments.Outputs + 1) * arguments.OutputFeatureStride);
            var sampleMetrics = Replica.Of(loss.SampleMetrics, replica, 2 * arguments.SampleCapacity);
            DenseForward.Product<TTiles>(workspace, arguments, weights.Values, outputs, replica, 0, arguments.Outputs);
            TTiles.Barrier();
            TTiles.ForEach(
                0,
                1,
                0,
                Padding.RoundUp(arguments.Forward.Samples),
                new LossBody<TLoss>
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
                    SampleMetrics = sampleMetrics,
                    SampleCapacity = arguments.SampleCapacity,
                });
            TTiles.Barrier();
            if (TTiles.IsFirstThread)
            {
                SumMetrics(sampleMetrics, loss, replica, arguments.Forward.Samples, arguments.SampleCapacity);
            }
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

    private struct LossBody<TLoss> : IElementwise
        where TLoss : struct, ILoss
    {
        public LossTile Tile;
        public ArrayView<uint> BatchLabels;
        public ArrayView<float> SampleMetrics;
        public int SampleCapacity;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var labels = TLanes.LoadBits(BatchLabels, column);
            var correct = Correct<TLane, TBits, TLanes>(labels, column);
            TLanes.Store(SampleMetrics, column, TLoss.Apply<TLane, TBits, TLanes>(Tile, column, labels));
            TLanes.Store(SampleMetrics, SampleCapacity + column, correct);
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
