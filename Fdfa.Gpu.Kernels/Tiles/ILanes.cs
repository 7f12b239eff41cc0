using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>
/// Arithmetic on a few neighbouring elements at once, so that elementwise mathematics is written once: one float in a
/// thread of a GPU, one SIMD vector on a CPU. All members inline; nothing is dispatched at run time.
/// </summary>
/// <typeparam name="TLane">The floats: <see cref="float"/> or a vector of floats.</typeparam>
/// <typeparam name="TBits">As many 32-bit words: <see cref="uint"/> or a vector of them.</typeparam>
public interface ILanes<TLane, TBits>
    where TLane : unmanaged
    where TBits : unmanaged
{
    /// <summary>Elements per lane value; a power of two of at most 16.</summary>
    static abstract int Count { get; }

    /// <summary>Elements <c>view[index … index + Count − 1]</c>.</summary>
    static abstract TLane Load(ArrayView<float> view, int index);

    /// <summary><c>view[index]</c> in every lane.</summary>
    static abstract TLane LoadOne(ArrayView<float> view, int index);

    /// <summary>Writes elements <c>view[index … index + Count − 1]</c>.</summary>
    static abstract void Store(ArrayView<float> view, int index, TLane value);

    /// <summary>Writes lane k to <c>view[index + k · stride]</c>.</summary>
    static abstract void StoreStrided(ArrayView<float> view, int index, int stride, TLane value);

    /// <summary>
    /// Writes lane k of the four values side by side to <c>view[index + k · stride … + 3]</c>; index and stride are multiples of 4.
    /// </summary>
    static abstract void StoreTransposed(
        ArrayView<float> view, int index, int stride, TLane first, TLane second, TLane third, TLane fourth);

    /// <summary>Words <c>view[index … index + Count − 1]</c>.</summary>
    static abstract TBits LoadBits(ArrayView<uint> view, int index);

    /// <summary>In lane k, byte <c>data[order[orderIndex + k] · stride + offset]</c>.</summary>
    static abstract TBits GatherBytes(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, int offset);

    /// <summary>In lane k, byte <c>data[order[orderIndex + k] · stride + offset of lane k]</c>; offsets are below 2³¹.</summary>
    static abstract TBits GatherBytesAt(ArrayView<byte> data, ArrayView<int> order, int orderIndex, int stride, TBits offsets);

    /// <summary>Writes words <c>view[index … index + Count − 1]</c>.</summary>
    static abstract void StoreBits(ArrayView<uint> view, int index, TBits value);

    /// <summary>The same number in every lane.</summary>
    static abstract TLane Broadcast(float value);

    /// <summary>a + b.</summary>
    static abstract TLane Add(TLane a, TLane b);

    /// <summary>a − b.</summary>
    static abstract TLane Subtract(TLane a, TLane b);

    /// <summary>a · b.</summary>
    static abstract TLane Multiply(TLane a, TLane b);

    /// <summary>a · b + c, fused where the device fuses.</summary>
    static abstract TLane MultiplyAdd(TLane a, TLane b, TLane c);

    /// <summary>a / b.</summary>
    static abstract TLane Divide(TLane a, TLane b);

    /// <summary>√a.</summary>
    static abstract TLane SquareRoot(TLane a);

    /// <summary>The larger of the two.</summary>
    static abstract TLane Max(TLane a, TLane b);

    /// <summary>The sum of all lanes.</summary>
    static abstract float Sum(TLane a);

    /// <summary>|a|.</summary>
    static abstract TLane Abs(TLane a);

    /// <summary><c>left &gt; right ? whenTrue : whenFalse</c>, lane by lane; false for NaN.</summary>
    static abstract TLane SelectGreater(TLane left, TLane right, TLane whenTrue, TLane whenFalse);

    /// <summary>The same word in every lane.</summary>
    static abstract TBits BroadcastBits(uint value);

    /// <summary>0, 1, …, Count − 1.</summary>
    static abstract TBits Indices();

    /// <summary>a + b modulo 2³².</summary>
    static abstract TBits AddBits(TBits a, TBits b);

    /// <summary>a − b modulo 2³².</summary>
    static abstract TBits SubtractBits(TBits a, TBits b);

    /// <summary>Low word of a · b.</summary>
    static abstract TBits MultiplyLow(TBits a, TBits b);

    /// <summary>High word of a · b.</summary>
    static abstract TBits MultiplyHigh(TBits a, TBits b);

    /// <summary>a ∧ b.</summary>
    static abstract TBits AndBits(TBits a, TBits b);

    /// <summary>a ⊕ b.</summary>
    static abstract TBits XorBits(TBits a, TBits b);

    /// <summary>a · 2^count modulo 2³².</summary>
    static abstract TBits ShiftLeft(TBits a, int count);

    /// <summary>a / 2^count, zeros from the left.</summary>
    static abstract TBits ShiftRight(TBits a, int count);

    /// <summary>a / 2^count as signed words, rounded down.</summary>
    static abstract TBits ShiftRightArithmetic(TBits a, int count);

    /// <summary><c>left == right ? whenTrue : whenFalse</c>, lane by lane.</summary>
    static abstract TLane SelectEqual(TBits left, TBits right, TLane whenTrue, TLane whenFalse);

    /// <summary>The bits of the floats.</summary>
    static abstract TBits AsBits(TLane a);

    /// <summary>The floats with these bits.</summary>
    static abstract TLane AsFloats(TBits a);

    /// <summary>Signed words to floats, rounded to nearest.</summary>
    static abstract TLane ConvertToFloats(TBits a);

    /// <summary>Floats to signed words, rounded toward zero.</summary>
    static abstract TBits ConvertToInts(TLane a);
}
