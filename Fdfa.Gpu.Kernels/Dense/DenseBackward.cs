using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>One link of backpropagation's chain: from block l + 1 to block l.</summary>
/// <remarks>
///   g⁽ˡ⁾ = (g⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾) ⊙ σ'(a⁽ˡ⁾)      [n_l × N]   (=)
/// The same product as direct feedback's e B⁽ˡ⁾, with the next block's weights for feedback; or with layerwise feedback (FA, L-FDFA)
/// in their place. Both are still those of the forward pass, because updates wait for the next step. Launch: grid (⌈n_l / rowsPerGroup⌉,
/// replicas). Agrees with Fdfa.Cpu.Reference's Backpropagation and FeedbackAlignment.
/// </remarks>
public static class DenseBackward
{
    /// <summary>The kernel; the views of <paramref name="projection"/> hold all replicas.</summary>
    public static void Run<TTiles, TActivation>(DeltaProjection projection, int rowsPerGroup)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
    {
        var replica = Grid.IdxY;
        var rowBegin = Grid.IdxX * rowsPerGroup;
        var rowEnd = rowBegin + rowsPerGroup < projection.Outputs ? rowBegin + rowsPerGroup : projection.Outputs;
        var workspace = TTiles.Workspace();
        projection.Matrix = Replica.Of(projection.Matrix, replica, projection.ErrorRows * projection.MatrixStride);
        projection.Error = Replica.Of(projection.Error, replica, projection.ErrorRows * projection.SampleCapacity);
        projection.OutputFeatures = Replica.Of(
            projection.OutputFeatures, replica, (projection.Outputs + 1) * projection.OutputFeatureStride);
        projection.Deltas = Replica.Of(projection.Deltas, replica, projection.Outputs * projection.SampleCapacity);
        DeltaProjection.Project<TTiles, TActivation>(workspace, projection, rowBegin, rowEnd);
    }
}
