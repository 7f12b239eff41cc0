using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>
/// Four floats in registers, 16 bytes in memory. Struct fields stay in registers where an array indexed by a loop variable would not.
/// </summary>
public readonly struct Float4(float x, float y, float z, float w) : IRowBlock<Float4>
{
    /// <summary>Its size, and the alignment of what is loaded at once.</summary>
    public const int Bytes = 16;

    /// <summary>The first.</summary>
    public readonly float X = x;

    /// <summary>The second.</summary>
    public readonly float Y = y;

    /// <summary>The third.</summary>
    public readonly float Z = z;

    /// <summary>The fourth.</summary>
    public readonly float W = w;

    /// <inheritdoc/>
    public static int Quads => 1;

    /// <summary>A view of floats, four by four; its first element is aligned to 16 bytes.</summary>
    public static ArrayView<Float4> Of(ArrayView<float> view) => view.AsAligned(Bytes).Cast<Float4>();

    /// <inheritdoc/>
    public static Float4 Load(ArrayView<Float4> view, int index, int step) => view[index];

    /// <inheritdoc/>
    public Float4 MultiplyAdd(float factor, Float4 sum) =>
        QuadLanes.MultiplyAdd(this, QuadLanes.Broadcast(factor), sum);

    /// <inheritdoc/>
    public void Store(ArrayView<Float4> view, int index, int step) => view[index] = this;
}
