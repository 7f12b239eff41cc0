using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>g⁽ˡ⁾ = Σ_k c_{k,s} (u_k ⊙ σ'(a)), of what the forward pass left in the deltas (Algorithm 3, line 20; 1/K is in c).</summary>
internal struct DirectionSum : IElementwise
{
    private ArrayView<float> _deltas;
    private ArrayView<float> _derivatives;
    private int _stride;
    private int _capacity;
    private int _directions;
    private int _rowEnd;

    /// <summary>Sums up the rows given into the columns of the first direction, with all threads of a group.</summary>
    public static void Run<TTiles>(
        ArrayView<float> deltas, int stride, ArrayView<float> derivatives, int capacity, PendingUpdate pending, int rowBegin, int rowEnd)
        where TTiles : struct, ITileProgram => TTiles.ForEach(
            rowBegin,
            rowEnd,
            Padding.RoundUp(pending.Samples),
            new DirectionSum
            {
                _deltas = deltas,
                _derivatives = derivatives,
                _stride = stride,
                _capacity = capacity,
                _directions = pending.Directions,
                _rowEnd = rowEnd,
            });

    /// <inheritdoc/>
    public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        for (var r = row; r < row + 4 && r < _rowEnd; r++)
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
