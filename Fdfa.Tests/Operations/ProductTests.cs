using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Operations;

/// <summary>C[r, c] = Σ_k Left(r, k) · Right(k, c) on every tile program, against three loops.</summary>
public sealed class ProductTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    /// <summary>
    /// First row, rows, first column, columns, depth: blocks of registers, tiles, stages and stripes that are full, begun, or not there.
    /// </summary>
    private static readonly (int RowBegin, int Rows, int ColumnBegin, int Columns, int Depth)[] s_shapes =
    [
        (0, 1, 0, 16, 1),
        (0, 3, 0, 16, 3),
        (0, 4, 0, 32, 5),
        (16, 5, 16, 16, 17),
        (0, 7, 0, 48, 64),
        (32, 8, 0, 32, 65),
        (0, 9, 32, 48, 2),
        (16, 12, 0, 80, 33),
        (0, 17, 0, 16, 128),
        (0, 33, 0, 64, 63),
        (0, 65, 0, 80, 66),
        (48, 16, 16, 144, 511),
        (0, 13, 0, 160, 512),
        (0, 0, 0, 16, 4),
    ];

    public static TheoryData<string, int, int, int, int, int> Cases()
    {
        var cases = new TheoryData<string, int, int, int, int, int>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            foreach (var (rowBegin, rows, columnBegin, columns, depth) in s_shapes)
            {
                if (rows > 0 || tiles.StartsWith("simd", StringComparison.Ordinal))
                {
                    cases.Add(tiles, rowBegin, rows, columnBegin, columns, depth);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_stored_operand_by_rows(string tiles, int rowBegin, int rows, int columnBegin, int columns, int depth)
    {
        var stride = Padding.RoundUp(depth + 1);
        AssertProduct<Stored>(
            tiles, rowBegin, rows, columnBegin, columns, depth, rowBegin + rows, depth, stride, isTransposed: false, isSum: false);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_stored_operand_by_columns_added_to_what_is_there(
        string tiles, int rowBegin, int rows, int columnBegin, int columns, int depth) =>
        AssertProduct<Stored>(
            tiles, rowBegin, rows, columnBegin, columns, depth, depth, rowBegin + rows, rowBegin + rows + 3,
            isTransposed: true, isSum: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_generated_operand(string tiles, int rowBegin, int rows, int columnBegin, int columns, int depth) =>
        AssertProduct<GeneratedNumbers>(tiles, rowBegin, rows, columnBegin, columns, depth, 0, 0, 1, isTransposed: false, isSum: false);

    /// <summary>More steps than a generated operand may have, and stripes of Right.</summary>
    [Theory]
    [InlineData("simd")]
    [InlineData("simd-native")]
    [InlineData("direct")]
    public void A_long_reduction(string tiles) =>
        AssertProduct<Stored>(tiles, 0, 9, 0, 144, 1601, 9, 1601, 1616, isTransposed: false, isSum: false);

    /// <summary>
    /// Tiles that differ in their size and their threads' blocks alone, of which more replicas may get others: a seed's bits stay.
    /// </summary>
    [Fact]
    public void Larger_blocks_give_the_same_bits()
    {
        float[] Multiply(string tiles)
        {
            using var run = new OperationRun(devices.Open(tiles));
            var (left, right, target) = (run.DrawReal(65 * 208, 1), run.DrawReal(203 * 80, 1), run.Target(65 * 80));
            run.Launch(new Multiplication<Stored>
            {
                Product = new MatrixProduct
                {
                    Left = run.Upload(left),
                    LeftRowStride = 208,
                    LeftDepthStride = 1,
                    Right = run.Upload(right),
                    RightStride = 80,
                    RowEnd = 65,
                    ColumnEnd = 80,
                    Depth = 203,
                },
                Epilogue = new AddEpilogue { Target = target, Stride = 80 },
            });
            return OperationRun.Download(target);
        }

        Assert.Equal(Multiply("simt"), Multiply("broad"));
        Assert.NotEqual(Multiply("simt"), Multiply("split"));
    }

    private void AssertProduct<TLeft>(
        string tiles, int rowBegin, int rows, int columnBegin, int columns, int depth,
        int leftRows, int leftColumns, int leftStride, bool isTransposed, bool isSum)
        where TLeft : struct, ILeftOperand
    {
        using var run = new OperationRun(devices.Open(tiles));
        var (rowEnd, columnEnd, rightStride, targetStride) =
            (rowBegin + rows, columnBegin + columns, columnBegin + columns + 16, columnBegin + columns + 32);
        var left = run.Draw(leftRows, leftColumns, leftStride);
        var right = run.Draw(depth, columnEnd, rightStride);
        var target = run.Draw(rowEnd * targetStride);
        var (rowStride, depthStride) = isTransposed ? (1, leftStride) : (leftStride, 1);
        var expected = target.ToArray();
        OperationRun.ForEach(rowBegin, rowEnd, columns, (r, c) =>
        {
            var index = (r * targetStride) + 16 + columnBegin + c;
            expected[index] = (isSum ? target[index] : 0) + Enumerable.Range(0, depth).Sum(k =>
                (TLeft.IsGenerated ? GeneratedNumbers.At(r, k) : left[(r * rowStride) + (k * depthStride)])
                    * right[(k * rightStride) + columnBegin + c]);
        });

        var result = run.Upload(target);
        run.Launch(new Multiplication<TLeft>
        {
            Product = new MatrixProduct
            {
                Left = run.Upload(left),
                LeftRowStride = rowStride,
                LeftDepthStride = depthStride,
                Right = run.Upload(right),
                RightStride = rightStride,
                RowBegin = rowBegin,
                RowEnd = rowEnd,
                ColumnBegin = columnBegin,
                ColumnEnd = columnEnd,
                Depth = depth,
            },
            Epilogue = new AddEpilogue { Target = result, Stride = targetStride, Offset = 16, IsSum = isSum ? 1 : 0 },
        });

        OperationRun.AssertEqual(expected, result);
    }

    private struct Multiplication<TLeft> : IOperation
        where TLeft : struct, ILeftOperand
    {
        public MatrixProduct Product;
        public AddEpilogue Epilogue;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => TTiles.Product(TTiles.Workspace(), Product, default(TLeft), Epilogue);
    }

    /// <summary>Element (r, k) of the left operand is (5 r + 3 k) mod 7 − 3.</summary>
    private readonly struct GeneratedNumbers : ILeftOperand
    {
        public static bool IsGenerated => true;

        public static float At(int row, int step) => (((5 * row) + (3 * step)) % 7) - 3;

        public LaneQuad<TLane> Generate<TLane, TBits, TLanes>(int row, int step)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => new(
                Row<TLane, TBits, TLanes>(row, step),
                Row<TLane, TBits, TLanes>(row + 1, step),
                Row<TLane, TBits, TLanes>(row + 2, step),
                Row<TLane, TBits, TLanes>(row + 3, step));

        // Whole numbers this small divide exactly enough in floats.
        private static TLane Row<TLane, TBits, TLanes>(int row, int step)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var steps = TLanes.ConvertToFloats(TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)step)));
            var number = TLanes.MultiplyAdd(steps, TLanes.Broadcast(3f), TLanes.Broadcast(5f * row));
            var sevens = TLanes.ConvertToFloats(
                TLanes.ConvertToInts(TLanes.Multiply(TLanes.Add(number, TLanes.Broadcast(0.5f)), TLanes.Broadcast(1f / 7f))));
            return TLanes.Subtract(TLanes.MultiplyAdd(sevens, TLanes.Broadcast(-7f), number), TLanes.Broadcast(3f));
        }
    }
}
