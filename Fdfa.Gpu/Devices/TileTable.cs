using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Devices;

/// <summary>What a tile program is chosen for.</summary>
/// <param name="Rows">Neurons or channels of the widest hidden block, of all replicas.</param>
/// <param name="Columns">Samples of a batch, with their tangents.</param>
internal readonly record struct TileProblem(long Rows, long Columns)
{
    /// <summary>That of a network.</summary>
    public static TileProblem Of(NetworkDescription network, TrainingOptions options, int replicas) => new(
        (long)replicas * network.Blocks.SkipLast(1).Select(block => block.Channels).DefaultIfEmpty(1).Max(),
        (long)Padding.RoundUp(options.BatchSize) * (1 + (options.Rule.HasTangents ? options.Perturbations : 0)));
}

/// <summary>Which tile program a device runs a network with: a table by kind of device and size of the problem, looked up when a network is loaded.</summary>
internal sealed class TileTable
{
    private readonly IReadOnlyList<Row> _rows;

    private TileTable(params IReadOnlyList<Row> rows) => _rows = rows;

    /// <summary>All that it can choose, the most demanding first.</summary>
    public IEnumerable<TileProgram> Programs => _rows.Select(row => row.Tiles);

    /// <summary>The same for every problem.</summary>
    public static TileTable Always(TileProgram tiles) => new(new Row(tiles));

    /// <summary>For GPUs of a number of multiprocessors.</summary>
    /// <remarks>
    /// A group has a tile's rows to itself, so a block makes rows / tile rows groups. Where large tiles would still keep every multiprocessor
    /// busy twice over they are best: they read least shared memory for what they multiply. Where even small ones leave multiprocessors idle,
    /// more threads share each tile, along its reduction. The limits are reasoned; no GPU has measured them yet.
    /// </remarks>
    public static TileTable Gpu(int multiprocessors) => new(
        new Row(TileProgram.BroadSimt(), LeastGroups: 2 * multiprocessors, LeastColumns: 64),
        new Row(TileProgram.Simt(), LeastGroups: 2 * multiprocessors),
        new Row(TileProgram.SplitSimt()),
        new Row(TileProgram.Simt()));

    /// <summary>For a device that ILGPU has opened.</summary>
    public static TileTable Of(Accelerator accelerator, bool isProcessor)
    {
        var table = isProcessor ? Always(TileProgram.Direct()) : Gpu(accelerator.NumMultiprocessors);
        return new(table._rows.Where(row =>
            row.Tiles.GroupSize <= accelerator.MaxNumThreadsPerGroup && row.Tiles.SharedBytes <= accelerator.MaxSharedMemoryPerGroup).ToList());
    }

    /// <summary>The first that suits a problem.</summary>
    /// <exception cref="DeviceException">The device has too little shared memory, or too few threads in a group, for any.</exception>
    public TileProgram For(TileProblem problem) => _rows.FirstOrDefault(row => row.Suits(problem))?.Tiles ?? throw new DeviceException(
        $"The device gives a group of threads too little to work with: {TileProgram.Simt().GroupSize} threads and {TileProgram.Simt().SharedBytes} bytes of shared memory are needed; use another --device.");

    private sealed record Row(TileProgram Tiles, long LeastGroups = 0, long LeastColumns = 0)
    {
        public bool Suits(TileProblem problem) => problem.Rows / Tiles.TileRows >= LeastGroups && problem.Columns >= LeastColumns;
    }
}
