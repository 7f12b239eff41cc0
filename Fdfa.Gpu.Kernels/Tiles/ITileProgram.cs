using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>A product C[r, c] = Σ_k Left(r, k) · Right(k, c) over a tile of rows and columns.</summary>
/// <remarks>
/// Left is read through two strides, so that a matrix and its transpose are the same to it; Right is row-major, its rows
/// 64-byte aligned. Columns run in steps of 16: the storage behind Right is padded, and padded columns of C are computed
/// and handed to the epilogue like any other.
/// </remarks>
public struct MatrixProduct
{
    /// <summary>
    /// Longest reduction over a generated operand: eight rows of it stay in a first-level cache. Longer ones are added up in parts.
    /// </summary>
    public const int LongestGeneratedDepth = 512;

    /// <summary>Left, element (r, k) at r · <see cref="LeftRowStride"/> + k · <see cref="LeftDepthStride"/>.</summary>
    public ArrayView<float> Left;

    /// <summary>Distance between rows of Left.</summary>
    public int LeftRowStride;

    /// <summary>Distance between neighbours along the reduction.</summary>
    public int LeftDepthStride;

    /// <summary>Right, element (k, c) at k · <see cref="RightStride"/> + c.</summary>
    public ArrayView<float> Right;

    /// <summary>Distance between rows of Right, a multiple of 16.</summary>
    public int RightStride;

    /// <summary>First row.</summary>
    public int RowBegin;

    /// <summary>One past the last row.</summary>
    public int RowEnd;

    /// <summary>First column, a multiple of 16.</summary>
    public int ColumnBegin;

    /// <summary>One past the last column, a multiple of 16.</summary>
    public int ColumnEnd;

    /// <summary>Length of the reduction; it runs from 0 up, one multiply-add after the other, on every tile program.</summary>
    public int Depth;
}

/// <summary>Where the left operand of a product comes from.</summary>
public interface ILeftOperand
{
    /// <summary>True where it is computed as it is needed; false where <see cref="MatrixProduct.Left"/> holds it.</summary>
    static abstract bool IsGenerated { get; }

    /// <summary>Elements of rows row … row + 3 (row a multiple of 4) at steps step … step + TLanes.Count − 1 of the reduction.</summary>
    LaneQuad<TLane> Generate<TLane, TBits, TLanes>(int row, int step)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;
}

/// <summary>The left operand that <see cref="MatrixProduct.Left"/> holds.</summary>
public readonly struct Stored : ILeftOperand
{
    /// <inheritdoc/>
    public static bool IsGenerated => false;

    /// <inheritdoc/>
    public LaneQuad<TLane> Generate<TLane, TBits, TLanes>(int row, int step)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => default;
}

/// <summary>What becomes of an element of a product: stored, or consumed on the spot.</summary>
public interface IProductEpilogue
{
    /// <summary>Takes the elements (row, column … column + TLanes.Count − 1) of the product.</summary>
    void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;

    /// <summary>
    /// Told once before the elements of (row, column) are computed, to bring in memory that <see cref="Apply"/> will need.
    /// </summary>
    void Prefetch<TPrefetch>(int row, int column)
        where TPrefetch : struct, IPrefetch;
}

/// <summary>A hint to bring memory near, where there is such a thing.</summary>
public interface IPrefetch
{
    /// <summary>Brings the cache line of <c>view[index]</c> near, to be written.</summary>
    static abstract void Line(ArrayView<float> view, int index);
}

/// <summary>Work on every element of a tile of four rows at a time: four neighbouring neurons share one Philox counter.</summary>
public interface IElementwise
{
    /// <summary>
    /// Works on rows row … row + 3, of which those below the tile's end exist, at columns column … column + TLanes.Count − 1.
    /// </summary>
    void Apply<TLane, TBits, TLanes>(int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;
}

/// <summary>Two sums over everything that a channel has: its positions and the batch.</summary>
public interface IChannelSum
{
    /// <summary>What the elements (row, column … column + TLanes.Count − 1) add to the two sums; zero where there is no sample.</summary>
    LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>;

    /// <summary>Takes a channel's sums; called once, by one thread.</summary>
    void Finish(int channel, float first, float second);
}

/// <summary>How the threads of one work-group compute a tile. Kernels are written once against this.</summary>
/// <remarks>All threads of the group call every method, in the same order, with the same arguments.</remarks>
public interface ITileProgram
{
    /// <summary>Memory that the group shares for the length of a kernel; empty where there is none.</summary>
    static abstract ArrayView<float> Workspace();

    /// <summary>Computes a product and hands each element to the epilogue exactly once.</summary>
    /// <remarks>
    /// Where the left operand is generated, RowBegin is a multiple of 8 and the depth at most
    /// <see cref="MatrixProduct.LongestGeneratedDepth"/>.
    /// </remarks>
    static abstract void Product<TLeft, TEpilogue>(ArrayView<float> workspace, MatrixProduct product, TLeft left, TEpilogue epilogue)
        where TLeft : struct, ILeftOperand
        where TEpilogue : struct, IProductEpilogue;

    /// <summary>Computes a convolution and hands each element to the epilogue exactly once; its row is channel · P + position.</summary>
    static abstract void Convolve<TEpilogue>(ArrayView<float> workspace, Convolution convolution, TEpilogue epilogue)
        where TEpilogue : struct, IProductEpilogue;

    /// <summary>Computes the gradient of filters.</summary>
    static abstract void Correlate(ArrayView<float> workspace, Correlation correlation);

    /// <summary>
    /// Sums over rows channel · positions … (channel + 1) · positions − 1 and columns 0 … columns − 1 of each channel, in an order that is
    /// always the same.
    /// </summary>
    static abstract void SumChannels<TBody>(
        ArrayView<float> workspace, int channelBegin, int channelEnd, int positions, int columns, TBody body)
        where TBody : struct, IChannelSum;

    /// <summary>
    /// Runs <paramref name="body"/> on rows rowBegin … rowEnd − 1 in fours and columns 0 … columns − 1; rowBegin is a multiple of 4,
    /// columns of 16.
    /// </summary>
    static abstract void ForEach<TBody>(int rowBegin, int rowEnd, int columns, TBody body)
        where TBody : struct, IElementwise;

    /// <summary>Makes what the group has written visible to all of it.</summary>
    static abstract void Barrier();

    /// <summary>True in the one thread of a group that does what must be done once.</summary>
    static abstract bool IsFirstThread { get; }
}
