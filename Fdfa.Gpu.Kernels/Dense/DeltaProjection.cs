using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>Operands of g⁽ˡ⁾ = (error · matrix) ⊙ σ'(a⁽ˡ⁾).</summary>
public struct DeltaProjection
{
    /// <summary>n_l, columns of the matrix.</summary>
    public int Outputs;

    /// <summary>Rows of the matrix and of the error.</summary>
    public int ErrorRows;

    /// <summary>B⁽ˡ⁾ with e for its error; W⁽ˡ⁺¹⁾, or layerwise B⁽ˡ⁾, with g⁽ˡ⁺¹⁾: [ErrorRows × MatrixStride].</summary>
    public ArrayView<float> Matrix;

    /// <summary>Row stride of the matrix.</summary>
    public int MatrixStride;

    /// <summary>Feature-major [ErrorRows × SampleCapacity].</summary>
    public ArrayView<float> Error;

    /// <summary>y⁽ˡ⁾, and a⁽ˡ⁾ where the slope needs it, feature-major.</summary>
    public ArrayView<float> OutputFeatures;

    /// <summary>Row stride of <see cref="OutputFeatures"/>.</summary>
    public int OutputFeatureStride;

    /// <summary>g⁽ˡ⁾, feature-major [n_l × SampleCapacity]; written (=).</summary>
    public ArrayView<float> Deltas;

    /// <summary>Samples that the buffers hold.</summary>
    public int SampleCapacity;

    /// <summary>N.</summary>
    public int Samples;

    /// <summary>Computes g of the rows given, with all threads of a group.</summary>
    public static void Project<TTiles, TActivation>(ArrayView<float> workspace, DeltaProjection projection, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation
    {
        TTiles.Product(
            workspace,
            new MatrixProduct
            {
                Left = projection.Matrix,
                LeftRowStride = 1,
                LeftDepthStride = projection.MatrixStride,
                Right = projection.Error,
                RightStride = projection.SampleCapacity,
                RowBegin = rowBegin,
                RowEnd = rowEnd,
                ColumnBegin = 0,
                ColumnEnd = Padding.RoundUp(projection.Samples),
                Depth = projection.ErrorRows,
            },
            default(Stored),
            new Epilogue<TActivation>
            {
                OutputFeatures = projection.OutputFeatures,
                OutputFeatureStride = projection.OutputFeatureStride,
                Deltas = projection.Deltas,
                DeltaStride = projection.SampleCapacity,
            });
    }

    private struct Epilogue<TActivation> : IProductEpilogue
        where TActivation : struct, IActivation
    {
        public ArrayView<float> OutputFeatures;
        public int OutputFeatureStride;
        public ArrayView<float> Deltas;
        public int DeltaStride;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var y = TLanes.Load(OutputFeatures, (row * OutputFeatureStride) + column);
            var a = y;
            if (TActivation.SlopeNeedsPreactivation)
            {
                a = TLanes.Load(OutputFeatures, DenseActivation.PreactivationIndex(row, column, OutputFeatureStride, DeltaStride));
            }

            TLanes.Store(Deltas, (row * DeltaStride) + column, TActivation.TimesSlope<TLane, TBits, TLanes>(a, y, value));
        }

        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch
        {
            // Activations and deltas of a batch are small enough to stay near by themselves.
        }
    }
}
