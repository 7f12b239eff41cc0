using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Tiles for OpenCL drivers of processors: a thread per group, which reads operands where they lie.</summary>
/// <remarks>
/// A processor has caches where a GPU has shared memory: staging there only costs, and barriers make such drivers repeat code. What is left
/// is a block of 4 × 16 sums that the driver's compiler keeps in vector registers, because neighbouring columns are neighbours in memory.
/// A finished block passes through the workspace, so that the epilogue stands in the code once.
/// </remarks>
public readonly struct DirectTiles : ITileProgram
{
    private const int Columns = 16;
    private const int QuadsPerRow = Columns / 4;

    /// <summary>The workspace: a finished block, then four rows of a generated operand.</summary>
    private const int BlockLength = 4 * Columns;

    /// <summary>Bytes of <see cref="Workspace"/>.</summary>
    public const int SharedBytes = sizeof(float) * (BlockLength + (4 * MatrixProduct.LongestGeneratedDepth));

    /// <inheritdoc/>
    public static bool IsFirstThread => true;

    /// <inheritdoc/>
    public static ArrayView<float> Workspace() => SharedMemory.Allocate<Float4>(SharedBytes / Float4.Bytes).Cast<float>();

    /// <inheritdoc/>
    public static void Barrier()
    {
        // A thread waits for nobody.
    }

    /// <inheritdoc/>
    public static void ForEach<TBody>(int rowBegin, int rowEnd, int columns, TBody body)
        where TBody : struct, IElementwise
    {
        // One loop, whose turns no compiler knows even where it knows the columns: see Drain.
        var quads = columns / QuadLanes.Count;
        var items = (rowEnd - rowBegin + 3) / 4 * quads;
        for (var item = 0; item < items; item++)
        {
            var row = item / quads;
            body.Apply<Float4, UInt4, QuadLanes>(rowBegin + (4 * row), QuadLanes.Count * (item - (row * quads)));
        }
    }

    /// <inheritdoc/>
    public static void Product<TLeft, TEpilogue>(ArrayView<float> workspace, MatrixProduct product, TLeft left, TEpilogue epilogue)
        where TLeft : struct, ILeftOperand
        where TEpilogue : struct, IProductEpilogue
    {
        for (var row = product.RowBegin; row < product.RowEnd; row += 4)
        {
            if (TLeft.IsGenerated)
            {
                Generate(GeneratedOf(workspace), left, row, product.Depth);
            }

            for (var column = product.ColumnBegin; column < product.ColumnEnd; column += Columns)
            {
                var block = default(Rows4<Twice<Twice<Float4>>>);
                var right = Float4.Of(product.Right);
                var rows = RowsFrom(row, product.RowEnd, product.LeftRowStride);
                for (var step = 0; step < product.Depth; step++)
                {
                    var values = TLeft.IsGenerated
                        ? Float4.Of(GeneratedOf(workspace))[step]
                        : rows.Load(product.Left, step * product.LeftDepthStride);
                    block = block.Add(values, Twice<Twice<Float4>>.Load(right, ((step * product.RightStride) + column) / 4, 1));
                }

                Drain(workspace, block, row, product.RowEnd, 1, 0, column, epilogue);
            }
        }
    }

    /// <inheritdoc/>
    public static void Convolve<TEpilogue>(ArrayView<float> workspace, Convolution convolution, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        var map = convolution.Geometry;
        for (var channel = convolution.ChannelBegin; channel < convolution.ChannelEnd; channel += 4)
        {
            for (var position = 0; position < map.Positions; position++)
            {
                var offset = map.OffsetOf(position);
                for (var column = 0; column < convolution.ColumnEnd; column += Columns)
                {
                    var block = default(Rows4<Twice<Twice<Float4>>>);
                    var inputs = Float4.Of(map.Inputs);
                    var rows = RowsFrom(channel, convolution.ChannelEnd, convolution.FilterStride);
                    for (var tap = 0; tap < map.Count; tap++)
                    {
                        block = block.Add(
                            rows.Load(convolution.Filters, tap),
                            Twice<Twice<Float4>>.Load(inputs, (map.Taps[tap] + offset + column) / 4, 1));
                    }

                    Drain(workspace, block, channel, convolution.ChannelEnd, map.Positions, position, column, epilogue);
                }
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Sums of four samples at a time for one channel and four taps; taps beyond the last are those of the last, and left out at the end.
    /// </remarks>
    public static void Correlate(ArrayView<float> workspace, Correlation correlation)
    {
        var map = correlation.Geometry;
        var inputs = Float4.Of(map.Inputs);
        var deltas = Float4.Of(correlation.Deltas);
        for (var channel = correlation.ChannelBegin; channel < correlation.ChannelEnd; channel++)
        {
            for (var tap = 0; tap < map.Count; tap += 4)
            {
                var taps = RowsFrom(tap, map.Count, 1);
                var first = QuadLanes.Broadcast(0f);
                var second = first;
                var third = first;
                var fourth = first;
                for (var position = 0; position < map.Positions; position++)
                {
                    var offset = map.OffsetOf(position);
                    var begin = ((channel * map.Positions) + position) * correlation.DeltaStride;
                    var tap0 = map.Taps[taps.First] + offset;
                    var tap1 = map.Taps[taps.Second] + offset;
                    var tap2 = map.Taps[taps.Third] + offset;
                    var tap3 = map.Taps[taps.Fourth] + offset;
                    for (var sample = 0; sample < correlation.ColumnEnd; sample += 4)
                    {
                        var delta = deltas[(begin + sample) / 4];
                        first = QuadLanes.MultiplyAdd(delta, inputs[(tap0 + sample) / 4], first);
                        second = QuadLanes.MultiplyAdd(delta, inputs[(tap1 + sample) / 4], second);
                        third = QuadLanes.MultiplyAdd(delta, inputs[(tap2 + sample) / 4], third);
                        fourth = QuadLanes.MultiplyAdd(delta, inputs[(tap3 + sample) / 4], fourth);
                    }
                }

                FourRows.Store<float, uint, ScalarLanes>(
                    correlation.Target,
                    (channel * correlation.TargetStride) + tap,
                    1,
                    map.Count - tap,
                    new LaneQuad<float>(QuadLanes.Sum(first), QuadLanes.Sum(second), QuadLanes.Sum(third), QuadLanes.Sum(fourth)));
            }
        }
    }

    /// <inheritdoc/>
    public static void SumChannels<TBody>(
        ArrayView<float> workspace, int channelBegin, int channelEnd, int positions, int columns, TBody body)
        where TBody : struct, IChannelSum
    {
        for (var channel = channelBegin; channel < channelEnd; channel++)
        {
            var first = QuadLanes.Broadcast(0f);
            var second = first;
            for (var position = 0; position < positions; position++)
            {
                for (var column = 0; column < columns; column += QuadLanes.Count)
                {
                    var terms = body.Terms<Float4, UInt4, QuadLanes>(channel, (channel * positions) + position, column);
                    first = QuadLanes.Add(first, terms.First);
                    second = QuadLanes.Add(second, terms.Second);
                }
            }

            body.Finish(channel, QuadLanes.Sum(first), QuadLanes.Sum(second));
        }
    }

    private static ArrayView<float> GeneratedOf(ArrayView<float> workspace) =>
        workspace.SubView(BlockLength, 4 * MatrixProduct.LongestGeneratedDepth);

    // Steps beyond the depth are generated up to the next four, and not read.
    private static void Generate<TLeft>(ArrayView<float> target, TLeft left, int row, int depth)
        where TLeft : struct, ILeftOperand
    {
        for (var step = 0; step < depth; step += QuadLanes.Count)
        {
            var values = left.Generate<Float4, UInt4, QuadLanes>(row, step);
            QuadLanes.StoreTransposed(target, 4 * step, 4, values.First, values.Second, values.Third, values.Fourth);
        }
    }

    // The loop ends at a number that the compiler does not know: Mesa's unrolls one that it does, and then loses every store of four floats
    // but the last (docs/mesa-lost-stores.md).
    private static void Drain<TEpilogue>(
        ArrayView<float> workspace,
        Rows4<Twice<Twice<Float4>>> block,
        int row,
        int rowEnd,
        int positions,
        int position,
        int column,
        TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        var quads = Float4.Of(workspace);
        block.Store(quads, 0, QuadsPerRow, 0, 1);
        var rows = rowEnd - row < 4 ? rowEnd - row : 4;
        for (var item = 0; item < rows * QuadsPerRow; item++)
        {
            var r = row + (item / QuadsPerRow);
            epilogue.Apply<Float4, UInt4, QuadLanes>((r * positions) + position, column + (4 * (item % QuadsPerRow)), quads[item]);
        }
    }

    // Rows beyond the last are the last: they are read and their sums dropped.
    private static FourOffsets RowsFrom(int row, int rowEnd, int stride)
    {
        var last = rowEnd - 1;
        return new FourOffsets
        {
            First = row * stride,
            Second = (row + 1 < last ? row + 1 : last) * stride,
            Third = (row + 2 < last ? row + 2 : last) * stride,
            Fourth = (row + 3 < last ? row + 3 : last) * stride,
        };
    }

    /// <summary>Where four rows begin.</summary>
    private struct FourOffsets
    {
        public int First;
        public int Second;
        public int Third;
        public int Fourth;

        public readonly Float4 Load(ArrayView<float> view, int offset) =>
            new(view[First + offset], view[Second + offset], view[Third + offset], view[Fourth + offset]);
    }
}
