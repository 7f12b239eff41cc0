using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Kernels;

/// <summary>What a tile program of GPUs promises of the code of its kernels.</summary>
/// <param name="Tiles">The tile program.</param>
/// <param name="SharedBytes">Memory that a group shares, in every kernel that stages anything.</param>
/// <param name="MultiplyAdds">Multiply-adds of a round of every loop over staged tiles, or a multiple: the block that a thread has in registers.</param>
/// <param name="LoadsVectors">Whether staged tiles are read, and operands fetched where they lie side by side, 16 bytes at a time.</param>
internal sealed record TileExpectation(TileProgram Tiles, int SharedBytes, int MultiplyAdds, bool LoadsVectors)
{
    /// <summary>A row per tile program.</summary>
    public static IReadOnlyList<TileExpectation> All { get; } =
    [
        // Twice 16 steps of 16 rows and 64 columns are staged, and twice a tile of them leaves; a thread has 4 × 4 sums, and a step of the reduction
        // is a round.
        new(TileProgram.Simt(), SharedBytes: 2 * 4 * ((16 * (16 + 64)) + (16 * 64)), MultiplyAdds: 4 * 4, LoadsVectors: true),
    ];
}
