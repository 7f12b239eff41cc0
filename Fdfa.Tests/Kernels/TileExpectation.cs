using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Kernels;

/// <summary>What a tile program of GPUs promises of the code of its kernels.</summary>
/// <param name="Tiles">The tile program.</param>
/// <param name="SharedBytes">Memory that a group shares, in every kernel that stages anything.</param>
/// <param name="MultiplyAdds">
/// Multiply-adds of a round of every loop over staged tiles, or a multiple: the block that a thread has in registers.
/// </param>
/// <param name="LoadsVectors">Whether staged tiles are read, and operands fetched where they lie side by side, 16 bytes at a time.</param>
/// <param name="IsStaged">Whether products are of what has been staged, and not of operands where they lie.</param>
/// <param name="Only">The one kind of device that it is for; null where GPUs of both have it.</param>
internal sealed record TileExpectation(
    TileProgram Tiles, int SharedBytes, int MultiplyAdds, bool LoadsVectors, bool IsStaged = true, DeviceKind? Only = null)
{
    /// <summary>A row per tile program.</summary>
    public static IReadOnlyList<TileExpectation> All { get; } =
    [
        // Twice 16 steps of 16 rows and 64 columns are staged, and twice a tile of them leaves; a thread has 4 × 4 sums, and a step of the
        // reduction is a round.
        new(TileProgram.Simt(), SharedBytes: 2 * 4 * ((16 * (16 + 64)) + (16 * 64)), MultiplyAdds: 4 * 4, LoadsVectors: true),

        // The same tile, which leaves in four slices of the reduction.
        new(TileProgram.SplitSimt(), SharedBytes: 2 * 4 * ((16 * (16 + 64)) + (4 * 16 * 64)), MultiplyAdds: 4 * 4, LoadsVectors: true),

        // 8 steps of 64 rows and 64 columns; 8 × 8 sums.
        new(TileProgram.BroadSimt(), SharedBytes: 2 * 4 * ((8 * (64 + 64)) + (64 * 64)), MultiplyAdds: 8 * 8, LoadsVectors: true),

        // A block of 4 × 16 sums, and four rows of 512 steps of a generated operand.
        new(
            TileProgram.Direct(),
            SharedBytes: 4 * ((4 * 16) + (4 * 512)),
            MultiplyAdds: 4 * 16,
            LoadsVectors: true,
            IsStaged: false,
            Only: DeviceKind.OpenCl),

        // 8 steps of 64 rows and 64 columns; a warp has eight products of 16 × 8 × 8. Lanes read what the instruction wants of them, number
        // by number.
        new(
            TileProgram.TensorCores(),
            SharedBytes: 2 * 4 * ((8 * (64 + 64)) + (64 * 64)),
            MultiplyAdds: 8 * 16 * 8 * 8 / 32,
            LoadsVectors: false,
            Only: DeviceKind.Cuda),
    ];
}
