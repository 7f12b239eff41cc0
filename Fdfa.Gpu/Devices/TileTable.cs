using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Devices;

/// <summary>What a tile program is chosen for.</summary>
/// <param name="Rows">Neurons or channels of the widest hidden block.</param>
/// <param name="Columns">Samples of a batch, with their tangents.</param>
/// <param name="Replicas">Networks side by side.</param>
internal readonly record struct TileProblem(long Rows, long Columns, int Replicas)
{
    /// <summary>That of a network.</summary>
    public static TileProblem Of(NetworkDescription network, TrainingOptions options, int replicas) => new(
        network.Blocks.SkipLast(1).Select(block => block.Channels).DefaultIfEmpty(1).Max(),
        (long)Padding.RoundUp(options.BatchSize) * (1 + (options.Rule.HasTangents ? options.Perturbations : 0)),
        replicas);
}

/// <summary>
/// Which tile program a device runs a network with: a table by kind of device and size of the problem, looked up when a network is loaded.
/// </summary>
internal sealed class TileTable
{
    private readonly IReadOnlyList<Row> _rows;

    private TileTable(params IReadOnlyList<Row> rows) => _rows = rows;

    /// <summary>All that it can choose, in the order in which they are tried.</summary>
    public IEnumerable<TileProgram> Programs => _rows.Select(row => row.Tiles);

    /// <summary>The same for every problem.</summary>
    public static TileTable Always(TileProgram tiles) => new(new Row(tiles));

    /// <summary>For GPUs of a number of multiprocessors.</summary>
    /// <remarks>
    /// A group has a tile's rows to itself, so a block makes rows / tile rows groups. Where large tiles would still keep every
    /// multiprocessor busy twice over they are best: they read least shared memory for what they multiply. Where even small ones leave
    /// multiprocessors idle, more threads share each tile, along its reduction. That adds up in another order, and a seed's bits must not
    /// depend on how many train beside it: whether the reduction is split, one replica alone decides. The limits are reasoned; no GPU has
    /// measured them yet.
    /// </remarks>
    public static TileTable Gpu(int multiprocessors) => new(
        new Row(TileProgram.SplitSimt(), MostRows: (2L * multiprocessors * TileProgram.SplitSimt().TileRows) - 1),
        new Row(TileProgram.BroadSimt(), LeastGroups: 2L * multiprocessors, LeastColumns: 64),
        new Row(TileProgram.Simt()));

    /// <summary>For a device that ILGPU has opened.</summary>
    public static TileTable Of(Accelerator accelerator, bool isProcessor)
    {
        var table = isProcessor ? Always(TileProgram.Direct()) : Gpu(accelerator.NumMultiprocessors);
        return new(table._rows.Where(row =>
            row.Tiles.GroupSize <= accelerator.MaxNumThreadsPerGroup
            && row.Tiles.SharedBytes <= accelerator.MaxSharedMemoryPerGroup).ToList());
    }

    /// <summary>The first that suits a problem.</summary>
    /// <exception cref="DeviceException">The device has too little shared memory, or too few threads in a group, for any.</exception>
    public TileProgram For(TileProblem problem) => _rows.FirstOrDefault(row => row.Suits(problem))?.Tiles ?? throw new DeviceException(
        $"The device gives a group of threads too little to work with: {TileProgram.Simt().GroupSize} threads and "
        + $"{TileProgram.Simt().SharedBytes} bytes of shared memory are needed; use another --device.");

    /// <param name="Tiles">The tile program.</param>
    /// <param name="MostRows">Of one replica.</param>
    /// <param name="LeastGroups">Of all replicas.</param>
    /// <param name="LeastColumns">Of one replica.</param>
    private sealed record Row(TileProgram Tiles, long MostRows = long.MaxValue, long LeastGroups = 0, long LeastColumns = 0)
    {
        public bool Suits(TileProblem problem) =>
            problem.Rows <= MostRows && problem.Replicas * (problem.Rows / Tiles.TileRows) >= LeastGroups
            && problem.Columns >= LeastColumns;
    }
}
