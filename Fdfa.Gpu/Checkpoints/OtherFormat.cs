using System.Buffers.Binary;
using System.Text;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>Recognises by their content the files that people give in place of safetensors.</summary>
internal static class OtherFormat
{
    private const string TorchSave = "a pickle of torch.save";
    private const int ZipHeaderBytes = 30;
    private const int LongestName = 256;

    /// <summary>What a file is, such as "a zip archive"; null where it is nothing known.</summary>
    /// <param name="file">The file; it is left anywhere.</param>
    public static string? Of(FileStream file)
    {
        Span<byte> head = stackalloc byte[ZipHeaderBytes + LongestName];
        file.Position = 0;
        head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        return head switch
        {
            [(byte)'P', (byte)'K', 3, 4, ..] => IsTorchArchive(head) ? TorchSave : "a zip archive",

            // The protocols of Python 3; torch.save had the second before it had archives.
            [0x80, >= 2 and <= 5, ..] => TorchSave,
            [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..] => "a NumPy array",
            [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "an HDF5 file",
            [(byte)'G', (byte)'G', (byte)'U', (byte)'F', ..] => "a GGUF file",
            [0x1f, 0x8b, ..] => "a gzip file",
            _ => null,
        };
    }

    /// <summary>An archive of torch.save, or of torch.jit.save, begins with a pickle.</summary>
    private static bool IsTorchArchive(ReadOnlySpan<byte> head)
    {
        const int NameLengthOffset = 26;
        if (head.Length < ZipHeaderBytes)
        {
            return false;
        }

        int length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(head[NameLengthOffset..]), head.Length - ZipHeaderBytes);
        return Encoding.UTF8.GetString(head.Slice(ZipHeaderBytes, length)).EndsWith(".pkl", StringComparison.Ordinal);
    }
}
