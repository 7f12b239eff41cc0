namespace Fdfa.Experiments.Data;

/// <summary>Reads as many bytes as a header says there are. That is a claim: memory grows with the bytes that really arrive.</summary>
internal static class ClaimedBytes
{
    private const int FirstBuffer = 1 << 16;

    /// <summary>Reads them, or as many as there are.</summary>
    /// <param name="stream">Where they begin.</param>
    /// <param name="count">At most <see cref="Array.MaxLength"/>.</param>
    /// <returns>Fewer than claimed where the stream ends before.</returns>
    public static byte[] Read(Stream stream, long count)
    {
        var bytes = new byte[Math.Min(count, FirstBuffer)];
        var filled = 0;
        while (true)
        {
            filled += stream.ReadAtLeast(bytes.AsSpan(filled), bytes.Length - filled, throwOnEndOfStream: false);
            if (filled == count)
            {
                return bytes;
            }

            if (filled < bytes.Length)
            {
                return bytes[..filled];
            }

            Array.Resize(ref bytes, (int)Math.Min(count, 2L * bytes.Length));
        }
    }
}
