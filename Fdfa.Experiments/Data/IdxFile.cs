using System.Buffers.Binary;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Data;

/// <summary>Grey images of one size, as an IDX file holds them.</summary>
/// <param name="Pixels">[count × rows × columns].</param>
/// <param name="Count">Images.</param>
/// <param name="Rows">Pixels in a column.</param>
/// <param name="Columns">Pixels in a row.</param>
internal sealed record IdxImages(byte[] Pixels, int Count, int Rows, int Columns);

/// <summary>The format of MNIST and its relatives, plain or in gzip.</summary>
/// <remarks>
/// Big-endian 32-bit words, then bytes: images are 0x803, count, rows, columns, pixels; labels are 0x801, count, labels.
/// </remarks>
internal static class IdxFile
{
    private const int ImageMagic = 0x803;
    private const int LabelMagic = 0x801;
    private const int LargestSide = 4096;

    /// <summary>Reads a whole file of images.</summary>
    /// <param name="path">Plain or gzip; the contents decide, not the name.</param>
    /// <exception cref="DataFormatException">The file is missing, damaged or not a file of images.</exception>
    public static IdxImages ReadImages(string path) => ReadFile(path, ReadImages);

    /// <summary>Reads a whole file of labels.</summary>
    /// <param name="path">Plain or gzip; the contents decide, not the name.</param>
    /// <param name="classCount">Every label is below it.</param>
    /// <exception cref="DataFormatException">The file is missing, damaged or not a file of such labels.</exception>
    public static byte[] ReadLabels(string path, int classCount) =>
        ReadFile(path, (stream, name) => ReadLabels(stream, name, classCount));

    /// <summary>Reads a file of images and the file of their labels.</summary>
    /// <param name="name">The data set's name.</param>
    /// <param name="imagePath">Plain or gzip.</param>
    /// <param name="labelPath">Plain or gzip.</param>
    /// <param name="classNames">One per label value.</param>
    /// <exception cref="DataFormatException">A file is missing or damaged, or the two do not belong together.</exception>
    public static ImageDataSet ReadDataSet(string name, string imagePath, string labelPath, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        var labels = ReadLabels(labelPath, classNames.Count);
        return Combine(name, ReadImages(imagePath), imagePath, labels, labelPath, classNames);
    }

    /// <summary>Reads images from where a stream stands, and leaves what follows them unread.</summary>
    /// <param name="stream">Plain bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFormatException">The bytes are not a file of images.</exception>
    public static IdxImages ReadImages(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        RequireMagic(stream, name, ImageMagic, "images");
        var count = ReadCount(stream, name, "images");
        var rows = ReadSide(stream, name, "rows");
        var columns = ReadSide(stream, name, "columns");
        return new IdxImages(ReadPayload(stream, name, (long)count * rows * columns), count, rows, columns);
    }

    /// <summary>Reads labels from where a stream stands, and leaves what follows them unread.</summary>
    /// <param name="stream">Plain bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="classCount">Every label is below it.</param>
    /// <exception cref="DataFormatException">The bytes are not a file of such labels.</exception>
    public static byte[] ReadLabels(Stream stream, string name, int classCount)
    {
        ArgumentNullException.ThrowIfNull(stream);
        RequireMagic(stream, name, LabelMagic, "labels");
        var labels = ReadPayload(stream, name, ReadCount(stream, name, "labels"));
        var bad = classCount > byte.MaxValue ? -1 : labels.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(classCount - 1));
        return bad < 0
            ? labels
            : throw Malformed(name, $"a label below {classCount}", $"label {labels[bad]} at index {bad}");
    }

    /// <summary>Puts images and labels together.</summary>
    /// <param name="name">The data set's name.</param>
    /// <param name="images">The images.</param>
    /// <param name="imagePath">Where they came from.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="labelPath">Where they came from.</param>
    /// <param name="classNames">One per label value.</param>
    /// <exception cref="DataFormatException">There are not as many images as labels.</exception>
    public static ImageDataSet Combine(
        string name, IdxImages images, string imagePath, byte[] labels, string labelPath, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        return images.Count == labels.Length
            ? new ImageDataSet(name, images.Pixels, labels, images.Columns, images.Rows, channels: 1, classNames)
            : throw new DataFormatException(
                $"The file '{labelPath}' has {labels.Length} label(s) where the {images.Count} image(s) of '{imagePath}' need as many; "
                + "put two files of one data set side by side.");
    }

    /// <summary>Writes images.</summary>
    /// <param name="stream">Takes plain bytes.</param>
    /// <param name="images">What to write.</param>
    public static void WriteImages(Stream stream, IdxImages images)
    {
        ArgumentNullException.ThrowIfNull(images);
        WriteWords(stream, ImageMagic, images.Count, images.Rows, images.Columns);
        stream.Write(images.Pixels);
    }

    /// <summary>Writes labels.</summary>
    /// <param name="stream">Takes plain bytes.</param>
    /// <param name="labels">What to write.</param>
    public static void WriteLabels(Stream stream, ReadOnlySpan<byte> labels)
    {
        WriteWords(stream, LabelMagic, labels.Length);
        stream.Write(labels);
    }

    /// <summary>Refuses anything after what was read.</summary>
    /// <param name="stream">Plain bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFormatException">There is at least one more byte.</exception>
    public static void RequireEnd(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.ReadByte() >= 0)
        {
            throw Malformed(name, "its end after the samples that its header counts", "further bytes");
        }
    }

    private static T ReadFile<T>(string path, Func<Stream, string, T> read)
    {
        try
        {
            using var file = RegularFile.OpenRead(path);
            var kind = FileSignature.Of(file);
            file.Position = 0;
            if (kind != FileSignature.Gzip)
            {
                if (kind is not null)
                {
                    throw Malformed(path, "an IDX file", kind);
                }

                var plainContents = read(file, path);
                RequireEnd(file, path);
                return plainContents;
            }

            return GzipFile.Read(file, path, unpacked =>
            {
                var contents = read(unpacked, path);
                RequireEnd(unpacked, path);
                return contents;
            });
        }
        catch (InvalidDataException exception)
        {
            throw new DataFormatException(
                $"The file '{path}' should be a whole gzip file, but unpacking it failed; delete it and get it again.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new DataFormatException(
                $"The file '{path}' should be a readable IDX file, but reading failed ({exception.Message}); "
                + "check its name and permissions.", exception);
        }
    }

    private static void RequireMagic(Stream stream, string name, int magic, string kind)
    {
        var found = ReadWord(stream, name);
        if (found != magic)
        {
            throw Malformed(name, $"an IDX file of {kind} (magic number 0x{magic:X8})", $"0x{found:X8}");
        }
    }

    private static int ReadCount(Stream stream, string name, string kind)
    {
        var count = ReadWord(stream, name);
        return count > 0 ? count : throw Malformed(name, $"at least one of its {kind}", $"a count of {count}");
    }

    private static int ReadSide(Stream stream, string name, string side)
    {
        var length = ReadWord(stream, name);
        return length is > 0 and <= LargestSide ? length : throw Malformed(name, $"images of 1 to {LargestSide} {side}", $"{length}");
    }

    private static int ReadWord(Stream stream, string name)
    {
        Span<byte> word = stackalloc byte[sizeof(int)];
        return stream.ReadAtLeast(word, word.Length, throwOnEndOfStream: false) == word.Length
            ? BinaryPrimitives.ReadInt32BigEndian(word)
            : throw Malformed(name, "an IDX header", "the end of the file");
    }

    private static byte[] ReadPayload(Stream stream, string name, long size)
    {
        if (size > Array.MaxLength)
        {
            throw Malformed(name, $"at most {Array.MaxLength} bytes of samples", $"a header that claims {size}");
        }

        byte[] payload = ClaimedBytes.Read(stream, size);
        return payload.Length == size
            ? payload
            : throw Malformed(name, $"{size} bytes of samples, as its header says", $"{payload.Length}");
    }

    private static void WriteWords(Stream stream, params ReadOnlySpan<int> words)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        foreach (var word in words)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes, word);
            stream.Write(bytes);
        }
    }

    private static DataFormatException Malformed(string name, string expected, string found) =>
        new($"The file '{name}' should hold {expected}, but holds {found}; "
            + "delete it and get it again, or unpack it with gunzip to see where it breaks.");
}
