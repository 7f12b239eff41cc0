using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>a = y⁽ˡ⁻¹⁾ Wᵀ + b and d⁽ˡ⁻¹⁾ Wᵀ in one product: activations and tangents are columns of one matrix.</summary>
internal static class DenseForward
{
    /// <summary>Computes the rows given, with all threads of a group, into the block's feature-major outputs (=).</summary>
    public static void Product<TTiles>(
        ArrayView<float> workspace, DenseBlockArguments arguments, ArrayView<float> weights, ArrayView<float> outputFeatures,
        int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
    {
        var forward = arguments.Forward;
        var columns = Padding.RoundUp(forward.Samples);
        TTiles.Product(
            workspace,
            new MatrixProduct
            {
                Left = weights,
                LeftRowStride = arguments.InputStride,
                LeftDepthStride = 1,
                Right = Replica.Of(forward.InputFeatures, replica, (arguments.Inputs + 1) * arguments.InputFeatureStride),
                RightStride = arguments.InputFeatureStride,
                RowBegin = rowBegin,
                RowEnd = rowEnd,
                ColumnBegin = 0,
                ColumnEnd = forward.InputHasTangents != 0 ? (forward.Directions * arguments.SampleCapacity) + columns : columns,
                Depth = arguments.Inputs + 1,
            },
            default(Stored),
            new AddEpilogue { Target = outputFeatures, Stride = arguments.OutputFeatureStride });
    }
}
