using System.Buffers;
using System.Runtime.InteropServices;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>
/// Where an array, and its optimizer's moments, lie in device memory: rows at a stride, replica after replica, with padding between them.
/// </summary>
/// <remarks>
/// Values travel between device and stream in pieces, so that no copy of a large array is made, and as they are: no bit changes.
/// </remarks>
/// <param name="Device">By whose passage values travel.</param>
/// <param name="Arrays">The array; its moments where an optimizer keeps them.</param>
/// <param name="Replicas">Copies, one after the other.</param>
/// <param name="Rows">Rows of one replica.</param>
/// <param name="RowStride">From a row to the next.</param>
/// <param name="Columns">Values of a row, without padding.</param>
internal sealed record DeviceTensor(ComputeDevice Device, OptimizedParameters Arrays, int Replicas, int Rows, int RowStride, int Columns)
{
    private const int FloatsPerPiece = 1 << 18;

    /// <summary>Where a row's first value is in the row.</summary>
    public int Offset { get; init; }

    /// <summary>Values of a row that lie side by side before padding comes; a divisor of <see cref="Columns"/>.</summary>
    public int RunLength { get; init; } = Columns;

    /// <summary>From the first of such values to the first of the next.</summary>
    public int RunStride { get; init; } = Columns;

    private int RunsPerRow => Columns / RunLength;

    /// <summary>From a row's first value to behind its last.</summary>
    private int Extent => ((RunsPerRow - 1) * RunStride) + RunLength;

    private int RowsPerPiece => Math.Max(1, FloatsPerPiece / RowStride);

    /// <summary>Writes one replica's values, row after row, as little-endian floats.</summary>
    /// <param name="array">One of <see cref="Arrays"/>.</param>
    /// <param name="replica">Which.</param>
    /// <param name="target">Where to.</param>
    public void Save(ArrayView<float> array, int replica, Stream target) => ForEachPiece((row, piece) =>
    {
        Device.Passage.Download(PlaceOf(array, replica, row, piece.Length), piece);
        for (var run = 0; run < RunsIn(row); run++)
        {
            target.Write(MemoryMarshal.AsBytes(Run(piece, run)));
        }
    });

    /// <summary>Reads what <see cref="Save"/> wrote. Padding stays as it is.</summary>
    /// <param name="array">One of <see cref="Arrays"/>.</param>
    /// <param name="replica">Which.</param>
    /// <param name="source">Where from.</param>
    /// <exception cref="EndOfStreamException">There is too little of it.</exception>
    public void Load(ArrayView<float> array, int replica, Stream source) => ForEachPiece((row, piece) =>
    {
        var place = PlaceOf(array, replica, row, piece.Length);
        Device.Passage.Download(place, piece);
        for (var run = 0; run < RunsIn(row); run++)
        {
            source.ReadExactly(MemoryMarshal.AsBytes(Run(piece, run)));
        }

        Upload(place, piece);
    });

    /// <summary>Does work for each piece: its first row, and room for its rows from the first value to the last.</summary>
    private void ForEachPiece(Action<int, Span<float>> work)
    {
        var memory = ArrayPool<float>.Shared.Rent(Rows == 0 ? 0 : LengthAt(0));
        try
        {
            for (var row = 0; row < Rows; row += RowsPerPiece)
            {
                work(row, memory.AsSpan(0, LengthAt(row)));
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(memory);
        }
    }

    private static unsafe void Upload(ArrayView<float> target, Span<float> source)
    {
        fixed (float* first = source)
        {
            target.CopyFromCPU(ref *first, source.Length);
        }
    }

    private int LengthAt(int row) => ((RowsIn(row) - 1) * RowStride) + Extent;

    private int RowsIn(int row) => Math.Min(RowsPerPiece, Rows - row);

    private int RunsIn(int row) => RowsIn(row) * RunsPerRow;

    private Span<float> Run(Span<float> piece, int run) =>
        piece.Slice((run / RunsPerRow * RowStride) + (run % RunsPerRow * RunStride), RunLength);

    private ArrayView<float> PlaceOf(ArrayView<float> array, int replica, int row, int length) =>
        array.SubView((replica * (array.Length / Replicas)) + ((long)row * RowStride) + Offset, length);
}
