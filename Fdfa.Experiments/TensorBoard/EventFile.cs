using System.Buffers.Binary;

namespace Fdfa.Experiments.TensorBoard;

/// <summary>A file of events that grows: TensorBoard goes on reading it where it was.</summary>
/// <remarks>
/// <code>
/// length of the message   8 bytes, little-endian
/// its masked checksum     4 bytes
/// the message
/// its masked checksum     4 bytes
/// </code>
/// record by record: the version first, then an event each. A process that was killed may have left a part of the last one.
/// </remarks>
internal static class EventFile
{
    private const int LengthBytes = sizeof(ulong);
    private const int ChecksumBytes = sizeof(uint);

    /// <summary>An event of a few numbers has some 200 bytes; what claims far more is no record of this program.</summary>
    private const int LongestMessage = 1 << 16;

    /// <summary>
    /// Adds the events that the file does not have yet, in the place of what is no whole record at its end; creates it where it is missing.
    /// </summary>
    /// <param name="path">The file; TensorBoard finds it by "tfevents" in its name.</param>
    /// <param name="events">All there are since the beginning, those in the file among them.</param>
    /// <param name="time">Now.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Append(string path, IEnumerable<ScalarEvent> events, DateTimeOffset time)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        int records = 0;
        while (SkipRecord(file))
        {
            records++;
        }

        file.SetLength(file.Position);
        if (records == 0)
        {
            WriteRecord(file, ScalarEvent.FileVersion(time));
            records = 1;
        }

        foreach (ScalarEvent each in events.Skip(records - 1))
        {
            WriteRecord(file, each.ToMessage(time));
        }
    }

    /// <returns>Whether there was a whole record; else the file stands where it stood.</returns>
    private static bool SkipRecord(FileStream file)
    {
        long start = file.Position;
        Span<byte> head = stackalloc byte[LengthBytes + ChecksumBytes];
        if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && HasChecksum(head))
        {
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(head);
            if (length <= LongestMessage && (long)length + ChecksumBytes <= file.Length - file.Position)
            {
                var body = new byte[(int)length + ChecksumBytes];
                file.ReadExactly(body);
                if (HasChecksum(body))
                {
                    return true;
                }
            }
        }

        file.Position = start;
        return false;
    }

    private static void WriteRecord(FileStream file, byte[] message)
    {
        // In one piece, so that a reader seldom meets a part.
        var record = new byte[LengthBytes + ChecksumBytes + message.Length + ChecksumBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)message.Length);
        message.CopyTo(record, LengthBytes + ChecksumBytes);
        WriteChecksum(record.AsSpan(0, LengthBytes + ChecksumBytes));
        WriteChecksum(record.AsSpan(LengthBytes + ChecksumBytes));
        file.Write(record);
    }

    /// <summary>Whether bytes end in the checksum of those before.</summary>
    private static bool HasChecksum(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..]) == MaskedChecksum.Of(bytes[..^ChecksumBytes]);

    private static void WriteChecksum(Span<byte> bytes) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[^ChecksumBytes..], MaskedChecksum.Of(bytes[..^ChecksumBytes]));
}
