using System.Buffers.Binary;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>Parameters of a network in a safetensors file, readable from PyTorch as they are.</summary>
/// <remarks>
/// Layout: a header (<see cref="SafetensorsHeader"/>) with words about network (<see cref="ModelWords"/>) and run, then the tensors'
/// little-endian floats without a gap. Block l of the paper is l − 1 here, since PyTorch counts from 0:
/// <code>
/// layers.0.weight      [n₁, n₀], a convolution's [filters, channels, kernel, kernel]
/// layers.0.bias        [n₁] or [filters]; none in a block with batch normalization
/// norms.0.weight       γ, [n₁] or [filters], of batch normalization; likewise
/// norms.0.bias         β, norms.0.running_mean and norms.0.running_var
/// feedbacks.0.weight   direct [n_L, n₁] or, of a convolution, [n_L, channels, height, width] at the perturbation site;
///                      layerwise the shape of layers.1.weight
/// heads.0.weight       [n_L, n₁], and heads.0.bias [n_L], where blocks have losses of their own
/// </code>
/// </remarks>
public static class ModelFile
{
    private const int FloatsPerChunk = 1 << 14;

    /// <summary>Writes a model, or leaves the file of that name as it was.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="network">The network that the parameters belong to.</param>
    /// <param name="options">How it was trained: the rule decides about feedback and heads, the perturbation site about feedback's shape.</param>
    /// <param name="parameters">Rounded to single precision.</param>
    /// <param name="metadata">Further words, such as seed and rule; those about the network come from the network.</param>
    /// <exception cref="ShapeMismatchException">The parameters are not those of the network.</exception>
    /// <exception cref="ModelFileException">The file cannot be written.</exception>
    public static void Save(
        string path,
        NetworkDescription network,
        TrainingOptions options,
        NetworkParameters parameters,
        IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(metadata);
        var site = options.EffectiveSite;
        parameters.RequireFit(network, options.Rule, site);
        var tensors = ModelTensor.Of(network, options);
        var words = ModelWords.Of(network, site).ToList();
        var further = metadata.Where(pair => !ModelWords.All.Contains(pair.Key)).OrderBy(pair => pair.Key, StringComparer.Ordinal);
        Write(path, tensors, words.Concat(further), parameters);
    }

    /// <summary>Writes tensors of a network, or leaves the file of that name as it was.</summary>
    /// <exception cref="ModelFileException">The file cannot be written.</exception>
    internal static void Write(
        string path, IReadOnlyList<ModelTensor> tensors, IEnumerable<KeyValuePair<string, string>> words, NetworkParameters parameters)
    {
        var header = SafetensorsHeader.Write(path, tensors, words);
        WriteAtomically(path, stream =>
        {
            stream.Write(header);
            foreach (var tensor in tensors)
            {
                WriteFloats(stream, tensor.ValuesOf(parameters.Blocks[tensor.Block]));
            }
        });
    }

    /// <summary>Writes a file, or leaves the file of that name as it was, and says why.</summary>
    /// <exception cref="ModelFileException">The file cannot be written.</exception>
    internal static void WriteAtomically(string path, Action<Stream> write)
    {
        try
        {
            AtomicFile.Write(path, write);
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
            var header = SafetensorsHeader.Read(path, stream);
            ModelWords.Require(path, network, header.Metadata);
            var site = ModelWords.Site(path, header.Metadata);
            var withHeads = header.Entries.Keys.Any(name => name.StartsWith(ModelTensor.HeadPrefix, StringComparison.Ordinal));
            var tensors = ModelTensor.Of(network, LayoutOf(network, header.Entries), site, withHeads);
            return ReadTensors(path, stream, header, network, tensors, ModelTensor.IgnoredNames(network));
        });
    }

    /// <summary>Reads the tensors of a network from an open file.</summary>
    /// <param name="path">The file's name, for the refusal.</param>
    /// <param name="stream">The file.</param>
    /// <param name="header">Its beginning.</param>
    /// <param name="network">The network.</param>
    /// <param name="tensors">What the file must have.</param>
    /// <param name="ignored">What it may have besides.</param>
    /// <exception cref="ModelFileException">It has others; the message names the first.</exception>
    internal static NetworkParameters ReadTensors(
        string path, FileStream stream, SafetensorsHeader header, NetworkDescription network, IReadOnlyList<ModelTensor> tensors, IEnumerable<string> ignored)
    {
        header.Require(path, tensors, ignored);
        header.RequireNoGaps(path, stream.Length - header.DataStart);

        var blocks = network.Blocks.Select(_ => new BlockParameters([], [], [])).ToArray();
        foreach (var tensor in tensors)
        {
            stream.Position = header.DataStart + header.Entries[tensor.Name].Begin;
            blocks[tensor.Block] = tensor.Put(blocks[tensor.Block], ReadFloats(stream, tensor.Elements));
        }

        return new NetworkParameters(blocks);
    }

    /// <summary>Reads only what network the file holds.</summary>
    /// <param name="path">A file that <see cref="Save"/> wrote.</param>
    /// <exception cref="ModelFileException">The file cannot be read, or its header is damaged or does not describe a network.</exception>
    public static NetworkDescription ReadNetwork(string path) => ModelWords.Network(path, ReadMetadata(path));

    /// <summary>Reads only the words about network and run.</summary>
    /// <param name="path">A file that <see cref="Save"/> or safetensors wrote.</param>
    /// <exception cref="ModelFileException">The file cannot be read, or its header is damaged.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path) =>
        Read(path, stream => SafetensorsHeader.Read(path, stream).Metadata);

    /// <summary>Reads a file, and says what is wrong where it cannot be read.</summary>
    /// <exception cref="ModelFileException">It cannot be read.</exception>
    internal static T Read<T>(string path, Func<FileStream, T> read)
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

    /// <summary>The layout of a file, which need not name its rule: feedback shaped like the next block's weights throughout is layerwise.</summary>
    private static FeedbackLayout LayoutOf(NetworkDescription network, IReadOnlyDictionary<string, SafetensorsEntry> entries)
    {
        if (!entries.Keys.Any(name => name.StartsWith(ModelTensor.FeedbackPrefix, StringComparison.Ordinal)))
        {
            return FeedbackLayout.None;
        }

        return ModelTensor.Of(network, FeedbackLayout.Layerwise, PerturbationSite.BlockOutput, withHeads: false)
            .Where(tensor => tensor.Name.StartsWith(ModelTensor.FeedbackPrefix, StringComparison.Ordinal))
            .All(tensor => entries.TryGetValue(tensor.Name, out var entry) && tensor.HasShape(entry.Shape))
            ? FeedbackLayout.Layerwise
            : FeedbackLayout.Direct;
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
}
