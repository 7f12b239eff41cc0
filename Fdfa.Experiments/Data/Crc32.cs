namespace Fdfa.Experiments.Data;

/// <summary>The checksum of gzip and zip, which .NET keeps to itself.</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(index =>
    {
        var value = (uint)index;
        for (var bit = 0; bit < 8; bit++)
        {
            value = (value & 1) == 0 ? value >> 1 : 0xEDB88320 ^ (value >> 1);
        }

        return value;
    })];

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of what has one already, and of the bytes after it.</summary>
    /// <param name="checksum">Of what comes before; 0 for nothing.</param>
    /// <param name="bytes">What follows.</param>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        uint value = ~checksum;
        foreach (byte each in bytes)
        {
            value = s_table[(byte)(value ^ each)] ^ (value >> 8);
        }

        return ~value;
    }
}
