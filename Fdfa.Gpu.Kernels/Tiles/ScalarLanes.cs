using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>One element per thread: what a GPU thread works on. Translated by ILGPU, so it holds to what ILGPU knows.</summary>
public readonly struct ScalarLanes : ILanes<float, uint>
{
    /// <inheritdoc/>
    public static int Count => 1;

    /// <inheritdoc/>
    public static float Load(ArrayView<float> view, int index) => view[index];

    /// <inheritdoc/>
    public static float LoadOne(ArrayView<float> view, int index) => view[index];

    /// <inheritdoc/>
    public static void Store(ArrayView<float> view, int index, float value) => view[index] = value;

    /// <inheritdoc/>
    public static void StoreStrided(ArrayView<float> view, int index, int stride, float value) => view[index] = value;

    /// <inheritdoc/>
    public static void StoreTransposed(ArrayView<float> view, int index, int stride, float first, float second, float third, float fourth)
    {
        view[index] = first;
        view[index + 1] = second;
        view[index + 2] = third;
        view[index + 3] = fourth;
    }

    /// <inheritdoc/>
    public static uint LoadBits(ArrayView<uint> view, int index) => view[index];

    /// <inheritdoc/>
    public static uint GatherBytes(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, int offset) =>
        data[((long)order[orderIndex] * stride) + offset];

    /// <inheritdoc/>
    public static uint GatherBytesAt(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, uint offsets) =>
        data[((long)order[orderIndex] * stride) + offsets];

    /// <inheritdoc/>
    public static void StoreBits(ArrayView<uint> view, int index, uint value) => view[index] = value;

    /// <inheritdoc/>
    public static float Broadcast(float value) => value;

    /// <inheritdoc/>
    public static float Add(float a, float b) => a + b;

    /// <inheritdoc/>
    public static float Subtract(float a, float b) => a - b;

    /// <inheritdoc/>
    public static float Multiply(float a, float b) => a * b;

    /// <inheritdoc/>
    public static float MultiplyAdd(float a, float b, float c) => Fused.MultiplyAdd(a, b, c);

    /// <inheritdoc/>
    public static float Divide(float a, float b) => a / b;

    /// <inheritdoc/>
    public static float SquareRoot(float a) => MathF.Sqrt(a);

    /// <inheritdoc/>
    public static float Max(float a, float b) => a > b ? a : b;

    /// <inheritdoc/>
    public static float Sum(float a) => a;

    /// <inheritdoc/>
    public static float Abs(float a) => MathF.Abs(a);

    /// <inheritdoc/>
    public static float SelectGreater(float left, float right, float whenTrue, float whenFalse) => left > right ? whenTrue : whenFalse;

    /// <inheritdoc/>
    public static uint BroadcastBits(uint value) => value;

    /// <inheritdoc/>
    public static uint Indices() => 0;

    /// <inheritdoc/>
    public static uint AddBits(uint a, uint b) => a + b;

    /// <inheritdoc/>
    public static uint SubtractBits(uint a, uint b) => a - b;

    /// <inheritdoc/>
    public static uint MultiplyLow(uint a, uint b) => a * b;

    /// <inheritdoc/>
    public static uint MultiplyHigh(uint a, uint b) => (uint)(((ulong)a * b) >> 32);

    /// <inheritdoc/>
    public static uint AndBits(uint a, uint b) => a & b;

    /// <inheritdoc/>
    public static uint XorBits(uint a, uint b) => a ^ b;

    /// <inheritdoc/>
    public static uint ShiftLeft(uint a, int count) => a << count;

    /// <inheritdoc/>
    public static uint ShiftRight(uint a, int count) => a >> count;

    /// <inheritdoc/>
    public static uint ShiftRightArithmetic(uint a, int count) => (uint)((int)a >> count);

    /// <inheritdoc/>
    public static float SelectEqual(uint left, uint right, float whenTrue, float whenFalse) => left == right ? whenTrue : whenFalse;

    /// <inheritdoc/>
    public static uint AsBits(float a) => Interop.FloatAsInt(a);

    /// <inheritdoc/>
    public static float AsFloats(uint a) => Interop.IntAsFloat(a);

    /// <inheritdoc/>
    public static float ConvertToFloats(uint a) => (int)a;

    /// <inheritdoc/>
    public static uint ConvertToInts(float a) => (uint)(int)a;
}
