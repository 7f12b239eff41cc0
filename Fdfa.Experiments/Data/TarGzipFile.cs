using System.Formats.Tar;
using System.Text;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Data;

/// <summary>The files in a .tar.gz, read one after the other as they are unpacked; nothing is written to disk.</summary>
internal static class TarGzipFile
{
    /// <summary>Visits every regular file, and then makes sure that the archive is whole.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="visit">Given the name, the length that the archive claims, and the contents.</param>
    /// <exception cref="DataFormatException">The archive is missing, cut short or damaged.</exception>
    public static void ForEachFile(string path, Action<string, long, Stream> visit)
    {
        try
        {
            using FileStream file = RegularFile.OpenRead(path);
            GzipFile.Read(file, path, unpacked =>
            {
                using var guarded = new ShortNotes(unpacked);
                using var archive = new TarReader(guarded, leaveOpen: true);
                while (archive.GetNextEntry() is { } entry)
                {
                    if (entry is { EntryType: TarEntryType.RegularFile or TarEntryType.V7RegularFile })
                    {
                        visit(
                            entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name,
                            entry.Length,
                            entry.DataStream ?? Stream.Null);
                    }
                }

                // To the end, where gzip's checksum stands.
                unpacked.CopyTo(Stream.Null);
                return 0;
            });
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException or FormatException
            or InvalidOperationException or ArgumentException or NotSupportedException or OverflowException)
        {
            throw new DataFormatException(
                $"The file '{path}' should be a whole .tar.gz archive, but unpacking it failed; delete it and get it again.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"The file '{path}' cannot be read ({failure.Message}); check its permissions.", failure);
        }
    }

    /// <summary>Refuses an archive whose notes about its entries (long names and the like) claim to be long.</summary>
    /// <remarks><see cref="TarReader"/> takes memory for a note as soon as its header claims a size, up to 2 GB of it.</remarks>
    private sealed class ShortNotes(Stream source) : SequentialStream
    {
        private const int HeaderBytes = 512;
        private const int LongestNote = 1 << 20;
        private const int SizeOffset = 124;
        private const int SizeBytes = 12;
        private const int TypeOffset = 156;

        public override int Read(Span<byte> buffer)
        {
            // Headers are asked for one at a time, and must arrive whole to be looked at.
            if (buffer.Length != HeaderBytes)
            {
                return source.Read(buffer);
            }

            int read = source.ReadAtLeast(buffer, HeaderBytes, throwOnEndOfStream: false);
            if (read == HeaderBytes && buffer[TypeOffset] is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K'
                && Size(buffer.Slice(SizeOffset, SizeBytes)) > LongestNote)
            {
                throw new InvalidDataException("A note about an entry claims to be longer than any honest one.");
            }

            return read;
        }

        /// <summary>Octal digits; sizes beyond them are written in another way, which begins with a set bit.</summary>
        private static long Size(ReadOnlySpan<byte> field)
        {
            if (field[0] >= 0x80)
            {
                return long.MaxValue;
            }

            string digits = Encoding.ASCII.GetString(field).Trim('\0', ' ');
            var size = 0L;
            foreach (char digit in digits)
            {
                // Not a size at all is the reader's to refuse.
                size = char.IsBetween(digit, '0', '7') ? 8 * size + (digit - '0') : size;
            }

            return size;
        }
    }
}
