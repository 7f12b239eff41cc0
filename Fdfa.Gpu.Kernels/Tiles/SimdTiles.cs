using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Tiles on ILGPU's CPU accelerator: a group of one thread, SIMD registers, plain pointers.</summary>
/// <remarks>
/// The CPU accelerator runs a kernel's original .NET method, and nothing is translated there: SIMD, pointers and stack memory work.
///
/// Products and convolutions are made of <see cref="RegisterBlocks{TLane, TBits, TLanes}"/>. An element's bits do not depend on where
/// a tile begins.
/// </remarks>
public readonly struct SimdTiles<TLane, TBits, TLanes> : ITileProgram
    where TLane : unmanaged
    where TBits : unmanaged
    where TLanes : struct, ILanes<TLane, TBits>
{
    // A partial sum of single precision stays short, so that a large map loses no digits.
    private const int RowsPerPartialSum = 32;

    // 256 KB, a quarter of a second-level cache of today.
    private const int StripeFloats = 1 << 16;

    /// <inheritdoc/>
    public static bool IsFirstThread => true;

    /// <inheritdoc/>
    public static ArrayView<float> Workspace() => ArrayView<float>.Empty;

    /// <inheritdoc/>
    public static void Barrier()
    {
        // A group of one thread has nobody to wait for.
    }

    /// <inheritdoc/>
    public static void ForEach<TBody>(int rowBegin, int rowEnd, int columns, TBody body)
        where TBody : struct, IElementwise
    {
        for (var row = rowBegin; row < rowEnd; row += 4)
        {
            for (var column = 0; column < columns; column += TLanes.Count)
            {
                body.Apply<TLane, TBits, TLanes>(row, column);
            }
        }
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public static unsafe void Product<TLeft, TEpilogue>(
        ArrayView<float> workspace, MatrixProduct product, TLeft generator, TEpilogue epilogue)
        where TLeft : struct, ILeftOperand
        where TEpilogue : struct, IProductEpilogue
    {
        if (product.RowBegin >= product.RowEnd || product.ColumnBegin >= product.ColumnEnd)
        {
            return;
        }

        var block = stackalloc TLane[2 * RegisterBlocks<TLane, TBits, TLanes>.MostRows];
        var right = SimdMemory.Pointer(product.Right);
        var steps = new EqualSteps(product.RightStride);

        // A generated operand is generated once per stripe: one stripe.
        var stripe = TLeft.IsGenerated ? product.ColumnEnd - product.ColumnBegin : StripeColumns(product.Depth);
        float* left = null;
        var generated =
            stackalloc float[TLeft.IsGenerated ? RegisterBlocks<TLane, TBits, TLanes>.MostRows * MatrixProduct.LongestGeneratedDepth : 1];
        if (TLeft.IsGenerated)
        {
            product.LeftRowStride = MatrixProduct.LongestGeneratedDepth;
            product.LeftDepthStride = 1;
        }
        else
        {
            left = SimdMemory.Pointer(product.Left);
        }

        for (var begin = product.ColumnBegin; begin < product.ColumnEnd; begin += stripe)
        {
            var end = Math.Min(begin + stripe, product.ColumnEnd);
            int next;
            for (var row = product.RowBegin; row < product.RowEnd; row = next)
            {
                var (first, rows) = RegisterBlocks<TLane, TBits, TLanes>.At(row, product.RowBegin, product.RowEnd);
                var a = left + ((nint)first * product.LeftRowStride);
                if (TLeft.IsGenerated)
                {
                    // Rows beyond the last are generated too, and dropped.
                    (first, rows) = (row, RegisterBlocks<TLane, TBits, TLanes>.MostRows);
                    Generate(ref generator, generated, row, product.Depth);
                    a = generated;
                }

                next = Math.Min(first + rows, product.RowEnd);
                int columns;
                for (var column = begin; column < end; column += columns)
                {
                    columns = Math.Min(2 * TLanes.Count, end - column);
                    Prefetch(ref epilogue, row, next, column, columns);
                    RegisterBlocks<TLane, TBits, TLanes>.Multiply(a, right + column, in product, steps, rows, columns, block);
                    Drain(ref epilogue, first, row, next, column, columns, block);
                }
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A strip of columns passes over the whole map before the next one: what the windows of neighbouring positions share stays near.
    /// </remarks>
    [SkipLocalsInit]
    public static unsafe void Convolve<TEpilogue>(ArrayView<float> workspace, Convolution convolution, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue
    {
        var map = convolution.Geometry;
        var product = new MatrixProduct { LeftRowStride = convolution.FilterStride, LeftDepthStride = 1, Depth = map.Count };
        var block = stackalloc TLane[2 * RegisterBlocks<TLane, TBits, TLanes>.MostRows];
        var filters = SimdMemory.Pointer(convolution.Filters);
        var inputs = SimdMemory.Pointer(map.Inputs);
        var steps = new TapSteps(SimdMemory.Pointer(map.Taps));
        int columns;
        for (var column = 0; column < convolution.ColumnEnd; column += columns)
        {
            columns = Math.Min(2 * TLanes.Count, convolution.ColumnEnd - column);
            for (var position = 0; position < map.Positions; position++)
            {
                var right = inputs + map.OffsetOf(position) + column;
                int next;
                for (var channel = convolution.ChannelBegin; channel < convolution.ChannelEnd; channel = next)
                {
                    var (first, rows) = RegisterBlocks<TLane, TBits, TLanes>.At(channel, convolution.ChannelBegin, convolution.ChannelEnd);
                    next = first + rows;
                    RegisterBlocks<TLane, TBits, TLanes>.Multiply(
                        filters + ((nint)first * convolution.FilterStride), right, in product, steps, rows, columns, block);
                    var values = block + ((channel - first) * columns / TLanes.Count);
                    for (var c = channel; c < next; c++)
                    {
                        for (var at = column; at < column + columns; at += TLanes.Count)
                        {
                            epilogue.Apply<TLane, TBits, TLanes>((c * map.Positions) + position, at, *values++);
                        }
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Both operands run along the samples: a vector of them is multiplied by another, and lanes are summed up at the end of the map.
    /// </remarks>
    [SkipLocalsInit]
    public static unsafe void Correlate(ArrayView<float> workspace, Correlation correlation)
    {
        const int Channels = 4;
        const int Taps = 6;
        var map = correlation.Geometry;
        var block = stackalloc TLane[Channels * Taps];
        var deltas = stackalloc float*[Channels];
        var inputs = stackalloc float*[Taps];
        var first = SimdMemory.Pointer(correlation.Deltas);
        var taps = SimdMemory.Pointer(map.Taps);
        var target = SimdMemory.Pointer(correlation.Target);
        for (var channel = correlation.ChannelBegin; channel < correlation.ChannelEnd; channel += Channels)
        {
            // A block that reaches beyond the last channel or tap computes that one again.
            var lastChannel = Math.Min(channel + Channels, correlation.ChannelEnd) - 1;
            for (var c = 0; c < Channels; c++)
            {
                deltas[c] = first + ((nint)Math.Min(channel + c, lastChannel) * map.Positions * correlation.DeltaStride);
            }

            for (var tap = 0; tap < map.Count; tap += Taps)
            {
                var lastTap = Math.Min(tap + Taps, map.Count) - 1;
                for (var k = 0; k < Taps; k++)
                {
                    inputs[k] = SimdMemory.Pointer(map.Inputs) + taps[Math.Min(tap + k, lastTap)];
                }

                RegisterBlocks<TLane, TBits, TLanes>.Channels4Taps6(deltas, correlation.DeltaStride, inputs, in correlation, block);
                for (var c = channel; c <= lastChannel; c++)
                {
                    for (var k = tap; k <= lastTap; k++)
                    {
                        target[(c * correlation.TargetStride) + k] = TLanes.Sum(block[((c - channel) * Taps) + k - tap]);
                    }
                }
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
            var first = 0f;
            var second = 0f;
            for (var begin = channel * positions; begin < (channel + 1) * positions; begin += RowsPerPartialSum)
            {
                var firsts = TLanes.Broadcast(0f);
                var seconds = firsts;
                for (var row = begin; row < begin + RowsPerPartialSum && row < (channel + 1) * positions; row++)
                {
                    for (var column = 0; column < columns; column += TLanes.Count)
                    {
                        var terms = body.Terms<TLane, TBits, TLanes>(channel, row, column);
                        firsts = TLanes.Add(firsts, terms.First);
                        seconds = TLanes.Add(seconds, terms.Second);
                    }
                }

                first += TLanes.Sum(firsts);
                second += TLanes.Sum(seconds);
            }

            body.Finish(channel, first, second);
        }
    }

    // A stripe of Right that stays in the second-level cache while all rows pass over it; rows of the result are long runs of memory.
    private static int StripeColumns(int depth) =>
        Math.Max(2 * Padding.Unit, StripeFloats / Math.Max(depth, 1) / (2 * Padding.Unit) * (2 * Padding.Unit));

    private static unsafe void Generate<TLeft>(ref TLeft generator, float* target, int row, int depth)
        where TLeft : struct, ILeftOperand
    {
        for (var quad = 0; quad < RegisterBlocks<TLane, TBits, TLanes>.MostRows; quad += 4)
        {
            var rows = target + (quad * MatrixProduct.LongestGeneratedDepth);
            for (var step = 0; step < depth; step += TLanes.Count)
            {
                var values = generator.Generate<TLane, TBits, TLanes>(row + quad, step);
                Unsafe.WriteUnaligned(rows + step, values.First);
                Unsafe.WriteUnaligned(rows + MatrixProduct.LongestGeneratedDepth + step, values.Second);
                Unsafe.WriteUnaligned(rows + (2 * MatrixProduct.LongestGeneratedDepth) + step, values.Third);
                Unsafe.WriteUnaligned(rows + (3 * MatrixProduct.LongestGeneratedDepth) + step, values.Fourth);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<TEpilogue>(ref TEpilogue epilogue, int row, int end, int column, int columns)
        where TEpilogue : struct, IProductEpilogue
    {
        for (var r = row; r < end; r++)
        {
            for (var c = column; c < column + columns; c += Padding.Unit)
            {
                epilogue.Prefetch<CachePrefetch>(r, c);
            }
        }
    }

    // Rows before the one asked for have been handed on already.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Drain<TEpilogue>(ref TEpilogue epilogue, int first, int row, int end, int column, int columns, TLane* block)
        where TEpilogue : struct, IProductEpilogue
    {
        block += (row - first) * columns / TLanes.Count;
        for (var r = row; r < end; r++)
        {
            for (var c = column; c < column + columns; c += TLanes.Count)
            {
                epilogue.Apply<TLane, TBits, TLanes>(r, c, *block++);
            }
        }
    }
}

/// <summary>Cache lines of the CPU.</summary>
public readonly struct CachePrefetch : IPrefetch
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Line(ArrayView<float> view, int index)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(SimdMemory.Pointer(view) + index);
        }
    }
}
