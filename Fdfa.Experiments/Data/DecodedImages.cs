using System.Buffers;
using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Data;

/// <summary>The file that keeps decoded images, so that they are decoded once; read as a memory-mapped file.</summary>
/// <remarks>
/// Header of 64 bytes: "FDFAIMG2", 32 bytes that identify the source, then as little-endian 32-bit words training samples, test samples,
/// bytes per sample, images left out, and the CRC-32C of all bytes but its own. Then all samples, then all labels, training before test.
/// </remarks>
internal sealed class DecodedImages : IDisposable
{
    /// <summary>Bytes of what identifies a source.</summary>
    public const int IdentityBytes = 32;

    private const int HeaderBytes = 64;
    private const int ChecksumWord = 4;
    private static readonly byte[] s_magic = [.. "FDFAIMG2"u8];

    private readonly MemoryMappedFile _file;
    private readonly MappedBytes _bytes;

    private DecodedImages(MemoryMappedFile file, SampleCounts counts, int sampleSize, int leftOut)
    {
        _file = file;
        LeftOut = leftOut;
        int samples = (counts.Training + counts.Test) * sampleSize;
        _bytes = new MappedBytes(file, HeaderBytes, samples + counts.Training + counts.Test);
        ReadOnlyMemory<byte> all = _bytes.Memory;
        TrainingSamples = all[..(counts.Training * sampleSize)];
        TestSamples = all[(counts.Training * sampleSize)..samples];
        TrainingLabels = all.Slice(samples, counts.Training).ToArray();
        TestLabels = all[(samples + counts.Training)..].ToArray();
    }

    /// <summary>[count × sample size], valid until this is disposed of.</summary>
    public ReadOnlyMemory<byte> TrainingSamples { get; }

    /// <summary>[count × sample size], valid until this is disposed of.</summary>
    public ReadOnlyMemory<byte> TestSamples { get; }

    /// <summary>One per sample.</summary>
    public byte[] TrainingLabels { get; }

    /// <summary>One per sample.</summary>
    public byte[] TestLabels { get; }

    /// <summary>Images that did not decode.</summary>
    public int LeftOut { get; }

    /// <summary>Takes samples, in their order.</summary>
    public delegate void Append(ReadOnlySpan<byte> samples);

    /// <summary>Opens a file of decoded images; null where there is none, or another source's, or it is damaged.</summary>
    public static DecodedImages? TryOpen(string path, ReadOnlySpan<byte> identity, int sampleSize)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            Span<byte> header = stackalloc byte[HeaderBytes];
            if (stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes
                || !header.StartsWith(s_magic)
                || !header.Slice(s_magic.Length, IdentityBytes).SequenceEqual(identity))
            {
                return null;
            }

            var counts = new SampleCounts(Word(header, 0), Word(header, 1));
            long samples = (long)counts.Training + counts.Test;
            if (counts is not { Training: > 0, Test: > 0 }
                || Word(header, 2) != sampleSize
                || samples * (sampleSize + 1) is var bytes && (bytes > Array.MaxLength || stream.Length != HeaderBytes + bytes))
            {
                return null;
            }

            var images = new DecodedImages(
                MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read),
                counts,
                sampleSize,
                Word(header, 3));
            if (WithHeader(Crc32C.Append(0, images._bytes.Memory.Span), header) == (uint)Word(header, ChecksumWord))
            {
                return images;
            }

            images.Dispose();
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is decoded again; where that cannot be written, the reason is said.
            return null;
        }
    }

    /// <summary>Writes a file of decoded images, which appears when it is whole.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="identity">Identifies the source.</param>
    /// <param name="sampleSize">Bytes of each sample.</param>
    /// <param name="write">Appends the samples, training before test, and returns the labels of each and how many are left out.</param>
    public static void Write(
        string path,
        ReadOnlyMemory<byte> identity,
        int sampleSize,
        Func<Append, (byte[] Training, byte[] Test, int LeftOut)> write) => AtomicFile.Write(path, stream =>
    {
        uint checksum = 0;
        stream.Write(new byte[HeaderBytes]);
        var (training, test, leftOut) = write(Continue);
        Continue(training);
        Continue(test);
        var header = new byte[HeaderBytes];
        s_magic.CopyTo(header, 0);
        identity.CopyTo(header.AsMemory(s_magic.Length));
        int[] words = [training.Length, test.Length, sampleSize, leftOut];
        for (var index = 0; index < words.Length; index++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(WordOffset(index)), words[index]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(WordOffset(ChecksumWord)), WithHeader(checksum, header));
        stream.Position = 0;
        stream.Write(header);

        void Continue(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            checksum = Crc32C.Append(checksum, bytes);
        }
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        ((IDisposable)_bytes).Dispose();
        _file.Dispose();
    }

    /// <summary>The checksum of the file, given that of what follows the header.</summary>
    private static uint WithHeader(uint checksum, ReadOnlySpan<byte> header) => Crc32C.Append(checksum, header[..WordOffset(ChecksumWord)]);

    private static int WordOffset(int index) => s_magic.Length + IdentityBytes + sizeof(int) * index;

    private static int Word(ReadOnlySpan<byte> header, int index) => BinaryPrimitives.ReadInt32LittleEndian(header[WordOffset(index)..]);

    /// <summary>A piece of a mapped file as memory: pages come from the disk as they are read, and go again when memory is short.</summary>
    private sealed unsafe class MappedBytes : MemoryManager<byte>
    {
        private readonly MemoryMappedViewAccessor _view;
        private readonly int _length;
        private byte* _first;

        public MappedBytes(MemoryMappedFile file, int offset, int length)
        {
            _view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            _length = length;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _first);
            _first += _view.PointerOffset + offset;
        }

        public override Memory<byte> Memory => CreateMemory(_length);

        public override Span<byte> GetSpan() =>
            _first is null ? throw new ObjectDisposedException(nameof(DecodedImages)) : new Span<byte>(_first, _length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(_first + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && _first is not null)
            {
                _first = null;
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
                _view.Dispose();
            }
        }
    }
}
