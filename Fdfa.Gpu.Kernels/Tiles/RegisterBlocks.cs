using System.Runtime.CompilerServices;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Where the rows of a product's right operand begin.</summary>
internal unsafe interface IRightSteps
{
    /// <summary>The row at a step of the reduction.</summary>
    float* At(float* right, int step);
}

/// <summary>Rows at equal distances.</summary>
internal readonly struct EqualSteps(nint stride) : IRightSteps
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe float* At(float* right, int step) => right + (step * stride);
}

/// <summary>Rows where a table has them: a convolution's taps.</summary>
internal readonly unsafe struct TapSteps(int* taps) : IRightSteps
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* At(float* right, int step) => right + taps[step];
}

/// <summary>
/// Blocks of a product that fit the registers: rows × vectors of accumulators, added up one step of the reduction after the other.
/// </summary>
/// <remarks>
/// 8 rows × 2 vectors: eight broadcasts of Left and two loads of Right per 16 multiply-adds. The narrower ones are for what is left over;
/// each adds in the same order, so an element's bits do not depend on the block that it is in.
/// </remarks>
internal static unsafe class RegisterBlocks<TLane, TBits, TLanes>
    where TLane : unmanaged
    where TBits : unmanaged
    where TLanes : struct, ILanes<TLane, TBits>
{
    /// <summary>The most rows of a block.</summary>
    public const int MostRows = 8;

    /// <summary>
    /// Rows of the block for the rows that are left, of all that there are, and its first: it may begin before them, to be of full height.
    /// </summary>
    public static (int First, int Rows) At(int row, int begin, int end) =>
        end - row >= MostRows ? (row, MostRows)
        : end - row >= 4 ? (row, 4)
        : end - begin >= 4 ? (end - 4, 4)
        : (row, 1);

    /// <summary>Multiplies rows (8, 4 or 1) of Left with columns (one or two vectors) of Right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TSteps>(
        float* left, float* right, in MatrixProduct product, TSteps steps, int rows, int columns, TLane* block)
        where TSteps : struct, IRightSteps
    {
        if (columns == 2 * TLanes.Count)
        {
            switch (rows)
            {
                case 8:
                    Rows8Vectors2(left, right, in product, steps, block);
                    break;
                case 4:
                    Rows4Vectors2(left, right, in product, steps, block);
                    break;
                default:
                    Rows1Vectors2(left, right, in product, steps, block);
                    break;
            }

            return;
        }

        switch (rows)
        {
            case 8:
                Rows8Vectors1(left, right, in product, steps, block);
                break;
            case 4:
                Rows4Vectors1(left, right, in product, steps, block);
                break;
            default:
                Rows1Vectors1(left, right, in product, steps, block);
                break;
        }
    }

    /// <summary>
    /// Adds up deltas of 4 channels times inputs of 6 taps over a whole map; what is left in each lane is the sum over its samples.
    /// </summary>
    /// <param name="deltas">The first of each channel's deltas.</param>
    /// <param name="deltaStride">From position to position.</param>
    /// <param name="inputs">The first of each tap's inputs, at position 0.</param>
    /// <param name="correlation">Positions and columns.</param>
    /// <param name="block">[4 × 6].</param>
    public static void Channels4Taps6(float** deltas, nint deltaStride, float** inputs, in Correlation correlation, TLane* block)
    {
        var g0 = deltas[0];
        var g1 = deltas[1];
        var g2 = deltas[2];
        var g3 = deltas[3];
        var input = inputs[0];
        nint t1 = (nint)(inputs[1] - inputs[0]);
        nint t2 = (nint)(inputs[2] - inputs[0]);
        nint t3 = (nint)(inputs[3] - inputs[0]);
        nint t4 = (nint)(inputs[4] - inputs[0]);
        nint t5 = (nint)(inputs[5] - inputs[0]);
        TLane c00 = default, c01 = default, c02 = default, c03 = default, c04 = default, c05 = default;
        TLane c10 = default, c11 = default, c12 = default, c13 = default, c14 = default, c15 = default;
        TLane c20 = default, c21 = default, c22 = default, c23 = default, c24 = default, c25 = default;
        TLane c30 = default, c31 = default, c32 = default, c33 = default, c34 = default, c35 = default;
        var map = correlation.Geometry;
        var rows = map.Positions / map.MapWidth;
        for (var y = 0; y < rows; y++)
        {
            var position = input + ((nint)y * map.RowStep);
            for (var x = 0; x < map.MapWidth; x++)
            {
                for (var column = 0; column < correlation.ColumnEnd; column += TLanes.Count)
                {
                    var at = position + column;
                    var d0 = Read(g0 + column);
                    var d1 = Read(g1 + column);
                    var d2 = Read(g2 + column);
                    var d3 = Read(g3 + column);
                    var v = Read(at);
                    c00 = TLanes.MultiplyAdd(d0, v, c00);
                    c10 = TLanes.MultiplyAdd(d1, v, c10);
                    c20 = TLanes.MultiplyAdd(d2, v, c20);
                    c30 = TLanes.MultiplyAdd(d3, v, c30);
                    v = Read(at + t1);
                    c01 = TLanes.MultiplyAdd(d0, v, c01);
                    c11 = TLanes.MultiplyAdd(d1, v, c11);
                    c21 = TLanes.MultiplyAdd(d2, v, c21);
                    c31 = TLanes.MultiplyAdd(d3, v, c31);
                    v = Read(at + t2);
                    c02 = TLanes.MultiplyAdd(d0, v, c02);
                    c12 = TLanes.MultiplyAdd(d1, v, c12);
                    c22 = TLanes.MultiplyAdd(d2, v, c22);
                    c32 = TLanes.MultiplyAdd(d3, v, c32);
                    v = Read(at + t3);
                    c03 = TLanes.MultiplyAdd(d0, v, c03);
                    c13 = TLanes.MultiplyAdd(d1, v, c13);
                    c23 = TLanes.MultiplyAdd(d2, v, c23);
                    c33 = TLanes.MultiplyAdd(d3, v, c33);
                    v = Read(at + t4);
                    c04 = TLanes.MultiplyAdd(d0, v, c04);
                    c14 = TLanes.MultiplyAdd(d1, v, c14);
                    c24 = TLanes.MultiplyAdd(d2, v, c24);
                    c34 = TLanes.MultiplyAdd(d3, v, c34);
                    v = Read(at + t5);
                    c05 = TLanes.MultiplyAdd(d0, v, c05);
                    c15 = TLanes.MultiplyAdd(d1, v, c15);
                    c25 = TLanes.MultiplyAdd(d2, v, c25);
                    c35 = TLanes.MultiplyAdd(d3, v, c35);
                }

                g0 += deltaStride;
                g1 += deltaStride;
                g2 += deltaStride;
                g3 += deltaStride;
                position += map.ColumnStep;
            }
        }

        block[0] = c00;
        block[1] = c01;
        block[2] = c02;
        block[3] = c03;
        block[4] = c04;
        block[5] = c05;
        block[6] = c10;
        block[7] = c11;
        block[8] = c12;
        block[9] = c13;
        block[10] = c14;
        block[11] = c15;
        block[12] = c20;
        block[13] = c21;
        block[14] = c22;
        block[15] = c23;
        block[16] = c24;
        block[17] = c25;
        block[18] = c30;
        block[19] = c31;
        block[20] = c32;
        block[21] = c33;
        block[22] = c34;
        block[23] = c35;
    }

    private static void Rows8Vectors2<TSteps>(float* left, float* right, in MatrixProduct product, TSteps steps, TLane* block)
        where TSteps : struct, IRightSteps
    {
        nint rowStride = product.LeftRowStride;
        nint depthStride = product.LeftDepthStride;
        var a0 = left;
        var a3 = a0 + (3 * rowStride);
        var a6 = a0 + (6 * rowStride);
        TLane c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        TLane c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        for (var k = 0; k < product.Depth; k++)
        {
            var b = steps.At(right, k);
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

    private static void Rows8Vectors1<TSteps>(float* left, float* right, in MatrixProduct product, TSteps steps, TLane* block)
        where TSteps : struct, IRightSteps
    {
        nint rowStride = product.LeftRowStride;
        nint depthStride = product.LeftDepthStride;
        var a0 = left;
        var a3 = a0 + (3 * rowStride);
        var a6 = a0 + (6 * rowStride);
        TLane c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default, c6 = default, c7 = default;
        for (var k = 0; k < product.Depth; k++)
        {
            var b = steps.At(right, k);
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

    private static void Rows4Vectors2<TSteps>(float* left, float* right, in MatrixProduct product, TSteps steps, TLane* block)
        where TSteps : struct, IRightSteps
    {
        nint rowStride = product.LeftRowStride;
        nint depthStride = product.LeftDepthStride;
        var a0 = left;
        var a3 = a0 + (3 * rowStride);
        TLane c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        for (var k = 0; k < product.Depth; k++)
        {
            var b = steps.At(right, k);
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
            a0 += depthStride;
            a3 += depthStride;
        }

        block[0] = c00;
        block[1] = c01;
        block[2] = c10;
        block[3] = c11;
        block[4] = c20;
        block[5] = c21;
        block[6] = c30;
        block[7] = c31;
    }

    private static void Rows4Vectors1<TSteps>(float* left, float* right, in MatrixProduct product, TSteps steps, TLane* block)
        where TSteps : struct, IRightSteps
    {
        nint rowStride = product.LeftRowStride;
        nint depthStride = product.LeftDepthStride;
        var a0 = left;
        var a3 = a0 + (3 * rowStride);
        TLane c0 = default, c1 = default, c2 = default, c3 = default;
        for (var k = 0; k < product.Depth; k++)
        {
            var b = steps.At(right, k);
            var b0 = Read(b);
            c0 = TLanes.MultiplyAdd(TLanes.Broadcast(*a0), b0, c0);
            c1 = TLanes.MultiplyAdd(TLanes.Broadcast(a0[rowStride]), b0, c1);
            c2 = TLanes.MultiplyAdd(TLanes.Broadcast(a0[2 * rowStride]), b0, c2);
            c3 = TLanes.MultiplyAdd(TLanes.Broadcast(*a3), b0, c3);
            a0 += depthStride;
            a3 += depthStride;
        }

        block[0] = c0;
        block[1] = c1;
        block[2] = c2;
        block[3] = c3;
    }

    private static void Rows1Vectors2<TSteps>(float* left, float* right, in MatrixProduct product, TSteps steps, TLane* block)
        where TSteps : struct, IRightSteps
    {
        nint depthStride = product.LeftDepthStride;
        var a0 = left;
        TLane c00 = default, c01 = default;
        for (var k = 0; k < product.Depth; k++)
        {
            var b = steps.At(right, k);
            var b0 = Read(b);
            var b1 = Read(b + TLanes.Count);
            var a = TLanes.Broadcast(*a0);
            c00 = TLanes.MultiplyAdd(a, b0, c00);
            c01 = TLanes.MultiplyAdd(a, b1, c01);
            a0 += depthStride;
        }

        block[0] = c00;
        block[1] = c01;
    }

    private static void Rows1Vectors1<TSteps>(float* left, float* right, in MatrixProduct product, TSteps steps, TLane* block)
        where TSteps : struct, IRightSteps
    {
        nint depthStride = product.LeftDepthStride;
        var a0 = left;
        TLane c0 = default;
        for (var k = 0; k < product.Depth; k++)
        {
            var b = steps.At(right, k);
            var b0 = Read(b);
            c0 = TLanes.MultiplyAdd(TLanes.Broadcast(*a0), b0, c0);
            a0 += depthStride;
        }

        block[0] = c0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLane Read(float* source) => Unsafe.ReadUnaligned<TLane>(source);
}
