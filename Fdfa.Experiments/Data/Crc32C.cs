using System.Buffers.Binary;
using System.Numerics;

namespace Fdfa.Experiments.Data;

/// <summary>CRC-32C, which processors have an instruction for.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of what has one already, and of the bytes after it.</summary>
    /// <param name="checksum">Of what comes before; 0 for nothing.</param>
    /// <param name="bytes">What follows.</param>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        uint value = ~checksum;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            value = BitOperations.Crc32C(value, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte each in bytes)
        {
            value = BitOperations.Crc32C(value, each);
        }

        return ~value;
    }
}
