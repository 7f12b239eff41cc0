using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Four 32-bit words in registers, 16 bytes in memory.</summary>
public readonly struct UInt4(uint x, uint y, uint z, uint w)
{
    /// <summary>The first.</summary>
    public readonly uint X = x;

    /// <summary>The second.</summary>
    public readonly uint Y = y;

    /// <summary>The third.</summary>
    public readonly uint Z = z;

    /// <summary>The fourth.</summary>
    public readonly uint W = w;
}

/// <summary>
/// Four neighbouring elements in a thread of a GPU, which are 16 bytes of memory; indices are multiples of 4. Translated by ILGPU like
/// <see cref="ScalarLanes"/>.
/// </summary>
public readonly struct QuadLanes : ILanes<Float4, UInt4>
{
    /// <inheritdoc/>
    public static int Count => 4;

    /// <inheritdoc/>
    public static Float4 Load(ArrayView<float> view, int index) => Float4.Of(view)[index / 4];

    /// <inheritdoc/>
    public static Float4 LoadOne(ArrayView<float> view, int index) => Broadcast(view[index]);

    /// <inheritdoc/>
    public static void Store(ArrayView<float> view, int index, Float4 value) => Float4.Of(view)[index / 4] = value;

    /// <inheritdoc/>
    public static void StoreStrided(ArrayView<float> view, int index, int stride, Float4 value)
    {
        view[index] = value.X;
        view[index + stride] = value.Y;
        view[index + (2 * stride)] = value.Z;
        view[index + (3 * stride)] = value.W;
    }

    /// <inheritdoc/>
    public static void StoreTransposed(
        ArrayView<float> view, int index, int stride, Float4 first, Float4 second, Float4 third, Float4 fourth)
    {
        Store(view, index, new Float4(first.X, second.X, third.X, fourth.X));
        Store(view, index + stride, new Float4(first.Y, second.Y, third.Y, fourth.Y));
        Store(view, index + (2 * stride), new Float4(first.Z, second.Z, third.Z, fourth.Z));
        Store(view, index + (3 * stride), new Float4(first.W, second.W, third.W, fourth.W));
    }

    /// <inheritdoc/>
    public static UInt4 LoadBits(ArrayView<uint> view, int index) => Quads(view)[index / 4];

    /// <inheritdoc/>
    public static UInt4 GatherBytes(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, int offset) =>
        GatherBytesAt(data, order, orderIndex, stride, BroadcastBits((uint)offset));

    /// <inheritdoc/>
    public static UInt4 GatherBytesAt(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, UInt4 offsets) => new(
        data[((long)order[orderIndex] * stride) + offsets.X],
        data[((long)order[orderIndex + 1] * stride) + offsets.Y],
        data[((long)order[orderIndex + 2] * stride) + offsets.Z],
        data[((long)order[orderIndex + 3] * stride) + offsets.W]);

    /// <inheritdoc/>
    public static void StoreBits(ArrayView<uint> view, int index, UInt4 value) => Quads(view)[index / 4] = value;

    /// <inheritdoc/>
    public static Float4 Broadcast(float value) => new(value, value, value, value);

    /// <inheritdoc/>
    public static Float4 Add(Float4 a, Float4 b) =>
        new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <inheritdoc/>
    public static Float4 Subtract(Float4 a, Float4 b) =>
        new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    /// <inheritdoc/>
    public static Float4 Multiply(Float4 a, Float4 b) =>
        new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    /// <inheritdoc/>
    public static Float4 MultiplyAdd(Float4 a, Float4 b, Float4 c) => new(
        Fused.MultiplyAdd(a.X, b.X, c.X),
        Fused.MultiplyAdd(a.Y, b.Y, c.Y),
        Fused.MultiplyAdd(a.Z, b.Z, c.Z),
        Fused.MultiplyAdd(a.W, b.W, c.W));

    /// <inheritdoc/>
    public static Float4 Divide(Float4 a, Float4 b) =>
        new(a.X / b.X, a.Y / b.Y, a.Z / b.Z, a.W / b.W);

    /// <inheritdoc/>
    public static Float4 SquareRoot(Float4 a) =>
        new(ScalarLanes.SquareRoot(a.X), ScalarLanes.SquareRoot(a.Y), ScalarLanes.SquareRoot(a.Z), ScalarLanes.SquareRoot(a.W));

    /// <inheritdoc/>
    public static Float4 Max(Float4 a, Float4 b) =>
        new(ScalarLanes.Max(a.X, b.X), ScalarLanes.Max(a.Y, b.Y), ScalarLanes.Max(a.Z, b.Z), ScalarLanes.Max(a.W, b.W));

    /// <inheritdoc/>
    public static float Sum(Float4 a) => a.X + a.Y + a.Z + a.W;

    /// <inheritdoc/>
    public static Float4 Abs(Float4 a) =>
        new(ScalarLanes.Abs(a.X), ScalarLanes.Abs(a.Y), ScalarLanes.Abs(a.Z), ScalarLanes.Abs(a.W));

    /// <inheritdoc/>
    public static Float4 SelectGreater(Float4 left, Float4 right, Float4 whenTrue, Float4 whenFalse) => new(
        ScalarLanes.SelectGreater(left.X, right.X, whenTrue.X, whenFalse.X),
        ScalarLanes.SelectGreater(left.Y, right.Y, whenTrue.Y, whenFalse.Y),
        ScalarLanes.SelectGreater(left.Z, right.Z, whenTrue.Z, whenFalse.Z),
        ScalarLanes.SelectGreater(left.W, right.W, whenTrue.W, whenFalse.W));

    /// <inheritdoc/>
    public static UInt4 BroadcastBits(uint value) => new(value, value, value, value);

    /// <inheritdoc/>
    public static UInt4 Indices() => new(0, 1, 2, 3);

    /// <inheritdoc/>
    public static UInt4 AddBits(UInt4 a, UInt4 b) =>
        new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <inheritdoc/>
    public static UInt4 SubtractBits(UInt4 a, UInt4 b) =>
        new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    /// <inheritdoc/>
    public static UInt4 MultiplyLow(UInt4 a, UInt4 b) =>
        new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    /// <inheritdoc/>
    public static UInt4 MultiplyHigh(UInt4 a, UInt4 b) => new(
        ScalarLanes.MultiplyHigh(a.X, b.X),
        ScalarLanes.MultiplyHigh(a.Y, b.Y),
        ScalarLanes.MultiplyHigh(a.Z, b.Z),
        ScalarLanes.MultiplyHigh(a.W, b.W));

    /// <inheritdoc/>
    public static UInt4 AndBits(UInt4 a, UInt4 b) =>
        new(a.X & b.X, a.Y & b.Y, a.Z & b.Z, a.W & b.W);

    /// <inheritdoc/>
    public static UInt4 XorBits(UInt4 a, UInt4 b) =>
        new(a.X ^ b.X, a.Y ^ b.Y, a.Z ^ b.Z, a.W ^ b.W);

    /// <inheritdoc/>
    public static UInt4 ShiftLeft(UInt4 a, int count) =>
        new(a.X << count, a.Y << count, a.Z << count, a.W << count);

    /// <inheritdoc/>
    public static UInt4 ShiftRight(UInt4 a, int count) =>
        new(a.X >> count, a.Y >> count, a.Z >> count, a.W >> count);

    /// <inheritdoc/>
    public static UInt4 ShiftRightArithmetic(UInt4 a, int count) => new(
        ScalarLanes.ShiftRightArithmetic(a.X, count),
        ScalarLanes.ShiftRightArithmetic(a.Y, count),
        ScalarLanes.ShiftRightArithmetic(a.Z, count),
        ScalarLanes.ShiftRightArithmetic(a.W, count));

    /// <inheritdoc/>
    public static Float4 SelectEqual(UInt4 left, UInt4 right, Float4 whenTrue, Float4 whenFalse) => new(
        ScalarLanes.SelectEqual(left.X, right.X, whenTrue.X, whenFalse.X),
        ScalarLanes.SelectEqual(left.Y, right.Y, whenTrue.Y, whenFalse.Y),
        ScalarLanes.SelectEqual(left.Z, right.Z, whenTrue.Z, whenFalse.Z),
        ScalarLanes.SelectEqual(left.W, right.W, whenTrue.W, whenFalse.W));

    /// <inheritdoc/>
    public static UInt4 AsBits(Float4 a) => new(
        ScalarLanes.AsBits(a.X),
        ScalarLanes.AsBits(a.Y),
        ScalarLanes.AsBits(a.Z),
        ScalarLanes.AsBits(a.W));

    /// <inheritdoc/>
    public static Float4 AsFloats(UInt4 a) => new(
        ScalarLanes.AsFloats(a.X),
        ScalarLanes.AsFloats(a.Y),
        ScalarLanes.AsFloats(a.Z),
        ScalarLanes.AsFloats(a.W));

    /// <inheritdoc/>
    public static Float4 ConvertToFloats(UInt4 a) => new(
        ScalarLanes.ConvertToFloats(a.X),
        ScalarLanes.ConvertToFloats(a.Y),
        ScalarLanes.ConvertToFloats(a.Z),
        ScalarLanes.ConvertToFloats(a.W));

    /// <inheritdoc/>
    public static UInt4 ConvertToInts(Float4 a) => new(
        ScalarLanes.ConvertToInts(a.X),
        ScalarLanes.ConvertToInts(a.Y),
        ScalarLanes.ConvertToInts(a.Z),
        ScalarLanes.ConvertToInts(a.W));

    private static ArrayView<UInt4> Quads(ArrayView<uint> view) => view.AsAligned(Float4.Bytes).Cast<UInt4>();
}
