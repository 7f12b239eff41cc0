using System.Numerics;

namespace Fdfa.Experiments.TensorBoard;

/// <summary>The checksum of TensorFlow's record files: CRC-32C, masked because a checksum of bytes that hold a checksum is a weak one.</summary>
internal static class MaskedChecksum
{
    private const uint Mask = 0xa282ead8;

    /// <summary>Of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint checksum = uint.MaxValue;
        foreach (byte each in bytes)
        {
            checksum = BitOperations.Crc32C(checksum, each);
        }

        return BitOperations.RotateRight(~checksum, 15) + Mask;
    }
}
