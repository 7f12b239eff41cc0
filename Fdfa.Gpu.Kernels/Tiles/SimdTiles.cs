using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Tiles on ILGPU's CPU accelerator: a group of one thread, SIMD registers, plain pointers.</summary>
/// <remarks>
/// The CPU accelerator runs a kernel's original .NET method, and nothing is translated there: SIMD, pointers and stack memory work.
///
/// Product: 8 rows × 2 vectors of accumulators in registers, eight broadcasts of Left and two loads of Right per 16
/// multiply-adds and step of the reduction. Rows and columns left over take narrower blocks with the same order of
/// additions, so an element's bits do not depend on where a tile begins.
/// </remarks>
public readonly struct SimdTiles<TLane, TBits, TLanes> : ITileProgram
    where TLane : unmanaged
    where TBits : unmanaged
    where TLanes : struct, ILanes<TLane, TBits>
{
    private const int BlockRows = 8;

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
    public static unsafe void Product<TLeft, TEpilogue>(ArrayView<float> workspace, MatrixProduct product, TLeft left, TEpilogue epilogue)
        where TLeft : struct, ILeftOperand
        where TEpilogue : struct, IProductEpilogue
    {
        if (product.RowBegin >= product.RowEnd || product.ColumnBegin >= product.ColumnEnd)
        {
            return;
        }

        var block = stackalloc TLane[2 * BlockRows];
        var right = SimdMemory.Pointer(product.Right);

        // A generated operand is generated once per stripe: one stripe.
        var stripe = TLeft.IsGenerated ? product.ColumnEnd - product.ColumnBegin : StripeColumns(product.Depth);
        float* stored = null;
        var generated = stackalloc float[TLeft.IsGenerated ? BlockRows * MatrixProduct.LongestGeneratedDepth : 1];
        if (TLeft.IsGenerated)
        {
            product.LeftRowStride = MatrixProduct.LongestGeneratedDepth;
            product.LeftDepthStride = 1;
        }
        else
        {
            stored = SimdMemory.Pointer(product.Left);
        }

        for (var begin = product.ColumnBegin; begin < product.ColumnEnd; begin += stripe)
        {
            var end = Math.Min(begin + stripe, product.ColumnEnd);
            int rows;
            for (var row = product.RowBegin; row < product.RowEnd; row += rows)
            {
                rows = row + BlockRows <= product.RowEnd ? BlockRows : 1;
                float* a;
                if (TLeft.IsGenerated)
                {
                    // Rows that are left over were generated with the block of eight that they begin.
                    if (row % BlockRows == 0)
                    {
                        Generate(ref left, generated, row, product.Depth);
                    }

                    a = generated + (row % BlockRows * product.LeftRowStride);
                }
                else
                {
                    a = stored + ((nint)row * product.LeftRowStride);
                }

                int columns;
                for (var column = begin; column < end; column += columns)
                {
                    columns = Math.Min(2 * TLanes.Count, end - column);
                    Prefetch(ref epilogue, row, rows, column, columns);
                    Multiply(a, right + column, in product, rows, columns, block);
                    Drain(ref epilogue, row, rows, column, columns, block);
                }
            }
        }
    }

    // A stripe of Right that stays in the second-level cache while all rows pass over it; rows of the result are long runs of memory.
    private static int StripeColumns(int depth) => Math.Max(2 * Padding.Unit, StripeFloats / Math.Max(depth, 1) / (2 * Padding.Unit) * (2 * Padding.Unit));

    private static unsafe void Generate<TLeft>(ref TLeft left, float* target, int row, int depth)
        where TLeft : struct, ILeftOperand
    {
        for (var quad = 0; quad < BlockRows; quad += 4)
        {
            var rows = target + (quad * MatrixProduct.LongestGeneratedDepth);
            for (var step = 0; step < depth; step += TLanes.Count)
            {
                var values = left.Generate<TLane, TBits, TLanes>(row + quad, step);
                Unsafe.WriteUnaligned(rows + step, values.First);
                Unsafe.WriteUnaligned(rows + MatrixProduct.LongestGeneratedDepth + step, values.Second);
                Unsafe.WriteUnaligned(rows + (2 * MatrixProduct.LongestGeneratedDepth) + step, values.Third);
                Unsafe.WriteUnaligned(rows + (3 * MatrixProduct.LongestGeneratedDepth) + step, values.Fourth);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Multiply(float* left, float* right, in MatrixProduct product, int rows, int columns, TLane* block)
    {
        if (columns == 2 * TLanes.Count)
        {
            if (rows == BlockRows)
            {
                Rows8Vectors2(left, right, in product, block);
            }
            else
            {
                Rows1Vectors2(left, right, in product, block);
            }
        }
        else if (rows == BlockRows)
        {
            Rows8Vectors1(left, right, in product, block);
        }
        else
        {
            Rows1Vectors1(left, right, in product, block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<TEpilogue>(ref TEpilogue epilogue, int row, int rows, int column, int columns)
        where TEpilogue : struct, IProductEpilogue
    {
        for (var r = row; r < row + rows; r++)
        {
            for (var c = column; c < column + columns; c += Padding.Unit)
            {
                epilogue.Prefetch<CachePrefetch>(r, c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Drain<TEpilogue>(ref TEpilogue epilogue, int row, int rows, int column, int columns, TLane* block)
        where TEpilogue : struct, IProductEpilogue
    {
        for (var r = row; r < row + rows; r++)
        {
            for (var c = column; c < column + columns; c += TLanes.Count)
            {
                epilogue.Apply<TLane, TBits, TLanes>(r, c, *block++);
            }
        }
    }

    private static unsafe void Rows8Vectors2(float* left, float* right, in MatrixProduct product, TLane* block)
    {
        nint rowStride = product.LeftRowStride;
        nint depthStride = product.LeftDepthStride;
        nint rightStride = product.RightStride;
        var a0 = left;
        var a3 = a0 + (3 * rowStride);
        var a6 = a0 + (6 * rowStride);
        var b = right;
        TLane c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        TLane c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        for (var k = product.Depth; k > 0; k--)
        {
            var b0 = Read(b);
            var b1 = Read(b + TLanes.Count);
            var a = TLanes.Broadcast(*a0);
            c00 = TLanes.MultiplyAdd(a, b0, c00);
            c01 = TLanes.MultiplyAdd(a, b1, c01);
            a = TLanes.Broadcast(a0[rowStride]);
            c10 = TLanes.MultiplyAdd(a, b0, c10);
            c11 = TLanes.MultiplyAdd(a, b1, c11);
            a = TLanes.Broadcast(a0[2 * rowStride]);
            c20 = TLanes.MultiplyAdd(a, b0, c20);
            c21 = TLanes.MultiplyAdd(a, b1, c21);
            a = TLanes.Broadcast(*a3);
            c30 = TLanes.MultiplyAdd(a, b0, c30);
            c31 = TLanes.MultiplyAdd(a, b1, c31);
            a = TLanes.Broadcast(a3[rowStride]);
            c40 = TLanes.MultiplyAdd(a, b0, c40);
            c41 = TLanes.MultiplyAdd(a, b1, c41);
            a = TLanes.Broadcast(a3[2 * rowStride]);
            c50 = TLanes.MultiplyAdd(a, b0, c50);
            c51 = TLanes.MultiplyAdd(a, b1, c51);
            a = TLanes.Broadcast(*a6);
            c60 = TLanes.MultiplyAdd(a, b0, c60);
            c61 = TLanes.MultiplyAdd(a, b1, c61);
            a = TLanes.Broadcast(a6[rowStride]);
            c70 = TLanes.MultiplyAdd(a, b0, c70);
            c71 = TLanes.MultiplyAdd(a, b1, c71);
            a0 += depthStride;
            a3 += depthStride;
            a6 += depthStride;
            b += rightStride;
        }

        block[0] = c00;
        block[1] = c01;
        block[2] = c10;
        block[3] = c11;
        block[4] = c20;
        block[5] = c21;
        block[6] = c30;
        block[7] = c31;
        block[8] = c40;
        block[9] = c41;
        block[10] = c50;
        block[11] = c51;
        block[12] = c60;
        block[13] = c61;
        block[14] = c70;
        block[15] = c71;
    }

    private static unsafe void Rows8Vectors1(float* left, float* right, in MatrixProduct product, TLane* block)
    {
        nint rowStride = product.LeftRowStride;
        nint depthStride = product.LeftDepthStride;
        nint rightStride = product.RightStride;
        var a0 = left;
        var a3 = a0 + (3 * rowStride);
        var a6 = a0 + (6 * rowStride);
        var b = right;
        TLane c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default, c7 = default;
        for (var k = product.Depth; k > 0; k--)
        {
            var b0 = Read(b);
            c0 = TLanes.MultiplyAdd(TLanes.Broadcast(*a0), b0, c0);
            c1 = TLanes.MultiplyAdd(TLanes.Broadcast(a0[rowStride]), b0, c1);
            c2 = TLanes.MultiplyAdd(TLanes.Broadcast(a0[2 * rowStride]), b0, c2);
            c3 = TLanes.MultiplyAdd(TLanes.Broadcast(*a3), b0, c3);
            c4 = TLanes.MultiplyAdd(TLanes.Broadcast(a3[rowStride]), b0, c4);
            c5 = TLanes.MultiplyAdd(TLanes.Broadcast(a3[2 * rowStride]), b0, c5);
            c6 = TLanes.MultiplyAdd(TLanes.Broadcast(*a6), b0, c6);
            c7 = TLanes.MultiplyAdd(TLanes.Broadcast(a6[rowStride]), b0, c7);
            a0 += depthStride;
            a3 += depthStride;
            a6 += depthStride;
            b += rightStride;
        }

        block[0] = c0;
        block[1] = c1;
        block[2] = c2;
        block[3] = c3;
        block[4] = c4;
        block[5] = c5;
        block[6] = c6;
        block[7] = c7;
    }

    private static unsafe void Rows1Vectors2(float* left, float* right, in MatrixProduct product, TLane* block)
    {
        TLane c0 = default, c1 = default;
        for (var k = product.Depth; k > 0; k--)
        {
            var a = TLanes.Broadcast(*left);
            c0 = TLanes.MultiplyAdd(a, Read(right), c0);
            c1 = TLanes.MultiplyAdd(a, Read(right + TLanes.Count), c1);
            left += product.LeftDepthStride;
            right += product.RightStride;
        }

        block[0] = c0;
        block[1] = c1;
    }

    private static unsafe void Rows1Vectors1(float* left, float* right, in MatrixProduct product, TLane* block)
    {
        TLane c = default;
        for (var k = product.Depth; k > 0; k--)
        {
            c = TLanes.MultiplyAdd(TLanes.Broadcast(*left), Read(right), c);
            left += product.LeftDepthStride;
            right += product.RightStride;
        }

        *block = c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe TLane Read(float* source) => Unsafe.ReadUnaligned<TLane>(source);
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
