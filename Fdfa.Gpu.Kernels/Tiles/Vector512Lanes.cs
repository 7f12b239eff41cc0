using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>16 floats in a SIMD register. Runs on the CPU accelerator only, inside methods that ILGPU does not translate.</summary>
public readonly struct Vector512Lanes : ILanes<Vector512<float>, Vector512<uint>>
{
    private static Vector512<uint> OddWords => Vector512.Create(0xFFFF_FFFF_0000_0000UL).AsUInt32();

    /// <inheritdoc/>
    public static int Count => Vector512<float>.Count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> Load(ArrayView<float> view, int index) => Vector512.Load(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> LoadOne(ArrayView<float> view, int index) => Broadcast(SimdMemory.Pointer(view)[index]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(ArrayView<float> view, int index, Vector512<float> value) =>
        value.Store(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    public static unsafe void StoreStrided(ArrayView<float> view, int index, int stride, Vector512<float> value)
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
        Vector512<float> first, Vector512<float> second, Vector512<float> third, Vector512<float> fourth)
    {
        var evenPairs = Avx512F.UnpackLow(first, second).AsDouble();
        var oddPairs = Avx512F.UnpackHigh(first, second).AsDouble();
        var evenPairs2 = Avx512F.UnpackLow(third, fourth).AsDouble();
        var oddPairs2 = Avx512F.UnpackHigh(third, fourth).AsDouble();
        var target = SimdMemory.Pointer(view) + index;
        StoreQuarters(target, stride, Avx512F.UnpackLow(evenPairs, evenPairs2).AsSingle());
        StoreQuarters(target + stride, stride, Avx512F.UnpackHigh(evenPairs, evenPairs2).AsSingle());
        StoreQuarters(target + (2L * stride), stride, Avx512F.UnpackLow(oddPairs, oddPairs2).AsSingle());
        StoreQuarters(target + (3L * stride), stride, Avx512F.UnpackHigh(oddPairs, oddPairs2).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<uint> LoadBits(ArrayView<uint> view, int index) => Vector512.Load(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    [SkipLocalsInit]
    public static unsafe Vector512<uint> GatherBytes(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, int offset)
    {
        var bytes = SimdMemory.Pointer(data) + offset;
        var rows = SimdMemory.Pointer(order) + orderIndex;
        var words = stackalloc uint[Count];
        for (var lane = 0; lane < Count; lane++)
        {
            words[lane] = bytes[(long)rows[lane] * stride];
        }

        return Vector512.Load(words);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public static unsafe Vector512<uint> GatherBytesAt(
        ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, Vector512<uint> offsets)
    {
        var bytes = SimdMemory.Pointer(data);
        var rows = SimdMemory.Pointer(order) + orderIndex;
        var words = stackalloc uint[Count];
        offsets.Store(words);
        for (var lane = 0; lane < Count; lane++)
        {
            words[lane] = bytes[((long)rows[lane] * stride) + words[lane]];
        }

        return Vector512.Load(words);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreBits(ArrayView<uint> view, int index, Vector512<uint> value) =>
        value.Store(SimdMemory.Pointer(view) + index);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SquareRoot(Vector512<float> a) => Vector512.Sqrt(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(a, b), a, b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> a) => Vector512.Sum(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> a) => Vector512.Abs(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SelectGreater(
        Vector512<float> left, Vector512<float> right, Vector512<float> whenTrue, Vector512<float> whenFalse) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(left, right), whenTrue, whenFalse);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> BroadcastBits(uint value) => Vector512.Create(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Indices() => Vector512<uint>.Indices;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AddBits(Vector512<uint> a, Vector512<uint> b) => a + b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SubtractBits(Vector512<uint> a, Vector512<uint> b) => a - b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> MultiplyLow(Vector512<uint> a, Vector512<uint> b) => a * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> MultiplyHigh(Vector512<uint> a, Vector512<uint> b)
    {
        // vpmuludq multiplies the even words only: do both halves and interleave the high words.
        var even = Avx512F.Multiply(a, b).AsUInt32();
        var odd = Avx512F.Multiply((a.AsUInt64() >>> 32).AsUInt32(), (b.AsUInt64() >>> 32).AsUInt32()).AsUInt32();
        return Vector512.ConditionalSelect(OddWords, odd, (even.AsUInt64() >>> 32).AsUInt32());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AndBits(Vector512<uint> a, Vector512<uint> b) => a & b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> XorBits(Vector512<uint> a, Vector512<uint> b) => a ^ b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftLeft(Vector512<uint> a, int count) => a << count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRight(Vector512<uint> a, int count) => a >>> count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRightArithmetic(Vector512<uint> a, int count) => (a.AsInt32() >> count).AsUInt32();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SelectEqual(
        Vector512<uint> left, Vector512<uint> right, Vector512<float> whenTrue, Vector512<float> whenFalse) =>
        Vector512.ConditionalSelect(Vector512.Equals(left, right).AsSingle(), whenTrue, whenFalse);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AsBits(Vector512<float> a) => a.AsUInt32();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AsFloats(Vector512<uint> a) => a.AsSingle();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ConvertToFloats(Vector512<uint> a) => Vector512.ConvertToSingle(a.AsInt32());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ConvertToInts(Vector512<float> a) => Vector512.ConvertToInt32Native(a).AsUInt32();

    // The four quarters are samples k, k + 4, k + 8, k + 12 of a column of samples.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void StoreQuarters(float* target, int stride, Vector512<float> value)
    {
        value.GetLower().GetLower().Store(target);
        value.GetLower().GetUpper().Store(target + (4L * stride));
        value.GetUpper().GetLower().Store(target + (8L * stride));
        value.GetUpper().GetUpper().Store(target + (12L * stride));
    }
}
