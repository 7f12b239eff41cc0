using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>A number known when a kernel is compiled.</summary>
public interface IConstant
{
    /// <summary>The number.</summary>
    static abstract int Value { get; }
}

/// <summary>Tiles on a GPU: a work-group of TRows × TColumns threads, each with a 4 × 4 block of the product in registers.</summary>
/// <remarks>
/// Both operands are staged through shared memory, TDepth steps of the reduction at a time, in two buffers that take turns: while
/// the group multiplies what one holds, it loads the next stage, of the next tile too, into the other. A product has one
/// barrier per stage, and one before the first. A finished tile leaves through shared memory, in two buffers that take turns as well:
/// the epilogue then stands in the code once instead of sixteen times, and neighbouring threads have neighbouring columns.
/// Every thread stays alive through every barrier: loads and stores are guarded, nothing returns early.
/// <para>
/// Shared memory per group: 32 · TDepth · (TRows + TColumns) + 128 · TRows · TColumns bytes. What lies along rows of memory is
/// loaded 16 bytes at a time; TDepth is a multiple of 4.
/// </para>
/// </remarks>
/// <typeparam name="TRows">Threads along the rows of a tile.</typeparam>
/// <typeparam name="TColumns">Threads along the columns.</typeparam>
/// <typeparam name="TDepth">Steps of the reduction staged at once.</typeparam>
public readonly partial struct SimtTiles<TRows, TColumns, TDepth> : ITileProgram
    where TRows : struct, IConstant
    where TColumns : struct, IConstant
    where TDepth : struct, IConstant
{
    private static int Threads => TRows.Value * TColumns.Value;

    private static int TileRows => 4 * TRows.Value;

    private static int TileColumns => 4 * TColumns.Value;

    /// <summary>A stage of both operands: Left [TDepth × TileRows], then Right [TDepth × TileColumns].</summary>
    private static int StageLength => TDepth.Value * (TileRows + TileColumns);

    private static int TileLength => TileRows * TileColumns;

    /// <inheritdoc/>
    public static bool IsFirstThread => Group.IdxX == 0;

    /// <inheritdoc/>
    public static ArrayView<float> Workspace() => SharedMemory.Allocate<Float4>((StageLength + TileLength) / 2).Cast<float>();

    /// <inheritdoc/>
    public static void Barrier() => Group.Barrier();

    /// <inheritdoc/>
    public static void ForEach<TBody>(int rowBegin, int rowEnd, int columns, TBody body)
        where TBody : struct, IElementwise
    {
        var quads = (rowEnd - rowBegin + 3) / 4;
        for (var item = Group.IdxX; item < quads * columns; item += Threads)
        {
            var quad = item / columns;
            body.Apply<float, uint, ScalarLanes>(rowBegin + (4 * quad), item - (quad * columns));
        }
    }

    /// <inheritdoc/>
    public static void Product<TLeft, TEpilogue>(ArrayView<float> workspace, MatrixProduct product, TLeft left, TEpilogue epilogue)
        where TLeft : struct, ILeftOperand
        where TEpilogue : struct, IProductEpilogue =>
        Run(
            workspace,
            new TileRange
            {
                Positions = 1,
                RowBegin = product.RowBegin,
                RowEnd = product.RowEnd,
                ColumnBegin = product.ColumnBegin,
                ColumnEnd = product.ColumnEnd,
                Stages = StagesOf(product.Depth),
            },
            new ProductSource<TLeft> { Product = product, Left = left },
            epilogue);

    /// <inheritdoc/>
    public static void Convolve<TEpilogue>(ArrayView<float> workspace, Convolution convolution, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue =>
        Run(
            workspace,
            new TileRange
            {
                Positions = convolution.Geometry.Positions,
                RowBegin = convolution.ChannelBegin,
                RowEnd = convolution.ChannelEnd,
                ColumnEnd = convolution.ColumnEnd,
                Stages = StagesOf(convolution.Geometry.Count),
            },
            new ConvolutionSource { Convolution = convolution },
            epilogue);

    /// <inheritdoc/>
    /// <remarks>A product whose reduction runs over positions and samples: each stage takes samples of one position, TDepth of them or fewer.</remarks>
    public static void Correlate(ArrayView<float> workspace, Correlation correlation)
    {
        var stagesPerPosition = StagesOf(correlation.ColumnEnd);
        Run(
            workspace,
            new TileRange
            {
                Positions = 1,
                RowBegin = correlation.ChannelBegin,
                RowEnd = correlation.ChannelEnd,
                ColumnEnd = correlation.Geometry.Count,
                Stages = correlation.Geometry.Positions * stagesPerPosition,
            },
            new CorrelationSource { Correlation = correlation, StagesPerPosition = stagesPerPosition },
            new GradientEpilogue { Target = correlation.Target, Stride = correlation.TargetStride });
    }

    /// <inheritdoc/>
    /// <remarks>Every thread adds up elements a group apart, and the first thread adds the threads' sums in their order.</remarks>
    public static void SumChannels<TBody>(ArrayView<float> workspace, int channelBegin, int channelEnd, int positions, int columns, TBody body)
        where TBody : struct, IChannelSum
    {
        for (var channel = channelBegin; channel < channelEnd; channel++)
        {
            var first = 0f;
            var second = 0f;
            for (var item = Group.IdxX; item < positions * columns; item += Threads)
            {
                var position = item / columns;
                var terms = body.Terms<float, uint, ScalarLanes>(channel, (channel * positions) + position, item - (position * columns));
                first += terms.First;
                second += terms.Second;
            }

            workspace[2 * Group.IdxX] = first;
            workspace[(2 * Group.IdxX) + 1] = second;
            Group.Barrier();
            if (Group.IdxX == 0)
            {
                for (var thread = 1; thread < Threads; thread++)
                {
                    first += workspace[2 * thread];
                    second += workspace[(2 * thread) + 1];
                }

                body.Finish(channel, first, second);
            }

            Group.Barrier();
        }
    }

    private static int StagesOf(int depth) => (depth + TDepth.Value - 1) / TDepth.Value;

    /// <summary>All tiles of a range, stage by stage; there is at least one.</summary>
    private static void Run<TSource, TEpilogue>(ArrayView<float> workspace, TileRange range, TSource source, TEpilogue epilogue)
        where TSource : struct, ITileSource
        where TEpilogue : struct, IProductEpilogue
    {
        var here = new TilePlace { Row = range.RowBegin, Column = range.ColumnBegin };
        var ahead = here;
        var remaining = range.Positions * TilesIn(range.RowEnd - range.RowBegin, TileRows) * TilesIn(range.ColumnEnd - range.ColumnBegin, TileColumns) * range.Stages;
        var block = default(Block4x4);
        var stage = 0;
        var tile = 2 * StageLength;
        source.Stage(workspace.SubView(stage, StageLength), ahead);
        Group.Barrier();
        do
        {
            here = ahead;
            ahead = Next(range, ahead);
            var other = StageLength - stage;
            if (remaining > 1)
            {
                source.Stage(workspace.SubView(other, StageLength), ahead);
            }

            block = Accumulate(workspace.SubView(stage, StageLength), block);
            var isFinished = here.Stage + 1 == range.Stages;
            if (isFinished)
            {
                Share(workspace.SubView(tile, TileLength), block);
            }

            // The next stage is there, this one has been used, and the tile can be read.
            Group.Barrier();
            if (isFinished)
            {
                Drain(workspace.SubView(tile, TileLength), range, here, epilogue);
                block = default;
                tile = (4 * StageLength) + TileLength - tile;
            }

            stage = other;
            remaining--;
        }
        while (remaining > 0);
    }

    private static int TilesIn(int length, int tile) => (length + tile - 1) / tile;

    private static TilePlace Next(TileRange range, TilePlace place)
    {
        place.Stage++;
        if (place.Stage == range.Stages)
        {
            place.Stage = 0;
            place.Column += TileColumns;
            if (place.Column >= range.ColumnEnd)
            {
                place.Column = range.ColumnBegin;
                place.Row += TileRows;
                if (place.Row >= range.RowEnd)
                {
                    place.Row = range.RowBegin;
                    place.Position++;
                }
            }
        }

        return place;
    }

    private static Block4x4 Accumulate(ArrayView<float> stage, Block4x4 block)
    {
        var quads = QuadsOf(stage);
        var left = Group.IdxX / TColumns.Value;
        var right = (TDepth.Value * TRows.Value) + (Group.IdxX % TColumns.Value);
        for (var step = 0; step < TDepth.Value; step++)
        {
            var a = quads[left];
            var b = quads[right];
            block.Row0 = b.MultiplyAdd(a.X, block.Row0);
            block.Row1 = b.MultiplyAdd(a.Y, block.Row1);
            block.Row2 = b.MultiplyAdd(a.Z, block.Row2);
            block.Row3 = b.MultiplyAdd(a.W, block.Row3);
            left += TRows.Value;
            right += TColumns.Value;
        }

        return block;
    }

    private static void Share(ArrayView<float> tile, Block4x4 block)
    {
        var quads = QuadsOf(tile);
        var index = (4 * (Group.IdxX / TColumns.Value) * TColumns.Value) + (Group.IdxX % TColumns.Value);
        quads[index] = block.Row0;
        quads[index + TColumns.Value] = block.Row1;
        quads[index + (2 * TColumns.Value)] = block.Row2;
        quads[index + (3 * TColumns.Value)] = block.Row3;
    }

    private static void Drain<TEpilogue>(ArrayView<float> tile, TileRange range, TilePlace place, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        for (var item = Group.IdxX; item < TileLength; item += Threads)
        {
            var row = item / TileColumns;
            var column = place.Column + item - (row * TileColumns);
            row += place.Row;
            if (row < range.RowEnd && column < range.ColumnEnd)
            {
                epilogue.Apply<float, uint, ScalarLanes>((row * range.Positions) + place.Position, column, tile[item]);
            }
        }
    }

    /// <summary>Tiles of rows and columns, at each of some positions.</summary>
    private struct TileRange
    {
        public int Positions;
        public int RowBegin;
        public int RowEnd;
        public int ColumnBegin;
        public int ColumnEnd;

        /// <summary>Stages of a tile's reduction.</summary>
        public int Stages;
    }

    /// <summary>A stage of a tile.</summary>
    private struct TilePlace
    {
        public int Position;
        public int Row;
        public int Column;
        public int Stage;
    }
}

/// <summary>Four floats in registers, 16 bytes in memory. Struct fields stay in registers where an array indexed by a loop variable would not.</summary>
internal readonly struct Float4(float x, float y, float z, float w)
{
    /// <summary>Its size, and the alignment of what is loaded at once.</summary>
    public const int Bytes = 16;

    public readonly float X = x;
    public readonly float Y = y;
    public readonly float Z = z;
    public readonly float W = w;

    public Float4 MultiplyAdd(float factor, Float4 sum) =>
        new((X * factor) + sum.X, (Y * factor) + sum.Y, (Z * factor) + sum.Z, (W * factor) + sum.W);
}

/// <summary>A thread's block of the product.</summary>
internal struct Block4x4
{
    public Float4 Row0;
    public Float4 Row1;
    public Float4 Row2;
    public Float4 Row3;
}
