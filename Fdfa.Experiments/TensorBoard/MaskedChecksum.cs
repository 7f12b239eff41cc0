using System.Numerics;
using Fdfa.Experiments.Data;

namespace Fdfa.Experiments.TensorBoard;

/// <summary>
/// The checksum of TensorFlow's record files: CRC-32C, masked because a checksum of bytes that hold a checksum is a weak one.
/// </summary>
internal static class MaskedChecksum
{
    private const uint Mask = 0xa282ead8;

    /// <summary>Of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Crc32C.Append(0, bytes), 15) + Mask;
}
