using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>A hidden dense block's whole training step in one launch: the pending update of its parameters, then the forward and tangent pass.</summary>
/// <remarks>
/// Pending, with what the previous step left behind (FDFA; Algorithm 1, lines 22–23, sign as in Eq. 10):
///   ∇B = B − (1/N) Σ_s d_s⁽ᴸ⁾ ⊗ u_s           B by its optimizer   (+=)
///   g = (e B) ⊙ σ'(a)                          [n × N]              (=)
///   ∇W = gᵀ y⁽ˡ⁻¹⁾, ∇b = Σ_s g_s               W, b by theirs       (+=)
/// Then (lines 11–15):
///   a = y⁽ˡ⁻¹⁾ Wᵀ + b,  y = σ(a);  d = (d⁽ˡ⁻¹⁾ Wᵀ) ⊙ σ'(a) + u     (=)
/// It is exact to let the update wait: block l needs only e, d⁽ᴸ⁾, its own input and its own rows, and no step reads the
/// parameters in between. Gradients are never stored. BP leaves out B and finds g in memory (<see cref="DenseBackward"/>).
///
/// Launch: grid (⌈n / RowsPerGroup⌉, replicas), one group per tile of rows. Bytes per step: W, m, v read and written once
/// (24 n (m + 1) with Adam), activations and noise O(N (m + n)).
/// Agrees with Fdfa.Cpu.Reference's ForwardDirectFeedbackAlignment and Backpropagation.
/// </remarks>
public static class DenseBlockStep
{
    /// <summary>The kernel of the first block: it also gathers the next step's batch, a share in each group.</summary>
    public static void RunFirst<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(DenseBlockArguments arguments, BatchGather gather)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IDenseRule
    {
        Run<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(arguments);
        BatchGather.Run<TTiles>(gather);
    }

    /// <summary>The kernel.</summary>
    public static void Run<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(DenseBlockArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IDenseRule
    {
        var workspace = TTiles.Workspace();
        var replica = Grid.IdxY;
        var rowBegin = Grid.IdxX * arguments.RowsPerGroup;
        var rowEnd = rowBegin + arguments.RowsPerGroup < arguments.Outputs ? rowBegin + arguments.RowsPerGroup : arguments.Outputs;
        var weights = DenseUpdate.WeightsOf<TOptimizer>(arguments, replica);
        var outputFeatures = Replica.Of(arguments.OutputFeatures, replica, (arguments.Outputs + 1) * arguments.OutputFeatureStride);
        if (arguments.Pending.Samples > 0)
        {
            var deltas = Replica.Of(arguments.Deltas, replica, arguments.Outputs * arguments.SampleCapacity);
            if (TRule.ProjectsOutputError)
            {
                var feedback = DenseUpdate.FeedbackOf<TFeedbackOptimizer>(arguments, replica);
                if (TRule.LearnsFeedback && arguments.Pending.FeedbackFirst != 0)
                {
                    DenseUpdate.Feedback<TTiles, TFeedbackOptimizer>(workspace, arguments, feedback, replica, rowBegin);
                    TTiles.Barrier();
                }

                DeltaProjection.Project<TTiles, TActivation>(
                    workspace,
                    new DeltaProjection
                    {
                        ErrorRows = arguments.Classes,
                        Matrix = feedback.Values,
                        MatrixStride = arguments.OutputStride,
                        Error = Replica.Of(arguments.OutputError, replica, arguments.Classes * arguments.SampleCapacity),
                        OutputFeatures = outputFeatures,
                        OutputFeatureStride = arguments.OutputFeatureStride,
                        Deltas = deltas,
                        SampleCapacity = arguments.SampleCapacity,
                        Samples = arguments.Pending.Samples,
                    },
                    rowBegin,
                    rowEnd);
                TTiles.Barrier();
                if (TRule.LearnsFeedback && arguments.Pending.FeedbackFirst == 0)
                {
                    DenseUpdate.Feedback<TTiles, TFeedbackOptimizer>(workspace, arguments, feedback, replica, rowBegin);
                }
            }

            DenseUpdate.Weights<TTiles, TOptimizer>(workspace, arguments, weights, deltas, replica, rowBegin, rowEnd);
            TTiles.Barrier();
        }

        if (arguments.Forward.Samples > 0)
        {
            var perturbations = arguments.Perturbations;
            if (TRule.InjectsPerturbations)
            {
                perturbations = Replica.Of(perturbations, replica, arguments.SampleCapacity * arguments.OutputStride);
            }

            DenseForward.Product<TTiles>(workspace, arguments, weights.Values, outputFeatures, replica, rowBegin, rowEnd);
            TTiles.Barrier();
            TTiles.ForEach(
                rowBegin,
                rowEnd,
                0,
                Padding.RoundUp(arguments.Forward.Samples),
                new Activate<TActivation, TRule>
                {
                    Forward = arguments.Forward,
                    Features = outputFeatures,
                    FeatureStride = arguments.OutputFeatureStride,
                    TangentOffset = arguments.SampleCapacity,
                    Outputs = Replica.Of(arguments.Forward.Outputs, replica, arguments.SampleCapacity * arguments.OutputStride),
                    Perturbations = perturbations,
                    OutputStride = arguments.OutputStride,
                    Rows = rowEnd,
                    Block = (uint)arguments.Block,
                    SeedLow = arguments.Seeds[2 * replica],
                    SeedHigh = arguments.Seeds[(2 * replica) + 1],
                });
        }
    }

    /// <summary>y = σ(a) and d = σ'(a) ⊙ (d⁽ˡ⁻¹⁾ Wᵀ) + u, four neurons at a time; a and d⁽ˡ⁻¹⁾ Wᵀ stand where y and d go.</summary>
    private struct Activate<TActivation, TRule> : IElementwise
        where TActivation : struct, IActivation
        where TRule : struct, IDenseRule
    {
        public ForwardPass Forward;
        public ArrayView<float> Features;
        public int FeatureStride;
        public int TangentOffset;
        public ArrayView<float> Outputs;
        public ArrayView<float> Perturbations;
        public int OutputStride;
        public int Rows;
        public uint Block;
        public uint SeedLow;
        public uint SeedHigh;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var y0 = Value<TLane, TBits, TLanes>(row, column);
            var y1 = Value<TLane, TBits, TLanes>(row + 1, column);
            var y2 = Value<TLane, TBits, TLanes>(row + 2, column);
            var y3 = Value<TLane, TBits, TLanes>(row + 3, column);
            StoreSampleMajor<TLane, TBits, TLanes>(Outputs, row, column, y0, y1, y2, y3);
            if (TRule.InjectsPerturbations && Forward.WithTangents != 0)
            {
                var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
                var u = PerturbationNoise.Sample<TLane, TBits, TLanes>(SeedLow, SeedHigh, Forward.Step, Block, samples, (uint)row / 4);
                Tangent<TLane, TBits, TLanes>(row, column, y0, u.First);
                Tangent<TLane, TBits, TLanes>(row + 1, column, y1, u.Second);
                Tangent<TLane, TBits, TLanes>(row + 2, column, y2, u.Third);
                Tangent<TLane, TBits, TLanes>(row + 3, column, y3, u.Fourth);
                StoreSampleMajor<TLane, TBits, TLanes>(Perturbations, row, column, u.First, u.Second, u.Third, u.Fourth);
            }
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
                y = TActivation.Value<TLane, TBits, TLanes>(TLanes.Load(Features, index));
                TLanes.Store(Features, index, y);
            }

            return y;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Tangent<TLane, TBits, TLanes>(int row, int column, TLane y, TLane u)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            if (row < Rows)
            {
                var index = (row * FeatureStride) + TangentOffset + column;
                var d = u;
                if (Forward.InputHasTangents != 0)
                {
                    d = TLanes.Add(TActivation.TimesDerivative<TLane, TBits, TLanes>(y, TLanes.Load(Features, index)), u);
                }

                TLanes.Store(Features, index, d);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void StoreSampleMajor<TLane, TBits, TLanes>(
            ArrayView<float> target, int row, int column, TLane first, TLane second, TLane third, TLane fourth)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> =>
            SampleMajor.Store<TLane, TBits, TLanes>(
                target, (column * OutputStride) + row, OutputStride, Rows - row, first, second, third, fourth);
    }
}
