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
/// Both operands are staged through shared memory, TDepth steps of the reduction at a time. Every thread stays alive
/// through every barrier: loads and stores are guarded, nothing returns early. Shared memory per group:
/// 4 · TDepth · 4 · (TRows + TColumns) bytes, which must hold the finished tile too: TDepth · (TRows + TColumns) ≥
/// 4 · TRows · TColumns. A thread's four columns lie TColumns apart, so that neighbouring threads touch neighbouring words.
/// </remarks>
/// <typeparam name="TRows">Threads along the rows of a tile.</typeparam>
/// <typeparam name="TColumns">Threads along the columns.</typeparam>
/// <typeparam name="TDepth">Steps of the reduction staged at once.</typeparam>
public readonly struct SimtTiles<TRows, TColumns, TDepth> : ITileProgram
    where TRows : struct, IConstant
    where TColumns : struct, IConstant
    where TDepth : struct, IConstant
{
    private static int Threads => TRows.Value * TColumns.Value;

    private static int TileRows => 4 * TRows.Value;

    private static int TileColumns => 4 * TColumns.Value;

    /// <inheritdoc/>
    public static bool IsFirstThread => Group.IdxX == 0;

    /// <inheritdoc/>
    public static ArrayView<float> Workspace() => SharedMemory.Allocate<float>(TDepth.Value * (TileRows + TileColumns));

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
        where TEpilogue : struct, IProductEpilogue
    {
        for (var tileRow = product.RowBegin; tileRow < product.RowEnd; tileRow += TileRows)
        {
            for (var tileColumn = product.ColumnBegin; tileColumn < product.ColumnEnd; tileColumn += TileColumns)
            {
                var block = default(Block4x4);
                for (var depth = 0; depth < product.Depth; depth += TDepth.Value)
                {
                    if (TLeft.IsGenerated)
                    {
                        StageGenerated(workspace, product, left, tileRow, depth);
                    }
                    else
                    {
                        StageStored(workspace, product, tileRow, depth);
                    }

                    StageRight(workspace, product, tileColumn, depth);
                    block = AccumulateStaged(workspace, block);
                }

                Share(workspace, block);
                Drain(workspace, product, tileRow, tileColumn, epilogue);
                Group.Barrier();
            }
        }
    }

    /// <inheritdoc/>
    public static void Convolve<TEpilogue>(ArrayView<float> workspace, Convolution convolution, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        var map = convolution.Geometry;
        var product = new MatrixProduct
        {
            Left = convolution.Filters,
            LeftRowStride = convolution.FilterStride,
            LeftDepthStride = 1,
            RowBegin = convolution.ChannelBegin,
            RowEnd = convolution.ChannelEnd,
            ColumnEnd = convolution.ColumnEnd,
            Depth = map.Count,
        };
        for (var position = 0; position < map.Positions; position++)
        {
            var offset = map.OffsetOf(position);
            var ofPosition = new PositionEpilogue<TEpilogue> { Epilogue = epilogue, Positions = map.Positions, Position = position };
            for (var tileRow = product.RowBegin; tileRow < product.RowEnd; tileRow += TileRows)
            {
                for (var tileColumn = 0; tileColumn < product.ColumnEnd; tileColumn += TileColumns)
                {
                    var block = default(Block4x4);
                    for (var depth = 0; depth < product.Depth; depth += TDepth.Value)
                    {
                        StageStored(workspace, product, tileRow, depth);
                        StageTaps(workspace, map, offset, tileColumn, product.ColumnEnd, depth);
                        block = AccumulateStaged(workspace, block);
                    }

                    Share(workspace, block);
                    Drain(workspace, product, tileRow, tileColumn, ofPosition);
                    Group.Barrier();
                }
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>A product whose reduction runs over positions and samples: each stage takes samples of one position, TDepth of them or fewer.</remarks>
    public static void Correlate(ArrayView<float> workspace, Correlation correlation)
    {
        var map = correlation.Geometry;
        var product = new MatrixProduct
        {
            RowBegin = correlation.ChannelBegin,
            RowEnd = correlation.ChannelEnd,
            ColumnEnd = map.Count,
        };
        var epilogue = new GradientEpilogue { Target = correlation.Target, Stride = correlation.TargetStride };
        for (var tileRow = product.RowBegin; tileRow < product.RowEnd; tileRow += TileRows)
        {
            for (var tileColumn = 0; tileColumn < map.Count; tileColumn += TileColumns)
            {
                var block = default(Block4x4);
                for (var position = 0; position < map.Positions; position++)
                {
                    for (var sample = 0; sample < correlation.ColumnEnd; sample += TDepth.Value)
                    {
                        StageDeltas(workspace, correlation, tileRow, position, sample);
                        StageInputs(workspace, correlation, tileColumn, map.OffsetOf(position), sample);
                        block = AccumulateStaged(workspace, block);
                    }
                }

                Share(workspace, block);
                Drain(workspace, product, tileRow, tileColumn, epilogue);
                Group.Barrier();
            }
        }
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

    // Steps beyond the depth, rows and columns beyond the tile are staged as zeros: they add nothing.
    private static void StageStored(ArrayView<float> workspace, MatrixProduct product, int tileRow, int depth)
    {
        for (var item = Group.IdxX; item < TDepth.Value * TileRows; item += Threads)
        {
            var step = item / TileRows;
            var row = item - (step * TileRows);
            var inside = depth + step < product.Depth && tileRow + row < product.RowEnd;
            workspace[item] = inside
                ? product.Left[((tileRow + row) * product.LeftRowStride) + ((depth + step) * product.LeftDepthStride)]
                : 0f;
        }
    }

    // Four rows at a time. Rows beyond the tile are generated and never drained; steps beyond the depth meet zeros of Right.
    private static void StageGenerated<TLeft>(ArrayView<float> workspace, MatrixProduct product, TLeft left, int tileRow, int depth)
        where TLeft : struct, ILeftOperand
    {
        for (var item = Group.IdxX; item < TDepth.Value * TRows.Value; item += Threads)
        {
            var step = item / TRows.Value;
            var row = 4 * (item - (step * TRows.Value));
            var values = left.Generate<float, uint, ScalarLanes>(tileRow + row, depth + step);
            var index = (step * TileRows) + row;
            workspace[index] = values.First;
            workspace[index + 1] = values.Second;
            workspace[index + 2] = values.Third;
            workspace[index + 3] = values.Fourth;
        }
    }

    private static void StageRight(ArrayView<float> workspace, MatrixProduct product, int tileColumn, int depth)
    {
        var rightBase = TDepth.Value * TileRows;
        for (var item = Group.IdxX; item < TDepth.Value * TileColumns; item += Threads)
        {
            var step = item / TileColumns;
            var column = item - (step * TileColumns);
            var inside = depth + step < product.Depth && tileColumn + column < product.ColumnEnd;
            workspace[rightBase + item] = inside
                ? product.Right[((depth + step) * product.RightStride) + tileColumn + column]
                : 0f;
        }
    }

    private static void StageTaps(ArrayView<float> workspace, TapGeometry map, int offset, int tileColumn, int columnEnd, int depth)
    {
        var rightBase = TDepth.Value * TileRows;
        for (var item = Group.IdxX; item < TDepth.Value * TileColumns; item += Threads)
        {
            var step = item / TileColumns;
            var column = tileColumn + item - (step * TileColumns);
            var value = 0f;
            if (depth + step < map.Count && column < columnEnd)
            {
                value = map.Inputs[map.Taps[depth + step] + offset + column];
            }

            workspace[rightBase + item] = value;
        }
    }

    private static void StageDeltas(ArrayView<float> workspace, Correlation correlation, int tileRow, int position, int sample)
    {
        for (var item = Group.IdxX; item < TDepth.Value * TileRows; item += Threads)
        {
            var row = item / TDepth.Value;
            var step = item - (row * TDepth.Value);
            var value = 0f;
            if (sample + step < correlation.ColumnEnd && tileRow + row < correlation.ChannelEnd)
            {
                var index = (((tileRow + row) * correlation.Geometry.Positions) + position) * correlation.DeltaStride;
                value = correlation.Deltas[index + sample + step];
            }

            workspace[(step * TileRows) + row] = value;
        }
    }

    private static void StageInputs(ArrayView<float> workspace, Correlation correlation, int tileColumn, int offset, int sample)
    {
        var rightBase = TDepth.Value * TileRows;
        for (var item = Group.IdxX; item < TDepth.Value * TileColumns; item += Threads)
        {
            var tap = item / TDepth.Value;
            var step = item - (tap * TDepth.Value);
            var value = 0f;
            if (sample + step < correlation.ColumnEnd && tileColumn + tap < correlation.Geometry.Count)
            {
                value = correlation.Geometry.Inputs[correlation.Geometry.Taps[tileColumn + tap] + offset + sample + step];
            }

            workspace[rightBase + (step * TileColumns) + tap] = value;
        }
    }

    // All threads have staged before any multiplies, and all have multiplied before any stages again.
    private static Block4x4 AccumulateStaged(ArrayView<float> workspace, Block4x4 block)
    {
        Group.Barrier();
        var sum = Accumulate(workspace, Group.IdxX / TColumns.Value, Group.IdxX % TColumns.Value, block);
        Group.Barrier();
        return sum;
    }

    private static Block4x4 Accumulate(ArrayView<float> workspace, int threadRow, int threadColumn, Block4x4 block)
    {
        var left = 4 * threadRow;
        var right = (TDepth.Value * TileRows) + threadColumn;
        for (var step = 0; step < TDepth.Value; step++)
        {
            var b = new Float4(
                workspace[right],
                workspace[right + TColumns.Value],
                workspace[right + (2 * TColumns.Value)],
                workspace[right + (3 * TColumns.Value)]);
            block.Row0 = b.MultiplyAdd(workspace[left], block.Row0);
            block.Row1 = b.MultiplyAdd(workspace[left + 1], block.Row1);
            block.Row2 = b.MultiplyAdd(workspace[left + 2], block.Row2);
            block.Row3 = b.MultiplyAdd(workspace[left + 3], block.Row3);
            left += TileRows;
            right += TileColumns;
        }

        return block;
    }

    // The finished tile goes through shared memory, where the operands no longer are: then the epilogue stands in the code once
    // instead of sixteen times, and neighbouring threads have neighbouring columns.
    private static void Share(ArrayView<float> workspace, Block4x4 block)
    {
        var column = Group.IdxX % TColumns.Value;
        var index = (4 * (Group.IdxX / TColumns.Value) * TileColumns) + column;
        ShareRow(workspace, index, block.Row0);
        ShareRow(workspace, index + TileColumns, block.Row1);
        ShareRow(workspace, index + (2 * TileColumns), block.Row2);
        ShareRow(workspace, index + (3 * TileColumns), block.Row3);
        Group.Barrier();
    }

    private static void ShareRow(ArrayView<float> workspace, int index, Float4 values)
    {
        workspace[index] = values.X;
        workspace[index + TColumns.Value] = values.Y;
        workspace[index + (2 * TColumns.Value)] = values.Z;
        workspace[index + (3 * TColumns.Value)] = values.W;
    }

    private static void Drain<TEpilogue>(ArrayView<float> workspace, MatrixProduct product, int tileRow, int tileColumn, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        for (var item = Group.IdxX; item < TileRows * TileColumns; item += Threads)
        {
            var row = item / TileColumns;
            var column = tileColumn + item - (row * TileColumns);
            row += tileRow;
            if (row < product.RowEnd && column < product.ColumnEnd)
            {
                epilogue.Apply<float, uint, ScalarLanes>(row, column, workspace[item]);
            }
        }
    }

    /// <summary>Elements of one position, as rows of the whole map.</summary>
    private struct PositionEpilogue<TEpilogue> : IProductEpilogue
        where TEpilogue : struct, IProductEpilogue
    {
        public TEpilogue Epilogue;
        public int Positions;
        public int Position;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> =>
            Epilogue.Apply<TLane, TBits, TLanes>((row * Positions) + Position, column, value);

        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch
        {
            // Only a tile program with a cache asks.
        }
    }

    private struct GradientEpilogue : IProductEpilogue
    {
        public ArrayView<float> Target;
        public int Stride;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => TLanes.Store(Target, (row * Stride) + column, value);

        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch
        {
            // Only a tile program with a cache asks.
        }
    }
}

/// <summary>Four floats in registers. Struct fields stay in registers where an array indexed by a loop variable would not.</summary>
internal readonly struct Float4(float x, float y, float z, float w)
{
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
