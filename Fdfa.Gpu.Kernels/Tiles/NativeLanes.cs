using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>
/// As many floats as the widest register that <see cref="Vector{T}"/> stands for holds: 8 with AVX2, 4 with NEON or SSE. Runs on the CPU
/// accelerator only, inside methods that ILGPU does not translate.
/// </summary>
public readonly struct NativeLanes : ILanes<Vector<float>, Vector<uint>>
{
    /// <inheritdoc/>
    public static int Count => Vector<float>.Count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector<float> Load(ArrayView<float> view, int index) => Vector.Load(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector<float> LoadOne(ArrayView<float> view, int index) => Broadcast(SimdMemory.Pointer(view)[index]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(ArrayView<float> view, int index, Vector<float> value) => value.Store(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    public static unsafe void StoreStrided(ArrayView<float> view, int index, int stride, Vector<float> value)
    {
        var target = SimdMemory.Pointer(view) + index;
        for (var lane = 0; lane < Count; lane++)
        {
            target[(long)lane * stride] = value[lane];
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreTransposed(
        ArrayView<float> view, int index, int stride,
        Vector<float> first, Vector<float> second, Vector<float> third, Vector<float> fourth)
    {
        var target = SimdMemory.Pointer(view) + index;
        for (var lane = 0; lane < Count; lane++)
        {
            Vector128.Create(first[lane], second[lane], third[lane], fourth[lane]).Store(target + ((long)lane * stride));
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector<uint> LoadBits(ArrayView<uint> view, int index) => Vector.Load(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    [SkipLocalsInit]
    public static unsafe Vector<uint> GatherBytes(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, int offset)
    {
        var bytes = SimdMemory.Pointer(data) + offset;
        var rows = SimdMemory.Pointer(order) + orderIndex;
        var words = stackalloc uint[Count];
        for (var lane = 0; lane < Count; lane++)
        {
            words[lane] = bytes[(long)rows[lane] * stride];
        }

        return Vector.Load(words);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public static unsafe Vector<uint> GatherBytesAt(
        ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, Vector<uint> offsets)
    {
        var bytes = SimdMemory.Pointer(data);
        var rows = SimdMemory.Pointer(order) + orderIndex;
        var words = stackalloc uint[Count];
        offsets.Store(words);
        for (var lane = 0; lane < Count; lane++)
        {
            words[lane] = bytes[((long)rows[lane] * stride) + words[lane]];
        }

        return Vector.Load(words);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreBits(ArrayView<uint> view, int index, Vector<uint> value) =>
        value.Store(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Broadcast(float value) => Vector.Create(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Add(Vector<float> a, Vector<float> b) => a + b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Subtract(Vector<float> a, Vector<float> b) => a - b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Multiply(Vector<float> a, Vector<float> b) => a * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> MultiplyAdd(Vector<float> a, Vector<float> b, Vector<float> c) => Vector.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Divide(Vector<float> a, Vector<float> b) => a / b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> SquareRoot(Vector<float> a) => Vector.SquareRoot(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Max(Vector<float> a, Vector<float> b) => Vector.ConditionalSelect(Vector.GreaterThan(a, b), a, b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector<float> a) => Vector.Sum(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Abs(Vector<float> a) => Vector.Abs(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> SelectGreater(Vector<float> left, Vector<float> right, Vector<float> whenTrue, Vector<float> whenFalse) =>
        Vector.ConditionalSelect(Vector.GreaterThan(left, right), whenTrue, whenFalse);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> BroadcastBits(uint value) => Vector.Create(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> Indices() => Vector<uint>.Indices;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> AddBits(Vector<uint> a, Vector<uint> b) => a + b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> SubtractBits(Vector<uint> a, Vector<uint> b) => a - b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> MultiplyLow(Vector<uint> a, Vector<uint> b) => a * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> MultiplyHigh(Vector<uint> a, Vector<uint> b)
    {
        var low = Vector.Create(0xFFFF_FFFFUL);
        var even = (Vector.AsVectorUInt64(a) & low) * (Vector.AsVectorUInt64(b) & low);
        var odd = (Vector.AsVectorUInt64(a) >>> 32) * (Vector.AsVectorUInt64(b) >>> 32);
        return Vector.AsVectorUInt32((even >>> 32) | (odd & ~low));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> AndBits(Vector<uint> a, Vector<uint> b) => a & b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> XorBits(Vector<uint> a, Vector<uint> b) => a ^ b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> ShiftLeft(Vector<uint> a, int count) => a << count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> ShiftRight(Vector<uint> a, int count) => a >>> count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> ShiftRightArithmetic(Vector<uint> a, int count) => Vector.AsVectorUInt32(Vector.AsVectorInt32(a) >> count);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> SelectEqual(Vector<uint> left, Vector<uint> right, Vector<float> whenTrue, Vector<float> whenFalse) =>
        Vector.ConditionalSelect(Vector.AsVectorSingle(Vector.Equals(left, right)), whenTrue, whenFalse);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> AsBits(Vector<float> a) => Vector.AsVectorUInt32(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> AsFloats(Vector<uint> a) => Vector.AsVectorSingle(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ConvertToFloats(Vector<uint> a) => Vector.ConvertToSingle(Vector.AsVectorInt32(a));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> ConvertToInts(Vector<float> a) => Vector.AsVectorUInt32(Vector.ConvertToInt32Native(a));
}
