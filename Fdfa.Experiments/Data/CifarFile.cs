namespace Fdfa.Experiments.Data;

/// <summary>Samples and their labels as they come out of a file.</summary>
/// <param name="Pixels">[count × 3072], planes red, green, blue, each row by row: PyTorch's order.</param>
/// <param name="Labels">[count].</param>
internal sealed record CifarRecords(byte[] Pixels, byte[] Labels);

/// <summary>The binary format of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3072 pixels, and nothing else.</summary>
internal static class CifarFile
{
    /// <summary>Pixels of an image's side.</summary>
    public const int Side = 32;

    /// <summary>Red, green and blue.</summary>
    public const int Channels = 3;

    /// <summary>Bytes of an image.</summary>
    public const int PixelBytes = Channels * Side * Side;

    // What a file says of its length is a claim, as long as it stands in an archive: memory grows with the bytes that arrive.
    private const int FirstRecords = 64;

    /// <summary>How many records a file of some length holds.</summary>
    /// <param name="stream">Its bytes, which are looked at only to name what else it is.</param>
    /// <param name="length">How many it says it has.</param>
    /// <param name="name">What messages call the file, with its quotes.</param>
    /// <param name="labelBytes">Of each record.</param>
    /// <param name="mostRecords">Of the original.</param>
    /// <exception cref="DataFormatException">No whole number of records from 1 to the original's.</exception>
    public static int Count(Stream stream, long length, string name, int labelBytes, int mostRecords)
    {
        var recordBytes = labelBytes + PixelBytes;
        if (length % recordBytes == 0 && length / recordBytes is >= 1 and var count && count <= mostRecords)
        {
            return (int)count;
        }

        var found = FileSignature.Of(stream)
            ?? $"{length} bytes{(length < (long)mostRecords * recordBytes ? ", the last record cut short" : "")}";
        throw new DataFormatException(
            $"The file {name} should hold 1 to {mostRecords} records of {recordBytes} bytes, but holds {found}; "
            + "delete it and get it again.");
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="stream">Its bytes.</param>
    /// <param name="length">How many it says it has.</param>
    /// <param name="name">What messages call it, with its quotes.</param>
    /// <param name="labelClasses">Classes of each label byte in a record; the last one is the label that is kept.</param>
    /// <param name="mostRecords">Of the original.</param>
    /// <exception cref="DataFormatException">The bytes are not such a file.</exception>
    public static CifarRecords Read(Stream stream, long length, string name, IReadOnlyList<int> labelClasses, int mostRecords)
    {
        var count = Count(stream, length, name, labelClasses.Count, mostRecords);
        var pixels = new byte[Math.Min(count, FirstRecords) * PixelBytes];
        var labels = new byte[count];
        Span<byte> head = stackalloc byte[labelClasses.Count];
        for (var record = 0; record < count; record++)
        {
            if ((record + 1) * PixelBytes > pixels.Length)
            {
                Array.Resize(ref pixels, Math.Min(count, 2 * record) * PixelBytes);
            }

            if (!Fill(stream, head) || !Fill(stream, pixels.AsSpan(record * PixelBytes, PixelBytes)))
            {
                throw new DataFormatException(
                    $"The file {name} should hold {count} records, but ends within record {record}; delete it and get it again.");
            }

            labels[record] = Label(head, labelClasses, record, name);
        }

        return new CifarRecords(pixels, labels);
    }

    private static byte Label(ReadOnlySpan<byte> head, IReadOnlyList<int> labelClasses, int record, string name)
    {
        for (var index = 0; index < head.Length; index++)
        {
            if (head[index] >= labelClasses[index])
            {
                throw new DataFormatException(
                    $"The file {name} should hold labels below {labelClasses[index]}, but record {record} has label {head[index]}; "
                    + "delete it and get it again.");
            }
        }

        return head[^1];
    }

    private static bool Fill(Stream stream, Span<byte> target) =>
        stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) == target.Length;
}
