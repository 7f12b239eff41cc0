using System.Buffers.Binary;
using System.Text.Json;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>A tensor as a file describes it: not to be trusted.</summary>
/// <param name="Type">Such as "F32".</param>
/// <param name="Shape">Its sides.</param>
/// <param name="Begin">Its first byte behind the header.</param>
/// <param name="End">The byte after its last.</param>
internal sealed record SafetensorsEntry(string Type, long[] Shape, long Begin, long End);

/// <summary>The beginning of a safetensors file: which tensors lie where behind it, and words about them.</summary>
/// <param name="DataStart">Where the tensors' bytes begin in the file.</param>
/// <param name="Metadata">The words.</param>
/// <param name="Entries">The tensors by name.</param>
/// <remarks>
/// The header's length (8 bytes, little-endian), then JSON: per tensor its dtype, shape and data_offsets; under __metadata__ the words.
/// </remarks>
internal sealed record SafetensorsHeader(
    long DataStart, IReadOnlyDictionary<string, string> Metadata, IReadOnlyDictionary<string, SafetensorsEntry> Entries)
{
    private const string MetadataName = "__metadata__";
    private const int LengthBytes = sizeof(long);

    // A block takes about 500 characters: room for thousands of blocks, and too little to hurt a small machine.
    private const int Largest = 4 << 20;

    /// <summary>The bytes before the tensors, which follow in their order without a gap.</summary>
    /// <param name="path">The file's name, for the refusal.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="metadata">The words, in their order.</param>
    /// <exception cref="ModelFileException">There are too many words.</exception>
    public static byte[] Write(string path, IEnumerable<FileTensor> tensors, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        using var bytes = new MemoryStream();
        bytes.Write(stackalloc byte[LengthBytes]);
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(MetadataName);
            foreach (var (key, value) in metadata)
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
            long offset = 0;
            foreach (var tensor in tensors)
            {
                writer.WriteStartObject(tensor.Name);
                writer.WriteString("dtype", TensorType.Single.Name);
                writer.WriteStartArray("shape");
                Array.ForEach(tensor.Shape, side => writer.WriteNumberValue(side));
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(offset);
                writer.WriteNumberValue(offset += tensor.Bytes);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        // Spaces up to a multiple of 8 keep the floats aligned for readers that map the file.
        while (bytes.Length % LengthBytes != 0)
        {
            bytes.WriteByte((byte)' ');
        }

        var length = bytes.Length - LengthBytes;
        if (length > Largest)
        {
            throw new ModelFileException(
                $"The model file '{path}' would need a header of {length} bytes, above the limit of {Largest}; pass less metadata.");
        }

        var header = bytes.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, length);
        return header;
    }

    /// <summary>Reads the header of a file.</summary>
    /// <param name="path">The file's name, for the refusal.</param>
    /// <param name="stream">The file, at its beginning.</param>
    /// <exception cref="ModelFileException">It is damaged.</exception>
    public static SafetensorsHeader Read(string path, FileStream stream)
    {
        Span<byte> lengthBytes = stackalloc byte[LengthBytes];
        if (stream.ReadAtLeast(lengthBytes, LengthBytes, throwOnEndOfStream: false) < LengthBytes)
        {
            throw ModelFileException.Damaged(path, $"it has {stream.Length} bytes, too few for a safetensors header");
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(lengthBytes);
        var most = Math.Min(stream.Length - LengthBytes, Largest);
        if (length < 2 || length > most)
        {
            if (OtherFormat.Of(stream) is { } other)
            {
                throw ModelFileException.OfOtherFormat(path, other);
            }

            throw ModelFileException.Damaged(path, $"its header claims {(ulong)length} bytes where 2 to {most} are possible");
        }

        var header = new byte[length];
        stream.ReadExactly(header);
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Parse(path, json.RootElement, LengthBytes + length);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // System.Text.Json reports ill-formed text, wherever it meets it first, as one or the other.
            throw ModelFileException.Damaged(path, "its header is not the JSON that safetensors prescribes", exception);
        }
    }

    /// <summary>Refuses a file whose tensors are not those that are expected.</summary>
    /// <param name="path">The file's name, for the refusal.</param>
    /// <param name="expected">What it must have.</param>
    /// <param name="ignored">What it may have besides.</param>
    /// <param name="types">Types that its numbers may have.</param>
    /// <exception cref="ModelFileException">
    /// One is missing, has another type or shape, or is none of them; the message names the first.
    /// </exception>
    public void Require(
        string path, IReadOnlyList<FileTensor> expected, IEnumerable<string> ignored, params IReadOnlyList<TensorType> types)
    {
        foreach (var tensor in expected)
        {
            if (!Entries.TryGetValue(tensor.Name, out var entry))
            {
                throw ModelFileException.Different(path, tensor.Name, $"is missing, where {tensor.ShapeInWords} was expected");
            }

            if (types.FirstOrDefault(type => type.Name == entry.Type) is not { } type)
            {
                string known = string.Join(" or ", types.Select(each => each.Name));
                throw ModelFileException.Different(
                    path, tensor.Name, $"has the type {QuotedText.WithoutQuotes(entry.Type)}, where {known} was expected");
            }

            if (!tensor.HasShape(entry.Shape))
            {
                throw ModelFileException.Different(
                    path, tensor.Name,
                    $"has the shape {QuotedText.WithoutQuotes($"[{string.Join(", ", entry.Shape)}]")}, "
                    + $"where {tensor.ShapeInWords} was expected");
            }

            // Compared without a difference, which hostile offsets could overflow.
            var bytes = tensor.Elements * type.Bytes;
            if (entry.Begin < 0 || entry.End < entry.Begin || entry.Begin > long.MaxValue - bytes || entry.End != entry.Begin + bytes)
            {
                throw ModelFileException.Different(
                    path, tensor.Name, $"lies at bytes {entry.Begin} to {entry.End}, where {bytes} bytes were expected");
            }
        }

        if (Entries.Keys.Except(expected.Select(tensor => tensor.Name)).Except(ignored).Order(StringComparer.Ordinal)
            .FirstOrDefault() is { } foreign)
        {
            throw ModelFileException.Different(path, foreign, "is not part of the network");
        }
    }

    /// <summary>Refuses a file whose tensors do not fill what follows the header, each byte once.</summary>
    /// <param name="path">The file's name, for the refusal.</param>
    /// <param name="dataBytes">Bytes behind the header.</param>
    /// <exception cref="ModelFileException">There are gaps, overlaps or missing bytes.</exception>
    public void RequireNoGaps(string path, long dataBytes)
    {
        long position = 0;
        foreach (var (name, entry) in Entries.OrderBy(pair => pair.Value.Begin).ThenBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (entry.Begin != position || entry.End > dataBytes)
            {
                throw ModelFileException.Different(path, name, entry.Begin != position
                    ? $"begins at byte {entry.Begin} of the data, where {position} was expected"
                    : $"ends at byte {entry.End} of the data, which has {dataBytes}");
            }

            position = entry.End;
        }

        if (position != dataBytes)
        {
            throw ModelFileException.Damaged(path, $"its tensors take {position} bytes where {dataBytes} follow the header");
        }
    }

    private static SafetensorsHeader Parse(string path, JsonElement root, long dataStart)
    {
        var metadata = new Dictionary<string, string>();
        var entries = new Dictionary<string, SafetensorsEntry>();
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == MetadataName)
            {
                foreach (var word in property.Value.EnumerateObject())
                {
                    metadata[word.Name] = word.Value.GetString()
                        ?? throw ModelFileException.Damaged(path, $"its metadata {QuotedText.Of(word.Name)} is not text");
                }
            }
            else
            {
                entries[property.Name] = ParseEntry(path, property.Name, property.Value);
            }
        }

        return new SafetensorsHeader(dataStart, metadata, entries);
    }

    private static SafetensorsEntry ParseEntry(string path, string name, JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty("dtype", out var type) && type.ValueKind == JsonValueKind.String
            && element.TryGetProperty("shape", out var shape) && Integers(shape) is { } sides
            && element.TryGetProperty("data_offsets", out var offsets) && Integers(offsets) is [var begin, var end])
        {
            return new SafetensorsEntry(type.GetString()!, sides, begin, end);
        }

        throw ModelFileException.Damaged(path, $"its tensor {QuotedText.Of(name)} lacks a dtype, a shape or two data_offsets");
    }

    private static long[]? Integers(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var integers = new long[element.GetArrayLength()];
        var index = 0;
        foreach (var item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out integers[index++]))
            {
                return null;
            }
        }

        return integers;
    }
}
