using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Neighbouring columns of one row, in quads of four that need not be neighbours of each other.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
public interface IRowBlock<TSelf>
    where TSelf : struct, IRowBlock<TSelf>
{
    /// <summary>Quads.</summary>
    static abstract int Quads { get; }

    /// <summary>Quads <c>view[index]</c>, <c>view[index + step]</c> and so on.</summary>
    static abstract TSelf Load(ArrayView<Float4> view, int index, int step);

    /// <summary>this · factor + sum.</summary>
    TSelf MultiplyAdd(float factor, TSelf sum);

    /// <summary>Writes quads <c>view[index]</c>, <c>view[index + step]</c> and so on.</summary>
    void Store(ArrayView<Float4> view, int index, int step);
}

/// <summary>Twice as many columns.</summary>
/// <typeparam name="THalf">Half of them.</typeparam>
public readonly struct Twice<THalf>(THalf first, THalf second) : IRowBlock<Twice<THalf>>
    where THalf : struct, IRowBlock<THalf>
{
    private readonly THalf _first = first;
    private readonly THalf _second = second;

    /// <inheritdoc/>
    public static int Quads => 2 * THalf.Quads;

    /// <inheritdoc/>
    public static Twice<THalf> Load(ArrayView<Float4> view, int index, int step) =>
        new(THalf.Load(view, index, step), THalf.Load(view, index + (THalf.Quads * step), step));

    /// <inheritdoc/>
    public Twice<THalf> MultiplyAdd(float factor, Twice<THalf> sum) =>
        new(_first.MultiplyAdd(factor, sum._first), _second.MultiplyAdd(factor, sum._second));

    /// <inheritdoc/>
    public void Store(ArrayView<Float4> view, int index, int step)
    {
        _first.Store(view, index, step);
        _second.Store(view, index + (THalf.Quads * step), step);
    }
}

/// <summary>What a thread has of a product: some quads of four rows by some quads of four columns.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
public interface IThreadBlock<TSelf>
    where TSelf : struct, IThreadBlock<TSelf>
{
    /// <summary>Quads of rows.</summary>
    static abstract int RowQuads { get; }

    /// <summary>Quads of columns.</summary>
    static abstract int ColumnQuads { get; }

    /// <summary>Adds what its thread has of a stage: of Left [Depth × tile rows], then Right [Depth × tile columns].</summary>
    TSelf AddStage<TShape>(ArrayView<float> stage)
        where TShape : struct, ITileShape;

    /// <summary>Writes the thread's part of a tile [tile rows × tile columns], in that of its slice.</summary>
    void Store<TShape>(ArrayView<float> tile)
        where TShape : struct, ITileShape;
}

/// <summary>A block that adds up in a thread's own registers, one step of the reduction after the other.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
public interface IRegisterBlock<TSelf> : IThreadBlock<TSelf>
    where TSelf : struct, IRegisterBlock<TSelf>
{
    /// <summary>Adds a step of the reduction: a column of Left, in quads <paramref name="leftStep"/> apart, by a row of Right.</summary>
    TSelf Add(ArrayView<Float4> stage, int left, int leftStep, int right, int rightStep);

    /// <summary>
    /// Writes all rows, each <paramref name="width"/> quads after the last, and quads of rows <paramref name="rowStep"/> quads apart.
    /// </summary>
    void Store(ArrayView<Float4> tile, int index, int width, int rowStep, int columnStep);
}

/// <summary>
/// Which part of a stage and a tile is a thread's: quads of rows and columns as far apart as the group has threads, so that neighbours read
/// neighbours.
/// </summary>
internal static class RegisterBlock
{
    public static TBlock AddStage<TShape, TBlock>(ArrayView<float> stage, TBlock block)
        where TShape : struct, ITileShape
        where TBlock : struct, IRegisterBlock<TBlock>
    {
        var quads = Float4.Of(stage);
        var leftQuads = TBlock.RowQuads * TShape.Rows;
        var rightQuads = TBlock.ColumnQuads * TShape.Columns;
        var thread = Group.IdxX % (TShape.Rows * TShape.Columns);
        var slice = Group.IdxX / (TShape.Rows * TShape.Columns);
        var left = (slice * leftQuads) + (thread / TShape.Columns);
        var right = (TShape.Depth * leftQuads) + (slice * rightQuads) + (thread % TShape.Columns);
        for (var step = 0; step < TShape.Depth; step += TShape.Slices)
        {
            block = block.Add(quads, left, TShape.Rows, right, TShape.Columns);
            left += TShape.Slices * leftQuads;
            right += TShape.Slices * rightQuads;
        }

        return block;
    }

    public static void Store<TShape, TBlock>(ArrayView<float> tile, TBlock block)
        where TShape : struct, ITileShape
        where TBlock : struct, IRegisterBlock<TBlock>
    {
        var width = TBlock.ColumnQuads * TShape.Columns;
        var rows = 4 * TBlock.RowQuads * TShape.Rows;
        var thread = Group.IdxX % (TShape.Rows * TShape.Columns);
        var slice = Group.IdxX / (TShape.Rows * TShape.Columns);
        var index = (((slice * rows) + (4 * (thread / TShape.Columns))) * width) + (thread % TShape.Columns);
        block.Store(Float4.Of(tile), index, width, 4 * TShape.Rows * width, TShape.Columns);
    }
}

/// <summary>Four rows.</summary>
/// <typeparam name="TRow">A row's columns.</typeparam>
public struct Rows4<TRow> : IRegisterBlock<Rows4<TRow>>
    where TRow : struct, IRowBlock<TRow>
{
    private TRow _row0;
    private TRow _row1;
    private TRow _row2;
    private TRow _row3;

    /// <inheritdoc/>
    public static int RowQuads => 1;

    /// <inheritdoc/>
    public static int ColumnQuads => TRow.Quads;

    /// <inheritdoc/>
    public readonly Rows4<TRow> AddStage<TShape>(ArrayView<float> stage)
        where TShape : struct, ITileShape => RegisterBlock.AddStage<TShape, Rows4<TRow>>(stage, this);

    /// <inheritdoc/>
    public readonly void Store<TShape>(ArrayView<float> tile)
        where TShape : struct, ITileShape => RegisterBlock.Store<TShape, Rows4<TRow>>(tile, this);

    /// <inheritdoc/>
    public readonly Rows4<TRow> Add(ArrayView<Float4> stage, int left, int leftStep, int right, int rightStep) =>
        Add(stage[left], TRow.Load(stage, right, rightStep));

    /// <summary>Adds the outer product of four rows and a row of columns.</summary>
    public readonly Rows4<TRow> Add(Float4 rows, TRow columns) => new()
    {
        _row0 = columns.MultiplyAdd(rows.X, _row0),
        _row1 = columns.MultiplyAdd(rows.Y, _row1),
        _row2 = columns.MultiplyAdd(rows.Z, _row2),
        _row3 = columns.MultiplyAdd(rows.W, _row3),
    };

    /// <inheritdoc/>
    public readonly void Store(ArrayView<Float4> tile, int index, int width, int rowStep, int columnStep)
    {
        _row0.Store(tile, index, columnStep);
        _row1.Store(tile, index + width, columnStep);
        _row2.Store(tile, index + (2 * width), columnStep);
        _row3.Store(tile, index + (3 * width), columnStep);
    }
}

/// <summary>Eight rows, four and four.</summary>
/// <typeparam name="TRow">A row's columns.</typeparam>
public struct Rows8<TRow> : IRegisterBlock<Rows8<TRow>>
    where TRow : struct, IRowBlock<TRow>
{
    private Rows4<TRow> _upper;
    private Rows4<TRow> _lower;

    /// <inheritdoc/>
    public static int RowQuads => 2;

    /// <inheritdoc/>
    public static int ColumnQuads => TRow.Quads;

    /// <inheritdoc/>
    public readonly Rows8<TRow> AddStage<TShape>(ArrayView<float> stage)
        where TShape : struct, ITileShape => RegisterBlock.AddStage<TShape, Rows8<TRow>>(stage, this);

    /// <inheritdoc/>
    public readonly void Store<TShape>(ArrayView<float> tile)
        where TShape : struct, ITileShape => RegisterBlock.Store<TShape, Rows8<TRow>>(tile, this);

    /// <inheritdoc/>
    public readonly Rows8<TRow> Add(ArrayView<Float4> stage, int left, int leftStep, int right, int rightStep)
    {
        var columns = TRow.Load(stage, right, rightStep);
        return new()
        {
            _upper = _upper.Add(stage[left], columns),
            _lower = _lower.Add(stage[left + leftStep], columns),
        };
    }

    /// <inheritdoc/>
    public readonly void Store(ArrayView<Float4> tile, int index, int width, int rowStep, int columnStep)
    {
        _upper.Store(tile, index, width, rowStep, columnStep);
        _lower.Store(tile, index + rowStep, width, rowStep, columnStep);
    }
}
