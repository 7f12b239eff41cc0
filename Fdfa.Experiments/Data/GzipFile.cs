using System.Buffers.Binary;
using System.IO.Compression;

namespace Fdfa.Experiments.Data;

/// <summary>A gzip file that is whole: .NET's own stream overlooks one that is cut short within its last bytes.</summary>
internal static class GzipFile
{
    /// <summary>Unpacks a file as it is read, and then compares what its end says of its size.</summary>
    /// <param name="file">The file, at its beginning; it is closed.</param>
    /// <param name="path">What messages call it.</param>
    /// <param name="read">Reads the unpacked bytes to their end.</param>
    /// <exception cref="DataFormatException">The file is cut short within its last bytes.</exception>
    /// <exception cref="InvalidDataException">The file is damaged elsewhere.</exception>
    public static T Read<T>(FileStream file, string path, Func<Stream, T> read)
    {
        using var unpacked = new ByteCount(new GZipStream(file, CompressionMode.Decompress));
        var contents = read(unpacked);
        RequireTrailer(file, path, unpacked.Count);
        return contents;
    }

    private static void RequireTrailer(FileStream file, string path, long unpackedBytes)
    {
        Span<byte> size = stackalloc byte[sizeof(uint)];
        file.Position = Math.Max(0, file.Length - size.Length);
        file.ReadExactly(size);
        if (BinaryPrimitives.ReadUInt32LittleEndian(size) != (uint)unpackedBytes)
        {
            throw new DataFormatException(
                $"The file '{path}' should hold a gzip file that ends in its unpacked size, {unpackedBytes}, but holds another ending; delete it and get it again, or unpack it with gunzip to see where it breaks.");
        }
    }

    /// <summary>Counts what is read through it, and owns what it reads from.</summary>
    private sealed class ByteCount(Stream source) : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => Count;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var read = source.Read(buffer);
            Count += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                source.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
