using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>A warp's product of 16 × 8 by 8 × 8, from operands in shared memory.</summary>
/// <typeparam name="TLeft">What a lane holds of Left.</typeparam>
/// <typeparam name="TRight">What it holds of Right.</typeparam>
public interface IWarpProduct<TLeft, TRight>
    where TLeft : struct
    where TRight : struct
{
    /// <summary>A lane's part of Left, whose element (r, k) is <c>stage[index + r + k · stride]</c>.</summary>
    static abstract TLeft LoadLeft(ArrayView<float> stage, int index, int stride, int lane);

    /// <summary>A lane's part of Right, whose element (k, c) is <c>stage[index + c + k · stride]</c>.</summary>
    static abstract TRight LoadRight(ArrayView<float> stage, int index, int stride, int lane);

    /// <summary>
    /// sum + Left · Right; a lane has elements (lane / 4, 2 (lane mod 4)), the one right of it, and those eight rows below.
    /// </summary>
    static abstract Float4 MultiplyAdd(ArrayView<float> stage, TLeft left, TRight right, int lane, Float4 sum);
}

/// <summary>What a lane of a warp has of its 32 × 32 part of a tile: its share of two by four products.</summary>
/// <remarks>
/// The group has a warp for every 32 rows and 32 columns; its shape has 8 threads for 64 rows and 16 for 64 columns, or 4 and 8 for half of
/// each.
/// </remarks>
/// <typeparam name="TProduct">How a warp multiplies.</typeparam>
/// <typeparam name="TLeft">What a lane holds of Left.</typeparam>
/// <typeparam name="TRight">What it holds of Right.</typeparam>
public struct WarpBlock<TProduct, TLeft, TRight> : IThreadBlock<WarpBlock<TProduct, TLeft, TRight>>
    where TProduct : struct, IWarpProduct<TLeft, TRight>
    where TLeft : struct
    where TRight : struct
{
    private const int WarpSize = 32;
    private const int Side = 32;
    private const int ProductRows = 16;
    private const int ProductColumns = 8;
    private const int ProductDepth = 8;

    private HalfBlock _upper;
    private HalfBlock _lower;

    /// <inheritdoc/>
    public static int RowQuads => 2;

    /// <inheritdoc/>
    public static int ColumnQuads => 1;

    /// <inheritdoc/>
    public readonly WarpBlock<TProduct, TLeft, TRight> AddStage<TShape>(ArrayView<float> stage)
        where TShape : struct, ITileShape
    {
        var rows = 4 * RowQuads * TShape.Rows;
        var columns = 4 * ColumnQuads * TShape.Columns;
        var lane = Group.IdxX % WarpSize;
        var left = RowOf<TShape>();
        var right = (TShape.Depth * rows) + ColumnOf<TShape>();
        var sum = this;
        for (var step = 0; step < TShape.Depth; step += ProductDepth)
        {
            var upper = TProduct.LoadLeft(stage, left, rows, lane);
            var lower = TProduct.LoadLeft(stage, left + ProductRows, rows, lane);
            var first = TProduct.LoadRight(stage, right, columns, lane);
            var second = TProduct.LoadRight(stage, right + ProductColumns, columns, lane);
            var third = TProduct.LoadRight(stage, right + (2 * ProductColumns), columns, lane);
            var fourth = TProduct.LoadRight(stage, right + (3 * ProductColumns), columns, lane);
            sum = new()
            {
                _upper = sum._upper.Add(stage, upper, first, second, third, fourth, lane),
                _lower = sum._lower.Add(stage, lower, first, second, third, fourth, lane),
            };
            left += ProductDepth * rows;
            right += ProductDepth * columns;
        }

        return sum;
    }

    /// <inheritdoc/>
    public readonly void Store<TShape>(ArrayView<float> tile)
        where TShape : struct, ITileShape
    {
        var width = 4 * ColumnQuads * TShape.Columns;
        var lane = Group.IdxX % WarpSize;
        var index = ((RowOf<TShape>() + (lane / 4)) * width) + ColumnOf<TShape>() + (2 * (lane % 4));
        _upper.Store(tile, index, width);
        _lower.Store(tile, index + (ProductRows * width), width);
    }

    private static int RowOf<TShape>()
        where TShape : struct, ITileShape => Group.IdxX / WarpSize / (TShape.Columns / 8) * Side;

    private static int ColumnOf<TShape>()
        where TShape : struct, ITileShape => Group.IdxX / WarpSize % (TShape.Columns / 8) * Side;

    /// <summary>16 × 32.</summary>
    private struct HalfBlock
    {
        private Float4 _first;
        private Float4 _second;
        private Float4 _third;
        private Float4 _fourth;

        public readonly HalfBlock Add(
            ArrayView<float> stage, TLeft left, TRight first, TRight second, TRight third, TRight fourth, int lane) => new()
            {
                _first = TProduct.MultiplyAdd(stage, left, first, lane, _first),
                _second = TProduct.MultiplyAdd(stage, left, second, lane, _second),
                _third = TProduct.MultiplyAdd(stage, left, third, lane, _third),
                _fourth = TProduct.MultiplyAdd(stage, left, fourth, lane, _fourth),
            };

        public readonly void Store(ArrayView<float> tile, int index, int width)
        {
            Store(tile, index, width, _first);
            Store(tile, index + ProductColumns, width, _second);
            Store(tile, index + (2 * ProductColumns), width, _third);
            Store(tile, index + (3 * ProductColumns), width, _fourth);
        }

        private static void Store(ArrayView<float> tile, int index, int width, Float4 values)
        {
            tile[index] = values.X;
            tile[index + 1] = values.Y;
            tile[index + (8 * width)] = values.Z;
            tile[index + (8 * width) + 1] = values.W;
        }
    }
}
