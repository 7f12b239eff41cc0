using System.Numerics;
using System.Runtime.Intrinsics;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Devices;

/// <summary>Which tile program a device runs, and how a block's rows are shared out among its groups.</summary>
/// <param name="Name">For people.</param>
/// <param name="Type">Type argument of the kernels.</param>
/// <param name="GroupSize">Threads per group.</param>
/// <param name="TileRows">Rows that it is best given at once, a multiple of 4: channels of a convolution come in that many.</param>
/// <param name="SharedBytes">Memory that a group shares.</param>
/// <param name="Processors">Groups that run at the same time and share a grid equally; 0 where the device schedules as it likes.</param>
internal sealed record TileProgram(string Name, Type Type, int GroupSize, int TileRows, int SharedBytes, int Processors)
{
    // Beyond this many rows the tile's weights no longer stay in a core's second-level cache between update and forward pass.
    private const int MostUnitsPerGroup = 8;

    /// <summary>SIMD on the CPU accelerator, with the widest vectors this machine has.</summary>
    public static TileProgram Simd(int processors) => Vector512.IsHardwareAccelerated
        ? new("SIMD, 16 floats", typeof(SimdTiles<Vector512<float>, Vector512<uint>, Vector512Lanes>), 1, 4, 0, processors)
        : SimdNative(processors);

    /// <summary>SIMD with the vectors that <see cref="Vector{T}"/> stands for.</summary>
    public static TileProgram SimdNative(int processors) => new(
        $"SIMD, {Vector<float>.Count} floats", typeof(SimdTiles<Vector<float>, Vector<uint>, NativeLanes>), 1, 4, 0, processors);

    /// <summary>A GPU's work-groups: 16 × 64 elements, 64 threads.</summary>
    public static TileProgram Simt() => Simt<FourBySixteen, Rows4<Float4>>();

    /// <summary>Where there is little to do: four times the threads for the same tile, each with a quarter of the reduction.</summary>
    public static TileProgram SplitSimt() => Simt<FourBySixteenByFour, Rows4<Float4>>();

    /// <summary>
    /// Where there is much: 64 × 64 elements, 8 × 8 in each of 64 threads, which read half as much shared memory for what they multiply.
    /// </summary>
    public static TileProgram BroadSimt() => Simt<EightByEight, Rows8<Twice<Float4>>>();

    /// <summary>On tensor cores, in TF32: 64 × 64 elements, 128 threads.</summary>
    public static TileProgram TensorCores() =>
        Simt<FourWarps, WarpBlock<TensorCoreProduct, LeftFragment, RightFragment>>() with { Name = "tensor cores, 128 threads, 64 × 64" };

    /// <summary>For OpenCL drivers of processors: a thread per group, without staging.</summary>
    public static TileProgram Direct() => new("SIMT, 1 thread, direct", typeof(DirectTiles), 1, 4, DirectTiles.SharedBytes, 0);

    /// <summary>
    /// The GPU's kernels with the fewest threads that still exercise tiling and barriers: for the CPU accelerator, whose barriers are slow.
    /// </summary>
    public static TileProgram SmallSimt() => Simt<OneByTwo, Rows4<Float4>>();

    /// <summary>
    /// The GPU's kernels with a thread per group, which needs no barriers: for OpenCL drivers of processors, which some of them keep busy
    /// for minutes.
    /// </summary>
    public static TileProgram SingleSimt() => Simt<OneByOne, Rows4<Float4>>();

    /// <summary>Rows per group for a block of the given outputs: a multiple of 16.</summary>
    public int RowsPerGroup(int outputs) => Share(outputs, Math.Max(TileRows, Padding.Unit), MostUnitsPerGroup);

    /// <summary>Channels per group for a convolution: a multiple of 4. A group's filters stay near, however many there are.</summary>
    public int ChannelsPerGroup(int channels) => Share(channels, TileRows, int.MaxValue);

    /// <summary>A work-group's, of any shape.</summary>
    public static TileProgram Simt<TShape, TBlock>()
        where TShape : struct, ITileShape
        where TBlock : struct, IThreadBlock<TBlock>
    {
        var threads = SimtTiles<TShape, TBlock>.Threads;
        var rows = SimtTiles<TShape, TBlock>.TileRows;
        return new(
            $"SIMT, {threads} threads, {rows} × {SimtTiles<TShape, TBlock>.TileColumns}",
            typeof(SimtTiles<TShape, TBlock>), threads, rows, SimtTiles<TShape, TBlock>.SharedBytes, 0);
    }

    private int Share(int rows, int unit, int mostUnits)
    {
        if (Processors == 0)
        {
            return unit;
        }

        // The groups are dealt out in equal contiguous shares: take the size with the shortest longest share, and of those the largest.
        var units = Ceiling(rows, unit);
        var best = Enumerable.Range(1, Math.Min(mostUnits, units))
            .MinBy(size => (LongestShare(units, size), -size));
        return best * unit;
    }

    private int LongestShare(int units, int size) => Ceiling(Ceiling(units, size), Processors) * size;

    private static int Ceiling(int a, int b) => (a + b - 1) / b;
}
