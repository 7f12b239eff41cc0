using System.Buffers.Binary;
using System.IO.Compression;

namespace Fdfa.Experiments.Data;

/// <summary>A gzip file that is whole: one or more members, the last of which zeros may follow, as gunzip takes them.</summary>
internal static class GzipFile
{
    /// <summary>Unpacks a file as it is read.</summary>
    /// <param name="file">The file, at its beginning; it stays the caller's.</param>
    /// <param name="path">What messages call it.</param>
    /// <param name="read">Reads the unpacked bytes to their end.</param>
    /// <exception cref="DataFormatException">The file is cut short, or something else follows it.</exception>
    /// <exception cref="InvalidDataException">The file is damaged elsewhere.</exception>
    public static T Read<T>(FileStream file, string path, Func<Stream, T> read)
    {
        using var members = new Members(file, path);
        return read(members);
    }

    /// <summary>What the members hold, one after the other.</summary>
    /// <remarks>
    /// .NET's own stream reads several members too, but does not notice that the last one is cut short within its last bytes, and does not
    /// tell how far it has read. The end of a member is found by what is there: the checksum and the size of all that came out.
    /// </remarks>
    private sealed class Members(FileStream file, string path) : SequentialStream
    {
        private const int HeaderBytes = 10;
        private const int TrailerBytes = 8;
        private const byte Magic0 = 0x1f;
        private const byte Magic1 = 0x8b;
        private const byte Deflate = 8;

        // More than a DeflateStream reads at once, so more than it can have read beyond a member's end.
        private const int Window = 1 << 16;

        private DeflateStream? _member;
        private byte[] _window = [];
        private long _begin;
        private uint _checksum;
        private uint _size;

        public override int Read(Span<byte> buffer)
        {
            while (!buffer.IsEmpty && (_member is not null || Begin()))
            {
                int read = _member!.Read(buffer);
                if (read > 0)
                {
                    _checksum = Crc32.Append(_checksum, buffer[..read]);
                    _size += (uint)read;
                    return read;
                }

                End();
            }

            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            _member?.Dispose();
            base.Dispose(disposing);
        }

        /// <returns>Whether there is another member.</returns>
        private bool Begin()
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            int read = file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
            bool isFirst = _begin == 0;
            if (read == 0 || (read < HeaderBytes && isFirst))
            {
                return false;
            }

            if (read < HeaderBytes || header is not [Magic0, Magic1, Deflate, ..])
            {
                throw new InvalidDataException("There is no header of gzip.");
            }

            SkipNotes(flags: header[3]);
            (_begin, _checksum, _size) = (file.Position, 0, 0);
            _member = new DeflateStream(file, CompressionMode.Decompress, leaveOpen: true);
            return true;
        }

        private void SkipNotes(int flags)
        {
            const int Text = 1;
            const int Checksum = 2;
            const int Extra = 4;
            const int Name = 8;
            const int Comment = 16;
            if ((flags & ~(Text | Checksum | Extra | Name | Comment)) != 0)
            {
                throw new InvalidDataException("The header of gzip has notes of an unknown kind.");
            }

            if ((flags & Extra) != 0)
            {
                int low = ReadByte(file);
                file.Position += low | (ReadByte(file) << 8);
            }

            for (int texts = (flags & Name) / Name + (flags & Comment) / Comment; texts > 0; texts--)
            {
                while (ReadByte(file) != 0)
                {
                }
            }

            file.Position += flags & Checksum;
        }

        private static int ReadByte(FileStream file) =>
            file.ReadByte() is var value and >= 0 ? value : throw new InvalidDataException("The header of gzip is cut short.");

        /// <summary>Goes on behind the member that has been read.</summary>
        private void End()
        {
            _member!.Dispose();
            _member = null;
            long begin = Math.Max(_begin, file.Position - Window);
            var length = (int)(Math.Min(file.Length, file.Position + TrailerBytes) - begin);
            if (_window.Length < length)
            {
                _window = new byte[length];
            }

            Span<byte> window = _window.AsSpan(0, Math.Max(length, 0));
            file.Position = begin;
            file.ReadExactly(window);
            Span<byte> trailer = stackalloc byte[TrailerBytes];
            BinaryPrimitives.WriteUInt32LittleEndian(trailer, _checksum);
            BinaryPrimitives.WriteUInt32LittleEndian(trailer[sizeof(uint)..], _size);
            for (int at = 0, found; (found = window[at..].IndexOf(trailer)) >= 0; at += found + 1)
            {
                if (IsFollowed(begin + at + found + TrailerBytes))
                {
                    return;
                }
            }

            throw window.EndsWith(trailer[sizeof(uint)..])
                ? new InvalidDataException("The checksum of gzip differs.")
                : new DataFormatException(
                    $"The file '{path}' should hold a gzip file that ends in its unpacked size, {_size}, but holds another ending; "
                    + "delete it and get it again, or unpack it with gunzip to see where it breaks.");
        }

        /// <summary>Whether another member begins there, or nothing but zeros follows; reading goes on there or at the end.</summary>
        private bool IsFollowed(long position)
        {
            file.Position = position;
            int first = file.ReadByte();
            if (first == Magic0 && file.ReadByte() == Magic1)
            {
                file.Position = position;
                return true;
            }

            while (first == 0)
            {
                first = file.ReadByte();
            }

            return first < 0;
        }
    }
}
