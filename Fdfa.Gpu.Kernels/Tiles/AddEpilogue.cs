using System.Runtime.CompilerServices;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Writes a product, or adds it to what is there.</summary>
internal struct AddEpilogue : IProductEpilogue
{
    public ArrayView<float> Target;
    public int Stride;
    public int Offset;

    /// <summary>0 writes (=), anything else adds (+=).</summary>
    public int IsSum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var index = (row * Stride) + Offset + column;
        var sum = value;
        if (IsSum != 0)
        {
            sum = TLanes.Add(value, TLanes.Load(Target, index));
        }

        TLanes.Store(Target, index, sum);
    }

    public readonly void Prefetch<TPrefetch>(int row, int column)
        where TPrefetch : struct, IPrefetch
    {
        // What is added to has just been written, and what is written is not read.
    }
}
