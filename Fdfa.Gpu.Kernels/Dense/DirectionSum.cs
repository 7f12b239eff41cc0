using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>g⁽ˡ⁾ = Σ_k c_{k,s} (u_k ⊙ σ'(a)), of what the forward pass left in the deltas (Algorithm 3, line 20; 1/K is in c).</summary>
internal struct DirectionSum : IElementwise
{
    private ArrayView<float> _deltas;
    private ArrayView<float> _derivatives;
    private int _stride;
    private int _capacity;
    private int _directions;
    private int _rows;

    /// <summary>Sums up the rows given into the columns of the first direction, with all threads of a group.</summary>
    public static void Run<TTiles>(DenseBlockArguments arguments, ArrayView<float> deltas, int replica, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram => TTiles.ForEach(
            rowBegin,
            rowEnd,
            Padding.RoundUp(arguments.Pending.Samples),
            new DirectionSum
            {
                _deltas = deltas,
                _derivatives = Replica.Of(
                    arguments.DirectionalDerivatives, replica, arguments.Pending.Directions * arguments.SampleCapacity),
                _stride = arguments.DeltaStride,
                _capacity = arguments.SampleCapacity,
                _directions = arguments.Pending.Directions,
                _rows = rowEnd,
            });

    /// <inheritdoc/>
    public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        for (var r = row; r < row + 4 && r < _rows; r++)
        {
            var index = (r * _stride) + column;
            var sum = TLanes.Broadcast(0f);
            for (var k = 0; k < _directions; k++)
            {
                sum = TLanes.MultiplyAdd(
                    TLanes.Load(_deltas, index + (k * _capacity)), TLanes.Load(_derivatives, (k * _capacity) + column), sum);
            }

            TLanes.Store(_deltas, index, sum);
        }
    }
}
