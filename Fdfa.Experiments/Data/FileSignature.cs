namespace Fdfa.Experiments.Data;

/// <summary>Recognises files by how they begin, whatever their names say.</summary>
internal static class FileSignature
{
    /// <summary>Bytes from which a file is recognised, or fewer where it is shorter.</summary>
    public const int Bytes = 16;

    /// <summary>A JPEG image.</summary>
    public const string Jpeg = "a JPEG image";

    /// <summary>A gzip file.</summary>
    public const string Gzip = "a gzip file";

    /// <summary>What macOS writes beside a file, as "._name", where a file system has no place for its notes.</summary>
    public const string AppleDouble = "a file of macOS's about another (AppleDouble)";

    /// <summary>What a file is, such as "a PNG image"; null where it is nothing known.</summary>
    /// <param name="head">The file, or its first <see cref="Bytes"/>.</param>
    public static string? Of(ReadOnlySpan<byte> head) => head switch
    {
        [0xff, 0xd8, 0xff, ..] => Jpeg,
        [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => "a PNG image",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => "a GIF image",
        [(byte)'B', (byte)'M', _, _, _, _, 0, 0, 0, 0, ..] => "a BMP image",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "a WebP image",
        [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] => "a TIFF image",
        [0, 5, 0x16, 7, ..] => AppleDouble,
        [(byte)'P', (byte)'K', 3, 4, ..] => "a zip archive",
        [0x1f, 0x8b, ..] => Gzip,
        [0x80, >= 2 and <= 5, ..] => "a pickle of Python's",
        _ => IsHtml(head) ? "a web page" : null,
    };

    /// <summary>What the rest of a stream is by its beginning, which is read.</summary>
    public static string? Of(Stream stream)
    {
        Span<byte> head = stackalloc byte[Bytes];
        return Of(head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)]);
    }

    private static bool IsHtml(ReadOnlySpan<byte> head)
    {
        head = head.TrimStart(" \t\r\n"u8);
        return StartsWith(head, "<!doctype html"u8) || StartsWith(head, "<html"u8);

        static bool StartsWith(ReadOnlySpan<byte> head, ReadOnlySpan<byte> word) =>
            head.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(head[..word.Length], word);
    }
}
