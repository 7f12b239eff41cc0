using System.Buffers.Binary;
using System.Text;

namespace Fdfa.Tests.TensorBoard;

/// <summary>An event as it was read.</summary>
internal sealed record ReadEvent(double WallTime, long Step, string? FileVersion, IReadOnlyList<(string Tag, float Value)> Scalars);

/// <summary>Reads files of events by the formats' descriptions, with nothing of the code that writes them.</summary>
internal static class EventReader
{
    /// <summary>CRC-32C bit by bit, by its definition: Castagnoli's polynomial, reflected.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint checksum = 0xffffffff;
        foreach (byte each in bytes)
        {
            checksum ^= each;
            for (var bit = 0; bit < 8; bit++)
            {
                checksum = (checksum & 1) != 0 ? (checksum >> 1) ^ 0x82f63b78 : checksum >> 1;
            }
        }

        return ~checksum;
    }

    /// <summary>All records of a file; fails where a checksum or an end is wrong.</summary>
    public static IReadOnlyList<ReadEvent> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        var events = new List<ReadEvent>();
        for (var position = 0; position < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(position, 8));
            AssertChecksum(file.AsSpan(position, 8), file.AsSpan(position + 8, 4));
            ReadOnlySpan<byte> message = file.AsSpan(position + 12, length);
            AssertChecksum(message, file.AsSpan(position + 12 + length, 4));
            events.Add(ReadEventOf(message));
            position += 16 + length;
        }

        return events;
    }

    private static void AssertChecksum(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> stored)
    {
        uint checksum = Crc32C(bytes);
        Assert.Equal(unchecked(((checksum >> 15) | (checksum << 17)) + 0xa282ead8u), BinaryPrimitives.ReadUInt32LittleEndian(stored));
    }

    private static ReadEvent ReadEventOf(ReadOnlySpan<byte> message)
    {
        double wallTime = double.NaN;
        long step = 0;
        string? version = null;
        var scalars = new List<(string, float)>();
        while (!message.IsEmpty)
        {
            switch (ReadVarint(ref message))
            {
                case (1 << 3) | 1:
                    wallTime = BinaryPrimitives.ReadDoubleLittleEndian(message[..8]);
                    message = message[8..];
                    break;
                case 2 << 3:
                    step = (long)ReadVarint(ref message);
                    break;
                case (3 << 3) | 2:
                    version = Encoding.UTF8.GetString(ReadBytes(ref message));
                    break;
                case (5 << 3) | 2:
                    ReadOnlySpan<byte> summary = ReadBytes(ref message);
                    while (!summary.IsEmpty)
                    {
                        Assert.Equal((1u << 3) | 2, ReadVarint(ref summary));
                        scalars.Add(ReadScalar(ReadBytes(ref summary)));
                    }

                    break;
                case var tag:
                    Assert.Fail($"An event has a field of tag {tag}.");
                    break;
            }
        }

        return new ReadEvent(wallTime, step, version, scalars);
    }

    private static (string, float) ReadScalar(ReadOnlySpan<byte> message)
    {
        Assert.Equal((1u << 3) | 2, ReadVarint(ref message));
        string tag = Encoding.UTF8.GetString(ReadBytes(ref message));
        Assert.Equal((2u << 3) | 5, ReadVarint(ref message));
        Assert.Equal(4, message.Length);
        return (tag, BinaryPrimitives.ReadSingleLittleEndian(message));
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> message)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            byte each = message[0];
            message = message[1..];
            value |= (ulong)(each & 0x7f) << shift;
            if (each < 0x80)
            {
                return value;
            }
        }
    }

    private static ReadOnlySpan<byte> ReadBytes(ref ReadOnlySpan<byte> message)
    {
        var length = (int)ReadVarint(ref message);
        ReadOnlySpan<byte> bytes = message[..length];
        message = message[length..];
        return bytes;
    }
}
