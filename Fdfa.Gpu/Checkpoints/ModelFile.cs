using System.Buffers.Binary;
using System.Text.Json;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>Parameters of a network in a safetensors file, readable from PyTorch as they are.</summary>
/// <remarks>
/// Layout: the header's length (8 bytes, little-endian), the header (JSON: per tensor its dtype, shape and
/// data_offsets; under __metadata__ words about the run), then the tensors' little-endian floats without a gap.
/// Block l of the paper is l − 1 here, since PyTorch counts from 0: layers.0.weight [n₁, n₀], layers.0.bias [n₁],
/// feedbacks.0.weight [n_L, n₁] (or [n₂, n₁] where feedback is layerwise), heads.0.weight [n_L, n₁] and heads.0.bias [n_L]
/// where blocks have losses of their own.
/// </remarks>
public static class ModelFile
{
    private const string Metadata = "__metadata__";
    private const string Topology = "topology";
    private const string Activation = "activation";
    private const int LengthBytes = sizeof(long);

    // A block takes about 250 characters: room for thousands of blocks, and too little to hurt a small machine.
    private const int LargestHeader = 4 << 20;
    private const int FloatsPerChunk = 1 << 14;

    /// <summary>Writes a model, or leaves the file of that name as it was.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="network">The network that the parameters belong to.</param>
    /// <param name="parameters">Rounded to single precision.</param>
    /// <param name="metadata">Further words, such as seed and rule; topology and activation come from the network.</param>
    /// <exception cref="ShapeMismatchException">The parameters are not those of the network.</exception>
    /// <exception cref="ModelFileException">The file cannot be written.</exception>
    public static void Save(
        string path, NetworkDescription network, NetworkParameters parameters, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(metadata);
        RequireBlocks(network, parameters);
        var blocks = parameters.Blocks;
        var tensors = Tensors(
            network,
            blocks.Any(block => block.Feedback.Length > 0),
            index => blocks[index].Feedback.Length / network.Blocks[index].Outputs,
            blocks.Any(block => block.Head is not null));
        var values = tensors.Select(tensor => ValuesOf(tensor, parameters)).ToList();
        var header = Header(network, tensors, metadata);
        if (header.Length > LargestHeader)
        {
            throw new ModelFileException(
                $"The model file '{path}' would need a header of {header.Length} bytes, above the limit of {LargestHeader}; pass less metadata.");
        }

        try
        {
            AtomicFile.Write(path, stream =>
            {
                Span<byte> length = stackalloc byte[LengthBytes];
                BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
                stream.Write(length);
                stream.Write(header);
                values.ForEach(array => WriteFloats(stream, array));
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(
                $"The model file '{path}' cannot be written ({exception.Message}); give a name in a folder that can be written.", exception);
        }
    }

    /// <summary>Reads the parameters of a network; feedback is empty where the file has none.</summary>
    /// <param name="path">A file that <see cref="Save"/> or safetensors wrote.</param>
    /// <param name="network">The network that the file must hold, tensor by tensor.</param>
    /// <exception cref="ModelFileException">The file cannot be read, is damaged, or holds another network.</exception>
    public static NetworkParameters Load(string path, NetworkDescription network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Read(path, stream =>
        {
            var contents = ReadHeader(path, stream);
            RequireSameNetwork(path, network, contents.Metadata);
            var names = contents.Entries.Keys;
            var tensors = Tensors(
                network,
                names.Any(name => name.StartsWith("feedbacks.", StringComparison.Ordinal)),
                index => contents.Entries.TryGetValue($"feedbacks.{index}.weight", out var entry) && entry.Shape.Length > 0 ? entry.Shape[0] : 0,
                names.Any(name => name.StartsWith("heads.", StringComparison.Ordinal)));
            RequireTensors(path, tensors, contents.Entries);
            RequireNoGaps(path, contents.Entries, stream.Length - contents.DataStart);

            var blocks = network.Blocks.Select(_ => new BlockParameters([], [], [])).ToArray();
            foreach (var tensor in tensors)
            {
                stream.Position = contents.DataStart + contents.Entries[tensor.Name].Begin;
                var array = ReadFloats(stream, tensor.Elements);
                var block = blocks[tensor.Block];
                blocks[tensor.Block] = tensor.Kind switch
                {
                    TensorKind.Weights => block with { Weights = array },
                    TensorKind.Biases => block with { Biases = array },
                    TensorKind.Feedback => block with { Feedback = array },
                    TensorKind.HeadWeights => block with { Head = new LocalHead(array, []) },
                    _ => block with { Head = block.Head! with { Biases = array } },
                };
            }

            return new NetworkParameters(blocks);
        });
    }

    /// <summary>Reads only the words about the run, such as the topology to describe the network by.</summary>
    /// <param name="path">A file that <see cref="Save"/> or safetensors wrote.</param>
    /// <exception cref="ModelFileException">The file cannot be read, or its header is damaged.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path) =>
        Read(path, stream => ReadHeader(path, stream).Metadata);

    private static T Read<T>(string path, Func<FileStream, T> read)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using var stream = File.OpenRead(path);
            return read(stream);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ModelFileException(
                $"The model file '{path}' cannot be read ({exception.Message}); give the name of a file that fdfa saved.", exception);
        }
    }

    private static void RequireBlocks(NetworkDescription network, NetworkParameters parameters)
    {
        if (parameters.Blocks.Count != network.Blocks.Count)
        {
            throw new ShapeMismatchException(
                $"The parameters have {parameters.Blocks.Count} block(s) where the network {network} has {network.Blocks.Count}; save parameters with their own network.");
        }

        if (parameters.Blocks[^1].Feedback.Length > 0)
        {
            throw new ShapeMismatchException(
                $"The output block has {parameters.Blocks[^1].Feedback.Length} feedback value(s) where it takes none; save parameters with their own network.");
        }
    }

    private static List<Tensor> Tensors(
        NetworkDescription network, bool withFeedback, Func<int, long> feedbackRows, bool withHeads)
    {
        var tensors = new List<Tensor>();
        for (var index = 0; index < network.Blocks.Count; index++)
        {
            var block = network.Blocks[index];
            tensors.Add(new Tensor($"layers.{index}.weight", index, TensorKind.Weights, [block.Outputs, block.Inputs]));
            tensors.Add(new Tensor($"layers.{index}.bias", index, TensorKind.Biases, [block.Outputs]));
        }

        if (withFeedback)
        {
            // Rows as many as the next block's neurons throughout are layerwise feedback; anything else should be direct.
            var hidden = Enumerable.Range(0, network.Blocks.Count - 1);
            var isLayerwise = hidden.All(index => feedbackRows(index) == network.Blocks[index + 1].Outputs);
            tensors.AddRange(hidden.Select(index => new Tensor(
                $"feedbacks.{index}.weight",
                index,
                TensorKind.Feedback,
                [isLayerwise ? network.Blocks[index + 1].Outputs : network.OutputSize, network.Blocks[index].Outputs])));
        }

        if (withHeads)
        {
            foreach (var index in Enumerable.Range(0, Math.Max(network.Blocks.Count - 2, 0)))
            {
                tensors.Add(new Tensor($"heads.{index}.weight", index, TensorKind.HeadWeights, [network.OutputSize, network.Blocks[index].Outputs]));
                tensors.Add(new Tensor($"heads.{index}.bias", index, TensorKind.HeadBiases, [network.OutputSize]));
            }
        }

        return tensors;
    }

    private static double[] ValuesOf(Tensor tensor, NetworkParameters parameters)
    {
        var block = parameters.Blocks[tensor.Block];
        var array = tensor.Kind switch
        {
            TensorKind.Weights => block.Weights,
            TensorKind.Biases => block.Biases,
            TensorKind.Feedback => block.Feedback,
            TensorKind.HeadWeights => block.Head?.Weights ?? [],
            _ => block.Head?.Biases ?? [],
        };
        return array.Length == tensor.Elements
            ? array
            : throw new ShapeMismatchException(
                $"The tensor '{tensor.Name}' has {array.Length} value(s) where {tensor.ShapeInWords} needs {tensor.Elements}; save parameters with their own network.");
    }

    private static byte[] Header(NetworkDescription network, List<Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject(Metadata);
            writer.WriteString(Topology, network.Topology);
            writer.WriteString(Activation, network.HiddenActivation.ToString());
            foreach (var (key, value) in metadata.Where(pair => pair.Key is not (Topology or Activation)).OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
            long offset = 0;
            foreach (var tensor in tensors)
            {
                writer.WriteStartObject(tensor.Name);
                writer.WriteString("dtype", "F32");
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
        while (json.Length % LengthBytes != 0)
        {
            json.WriteByte((byte)' ');
        }

        return json.ToArray();
    }

    private static Contents ReadHeader(string path, FileStream stream)
    {
        Span<byte> lengthBytes = stackalloc byte[LengthBytes];
        if (stream.ReadAtLeast(lengthBytes, LengthBytes, throwOnEndOfStream: false) < LengthBytes)
        {
            throw Damaged(path, $"it has {stream.Length} bytes, too few for a safetensors header");
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(lengthBytes);
        var most = Math.Min(stream.Length - LengthBytes, LargestHeader);
        if (length < 2 || length > most)
        {
            throw Damaged(path, $"its header claims {(ulong)length} bytes where 2 to {most} are possible");
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
            throw Damaged(path, "its header is not the JSON that safetensors prescribes", exception);
        }
    }

    private static Contents Parse(string path, JsonElement root, long dataStart)
    {
        var metadata = new Dictionary<string, string>();
        var entries = new Dictionary<string, Entry>();
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == Metadata)
            {
                foreach (var word in property.Value.EnumerateObject())
                {
                    metadata[word.Name] = word.Value.GetString() ?? throw Damaged(path, $"its metadata '{Shown(word.Name)}' is not text");
                }
            }
            else
            {
                entries[property.Name] = ParseEntry(path, property.Name, property.Value);
            }
        }

        return new Contents(dataStart, metadata, entries);
    }

    private static Entry ParseEntry(string path, string name, JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty("dtype", out var type) && type.ValueKind == JsonValueKind.String
            && element.TryGetProperty("shape", out var shape) && Integers(shape) is { } sides
            && element.TryGetProperty("data_offsets", out var offsets) && Integers(offsets) is [var begin, var end])
        {
            return new Entry(type.GetString()!, sides, begin, end);
        }

        throw Damaged(path, $"its tensor '{Shown(name)}' lacks a dtype, a shape or two data_offsets");
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

    private static void RequireSameNetwork(string path, NetworkDescription network, Dictionary<string, string> metadata)
    {
        // Files from elsewhere need not carry our words; the tensors' shapes decide then.
        if (metadata.TryGetValue(Topology, out var topology) && topology != network.Topology)
        {
            throw new ModelFileException(
                $"The model file '{path}' holds the network {Shown(topology)}, not {network.Topology}; load it with the topology it was saved with.");
        }

        if (metadata.TryGetValue(Activation, out var activation) && activation != network.HiddenActivation.ToString())
        {
            throw new ModelFileException(
                $"The model file '{path}' holds a network with activation {Shown(activation)}, not {network.HiddenActivation}; load it with the activation it was saved with.");
        }
    }

    private static void RequireTensors(string path, List<Tensor> expected, Dictionary<string, Entry> found)
    {
        foreach (var tensor in expected)
        {
            if (!found.TryGetValue(tensor.Name, out var entry))
            {
                throw Different(path, tensor.Name, $"is missing, where {tensor.ShapeInWords} was expected");
            }

            if (entry.Type != "F32")
            {
                throw Different(path, tensor.Name, $"has the type {Shown(entry.Type)}, where F32 was expected");
            }

            if (!entry.Shape.SequenceEqual(tensor.Shape.Select(side => (long)side)))
            {
                throw Different(path, tensor.Name, $"has the shape {Shown($"[{string.Join(", ", entry.Shape)}]")}, where {tensor.ShapeInWords} was expected");
            }

            // Compared without a difference, which hostile offsets could overflow.
            if (entry.Begin < 0 || entry.End < entry.Begin || entry.Begin > long.MaxValue - tensor.Bytes || entry.End != entry.Begin + tensor.Bytes)
            {
                throw Different(path, tensor.Name, $"lies at bytes {entry.Begin} to {entry.End}, where {tensor.Bytes} bytes were expected");
            }
        }

        if (found.Keys.Except(expected.Select(tensor => tensor.Name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } foreign)
        {
            throw Different(path, Shown(foreign), "is not part of the network");
        }
    }

    private static void RequireNoGaps(string path, Dictionary<string, Entry> entries, long dataBytes)
    {
        long position = 0;
        foreach (var (name, entry) in entries.OrderBy(pair => pair.Value.Begin).ThenBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (entry.Begin != position || entry.End > dataBytes)
            {
                throw Different(path, name, entry.Begin != position
                    ? $"begins at byte {entry.Begin} of the data, where {position} was expected"
                    : $"ends at byte {entry.End} of the data, which has {dataBytes}");
            }

            position = entry.End;
        }

        if (position != dataBytes)
        {
            throw Damaged(path, $"its tensors take {position} bytes where {dataBytes} follow the header");
        }
    }

    private static void WriteFloats(Stream stream, double[] values)
    {
        var chunk = new byte[Math.Min(values.Length, FloatsPerChunk) * sizeof(float)];
        for (var start = 0; start < values.Length; start += FloatsPerChunk)
        {
            var count = Math.Min(FloatsPerChunk, values.Length - start);
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(chunk.AsSpan(i * sizeof(float)), (float)values[start + i]);
            }

            stream.Write(chunk, 0, count * sizeof(float));
        }
    }

    private static double[] ReadFloats(Stream stream, long count)
    {
        var values = new double[count];
        var chunk = new byte[Math.Min(values.Length, FloatsPerChunk) * sizeof(float)];
        for (var start = 0; start < values.Length; start += FloatsPerChunk)
        {
            var size = Math.Min(FloatsPerChunk, values.Length - start);
            stream.ReadExactly(chunk, 0, size * sizeof(float));
            for (var i = 0; i < size; i++)
            {
                values[start + i] = BinaryPrimitives.ReadSingleLittleEndian(chunk.AsSpan(i * sizeof(float)));
            }
        }

        return values;
    }

    private static ModelFileException Damaged(string path, string finding, Exception? cause = null) =>
        new($"The model file '{path}' is not usable: {finding}; save the model again or give another file.", cause);

    private static ModelFileException Different(string path, string tensor, string finding) =>
        new($"The model file '{path}' does not fit the network: its tensor '{tensor}' {finding}; load it with the network it was saved with.");

    /// <summary>A stranger's text, cut so that one sentence stays one sentence.</summary>
    private static string Shown(string text)
    {
        var oneLine = string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));
        return oneLine.Length <= 60 ? oneLine : $"{oneLine[..60]}…";
    }

    private enum TensorKind
    {
        Weights,
        Biases,
        Feedback,
        HeadWeights,
        HeadBiases,
    }

    private sealed record Tensor(string Name, int Block, TensorKind Kind, int[] Shape)
    {
        public long Elements { get; } = Shape.Aggregate(1L, (product, side) => product * side);

        public long Bytes => Elements * sizeof(float);

        public string ShapeInWords => $"[{string.Join(", ", Shape)}]";
    }

    private sealed record Entry(string Type, long[] Shape, long Begin, long End);

    private sealed record Contents(long DataStart, Dictionary<string, string> Metadata, Dictionary<string, Entry> Entries);
}
