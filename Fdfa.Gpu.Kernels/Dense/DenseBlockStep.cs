using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>
/// A hidden dense block's whole training step in one launch: the pending update of its parameters, then the forward and tangent pass.
/// </summary>
/// <remarks>
/// Pending, with what the previous step left behind; the rule says which lines there are:
///   ∇B = Keep B + Scale Sourceᵀ Inputs         B by its optimizer   (+=)   (FDFA: Eq. 10; DKP; L-FDFA: <see cref="FeedbackGradient"/>)
///   g = (e B) ⊙ σ'(a)                          [n × N]              (=)    (DFA, DKP, FDFA, DRTP: <see cref="DeltaProjection"/>)
///   g = Σ_k c_k u_k ⊙ σ'(a)                    [n × N]              (=)    (FG-A, LG-FG-A: <see cref="DirectionSum"/>)
///   ∇W = gᵀ y⁽ˡ⁻¹⁾, ∇b = Σ_s g_s               W, b by theirs       (+=)
///   ∇W = Σ_k c_k V_k                           W, b by theirs       (+=)   (FG-W: <see cref="WeightPerturbation"/>)
/// Then (Algorithm 1, lines 11–15; Algorithm 2, lines 9–12), for each of K directions:
///   a = y⁽ˡ⁻¹⁾ Wᵀ + b,  y = σ(a);  d = (d⁽ˡ⁻¹⁾ Wᵀ + V y⁽ˡ⁻¹⁾) ⊙ σ'(a) + u     (=)
/// It is exact to let the update wait: block l needs only errors and tangents that the step has left, its own input and its own
/// rows, and no step reads the parameters in between. Gradients are never stored. Rules with a backward chain (BP, FA, L-FDFA)
/// find g in memory (<see cref="DenseBackward"/>).
///
/// Launch: grid (⌈n / RowsPerGroup⌉, replicas), one group per tile of rows. Bytes per step: W, m, v read and written once
/// (24 n (m + 1) with Adam), activations and noise O(N (m + n)).
/// Agrees with the rules of Fdfa.Cpu.Reference.
/// </remarks>
public static class DenseBlockStep
{
    /// <summary>The kernel of the first block: it also gathers the next step's batch, a share in each group.</summary>
    public static void RunFirst<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(
        DenseBlockArguments arguments, BatchGather gather)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IBlockRule
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
        where TRule : struct, IBlockRule
    {
        var workspace = TTiles.Workspace();
        var replica = Grid.IdxY;
        var rowBegin = Grid.IdxX * arguments.RowsPerGroup;
        var rowEnd = rowBegin + arguments.RowsPerGroup < arguments.Outputs ? rowBegin + arguments.RowsPerGroup : arguments.Outputs;
        var weights = DenseUpdate.WeightsOf<TOptimizer>(arguments, replica);
        var outputFeatures = Replica.Of(arguments.OutputFeatures, replica, (arguments.Outputs + 1) * arguments.OutputFeatureStride);
        if (arguments.Pending.Samples > 0)
        {
            Update<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(
                workspace, arguments, weights, outputFeatures, replica, rowBegin, rowEnd);
            TTiles.Barrier();
        }

        if (arguments.Forward.Samples > 0)
        {
            DenseForward.Product<TTiles>(workspace, arguments, weights.Values, outputFeatures, replica, rowBegin, rowEnd);
            TTiles.Barrier();
            if (TRule.PerturbsWeights)
            {
                WeightPerturbation.AddToTangents<TTiles>(workspace, arguments, outputFeatures, replica, rowBegin, rowEnd);
                TTiles.Barrier();
            }

            DenseActivation.Run<TTiles, TActivation, TRule>(arguments, outputFeatures, replica, rowBegin, rowEnd);
        }
    }

    private static void Update<TTiles, TActivation, TOptimizer, TFeedbackOptimizer, TRule>(
        ArrayView<float> workspace, DenseBlockArguments arguments, OptimizedParameters weights, ArrayView<float> outputFeatures,
        int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
        where TOptimizer : struct, IOptimizer
        where TFeedbackOptimizer : struct, IOptimizer
        where TRule : struct, IBlockRule
    {
        if (TRule.PerturbsWeights)
        {
            WeightPerturbation.Update<TTiles, TOptimizer>(arguments, weights, replica, rowBegin, rowEnd);
            return;
        }

        var deltas = Replica.Of(arguments.Deltas, replica, arguments.Outputs * arguments.DeltaStride);
        if (TRule.LearnsFeedback && (!TRule.ProjectsError || arguments.Pending.FeedbackFirst != 0))
        {
            Feedback<TTiles, TFeedbackOptimizer>(workspace, arguments, replica, rowBegin);
            TTiles.Barrier();
        }

        if (TRule.ProjectsError)
        {
            var feedback = Replica.Of(arguments.Feedback.Values, replica, arguments.FeedbackRows * arguments.OutputStride);
            DeltaProjection.Project<TTiles, TActivation>(
                workspace,
                new DeltaProjection
                {
                    ErrorRows = arguments.FeedbackRows,
                    Matrix = feedback,
                    MatrixStride = arguments.OutputStride,
                    Error = Replica.Of(arguments.OutputError, replica, arguments.FeedbackRows * arguments.SampleCapacity),
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
                Feedback<TTiles, TFeedbackOptimizer>(workspace, arguments, replica, rowBegin);
            }
        }

        if (TRule.SumsPerturbations)
        {
            DirectionSum.Run<TTiles>(
                deltas, arguments.DeltaStride, DerivativesOf(arguments, replica), arguments.SampleCapacity, arguments.Pending,
                rowBegin, rowEnd);
            TTiles.Barrier();
        }

        DenseUpdate.Weights<TTiles, TOptimizer>(
            workspace, arguments.Pending, DenseUpdate.InputsOf(arguments, replica), weights, arguments.InputStride, deltas,
            arguments.DeltaStride,
            rowBegin, rowEnd);
    }

    private static void Feedback<TTiles, TOptimizer>(ArrayView<float> workspace, DenseBlockArguments arguments, int replica, int rowBegin)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer
    {
        var columnEnd = rowBegin + arguments.RowsPerGroup;
        DenseUpdate.Feedback<TTiles, TOptimizer>(
            workspace,
            arguments.Pending,
            DenseUpdate.FeedbackOf<TOptimizer>(arguments, replica),
            arguments.FeedbackRows,
            arguments.OutputStride,
            replica,
            rowBegin,
            columnEnd < arguments.OutputStride ? columnEnd : arguments.OutputStride);
    }

    /// <summary>A replica's c of the pending step.</summary>
    internal static ArrayView<float> DerivativesOf(DenseBlockArguments arguments, int replica) => Replica.Of(
        arguments.DirectionalDerivatives, replica, arguments.Pending.Directions * arguments.SampleCapacity);
}
