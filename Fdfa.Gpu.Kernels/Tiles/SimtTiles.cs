using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Tiles on a GPU: a work-group whose threads each have a block of the product in registers.</summary>
/// <remarks>
/// Both operands are staged through shared memory, <see cref="ITileShape.Depth"/> steps of the reduction at a time, in two buffers that
/// take turns: while the group multiplies what one holds, it loads the next stage, of the next tile too, into the other. A product has one
/// barrier per stage, and one before the first. A finished tile leaves through shared memory, in two buffers that take turns as well: the
/// epilogue then stands in the code once instead of once per element of a block, neighbouring threads have neighbouring columns, and where
/// the reduction is split the slices are added up there, always in the same order. Every thread stays alive through every barrier: loads
/// and stores are guarded, nothing returns early.
/// <para>
/// Shared memory per group: 8 · (Depth · (tile rows + tile columns) + Slices · tile rows · tile columns) bytes. What lies along rows of
/// memory is loaded 16 bytes at a time.
/// </para>
/// </remarks>
/// <typeparam name="TShape">The group's threads.</typeparam>
/// <typeparam name="TBlock">A thread's block.</typeparam>
public readonly partial struct SimtTiles<TShape, TBlock> : ITileProgram
    where TShape : struct, ITileShape
    where TBlock : struct, IThreadBlock<TBlock>
{
    /// <summary>Threads of a group.</summary>
    public static int Threads => TShape.Rows * TShape.Columns * TShape.Slices;

    /// <summary>Rows of a tile.</summary>
    public static int TileRows => 4 * TBlock.RowQuads * TShape.Rows;

    /// <summary>Columns of a tile.</summary>
    public static int TileColumns => 4 * TBlock.ColumnQuads * TShape.Columns;

    /// <summary>Bytes of <see cref="Workspace"/>.</summary>
    public static int SharedBytes => 2 * sizeof(float) * (StageLength + LeavingLength);

    /// <summary>A stage of both operands: Left [Depth × TileRows], then Right [Depth × TileColumns].</summary>
    private static int StageLength => TShape.Depth * (TileRows + TileColumns);

    private static int TileLength => TileRows * TileColumns;

    /// <summary>A finished tile, slice by slice.</summary>
    private static int LeavingLength => TShape.Slices * TileLength;

    /// <inheritdoc/>
    public static bool IsFirstThread => Group.IdxX == 0;

    /// <inheritdoc/>
    public static ArrayView<float> Workspace() => SharedMemory.Allocate<Float4>(SharedBytes / Float4.Bytes).Cast<float>();

    /// <inheritdoc/>
    public static void Barrier()
    {
        // A thread by itself waits for nobody, and drivers of processors repeat code behind a barrier.
        if (Threads > 1)
        {
            Group.Barrier();
        }
    }

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
    /// <remarks>
    /// A product whose reduction runs over positions and samples: each stage takes samples of one position, Depth of them or fewer.
    /// </remarks>
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
    public static void SumChannels<TBody>(
        ArrayView<float> workspace, int channelBegin, int channelEnd, int positions, int columns, TBody body)
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
            Barrier();
            if (Group.IdxX == 0)
            {
                for (var thread = 1; thread < Threads; thread++)
                {
                    first += workspace[2 * thread];
                    second += workspace[(2 * thread) + 1];
                }

                body.Finish(channel, first, second);
            }

            Barrier();
        }
    }

    private static int StagesOf(int depth) => (depth + TShape.Depth - 1) / TShape.Depth;

    /// <summary>All tiles of a range, stage by stage; there is at least one.</summary>
    private static void Run<TSource, TEpilogue>(ArrayView<float> workspace, TileRange range, TSource source, TEpilogue epilogue)
        where TSource : struct, ITileSource
        where TEpilogue : struct, IProductEpilogue
    {
        var here = new TilePlace { Row = range.RowBegin, Column = range.ColumnBegin };
        var ahead = here;
        var remaining = range.Positions * TilesIn(range.RowEnd - range.RowBegin, TileRows) * TilesIn(
            range.ColumnEnd - range.ColumnBegin, TileColumns) * range.Stages;
        var block = default(TBlock);
        var stage = 0;
        var tile = 2 * StageLength;
        source.Stage(workspace.SubView(stage, StageLength), ahead);
        Barrier();
        do
        {
            here = ahead;
            ahead = Next(range, ahead);
            var other = StageLength - stage;
            if (remaining > 1)
            {
                source.Stage(workspace.SubView(other, StageLength), ahead);
            }

            block = block.AddStage<TShape>(workspace.SubView(stage, StageLength));
            var isFinished = here.Stage + 1 == range.Stages;
            if (isFinished)
            {
                block.Store<TShape>(workspace.SubView(tile, LeavingLength));
            }

            // The next stage is there, this one has been used, and the tile can be read.
            Barrier();
            if (isFinished)
            {
                Drain(workspace.SubView(tile, LeavingLength), range, here, epilogue);
                block = default;
                tile = (4 * StageLength) + LeavingLength - tile;
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

    private static void Drain<TEpilogue>(ArrayView<float> tile, TileRange range, TilePlace place, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        for (var item = Group.IdxX; item < TileLength / 4; item += Threads)
        {
            var row = item / (TileColumns / 4);
            var column = place.Column + (4 * item) - (row * TileColumns);
            row += place.Row;
            if (row < range.RowEnd && column < range.ColumnEnd)
            {
                epilogue.Apply<Float4, UInt4, QuadLanes>((row * range.Positions) + place.Position, column, Sum(Float4.Of(tile), item));
            }
        }
    }

    private static Float4 Sum(ArrayView<Float4> tile, int item)
    {
        var sum = tile[item];
        if (TShape.Slices > 1)
        {
            for (var slice = 1; slice < TShape.Slices; slice++)
            {
                sum = QuadLanes.Add(sum, tile[(slice * (TileLength / 4)) + item]);
            }
        }

        return sum;
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
