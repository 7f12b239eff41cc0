using System.Buffers.Binary;
using System.Globalization;
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
    private const int NumbersPerChunk = 1 << 14;

    /// <summary>Writes a model, or leaves the file of that name as it was.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="network">The network that the parameters belong to.</param>
    /// <param name="options">
    /// How it was trained: the rule decides about feedback and heads, the perturbation site about feedback's shape.
    /// </param>
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
                $"The model file '{path}' cannot be written ({exception.Message}); give a name in a folder that can be written.",
                exception);
        }
    }

    /// <summary>Reads the parameters of a network; feedback is empty where the file has none. Other precisions become single.</summary>
    /// <param name="path">A file that <see cref="Save"/> or safetensors wrote.</param>
    /// <param name="network">The network that the file must hold, tensor by tensor.</param>
    /// <exception cref="ModelFileException">
    /// The file cannot be read, is damaged, holds another network or a number that is not finite.
    /// </exception>
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
        string path,
        FileStream stream,
        SafetensorsHeader header,
        NetworkDescription network,
        IReadOnlyList<ModelTensor> tensors,
        IEnumerable<string> ignored)
    {
        header.Require(path, tensors, ignored, TensorType.All);
        header.RequireNoGaps(path, stream.Length - header.DataStart);

        var blocks = network.Blocks.Select(_ => new BlockParameters([], [], [])).ToArray();
        foreach (var tensor in tensors)
        {
            var entry = header.Entries[tensor.Name];
            stream.Position = header.DataStart + entry.Begin;
            var values = ReadNumbers(stream, tensor.Elements, TensorType.All.First(type => type.Name == entry.Type));
            RequireUsable(path, tensor, values);
            blocks[tensor.Block] = tensor.Put(blocks[tensor.Block], values);
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
            using var stream = RegularFile.OpenRead(path);
            return read(stream);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ModelFileException(
                $"The model file '{path}' cannot be read ({exception.Message}); give the name of a file that fdfa saved.", exception);
        }
    }

    /// <summary>
    /// The layout of a file, which need not name its rule: feedback shaped like the next block's weights throughout is layerwise.
    /// </summary>
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
        var chunk = new byte[Math.Min(values.Length, NumbersPerChunk) * sizeof(float)];
        for (var start = 0; start < values.Length; start += NumbersPerChunk)
        {
            var count = Math.Min(NumbersPerChunk, values.Length - start);
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(chunk.AsSpan(i * sizeof(float)), (float)values[start + i]);
            }

            stream.Write(chunk, 0, count * sizeof(float));
        }
    }

    private static double[] ReadNumbers(Stream stream, long count, TensorType type)
    {
        var values = new double[count];
        var chunk = new byte[Math.Min(values.Length, NumbersPerChunk) * type.Bytes];
        for (var start = 0; start < values.Length; start += NumbersPerChunk)
        {
            var size = Math.Min(NumbersPerChunk, values.Length - start);
            stream.ReadExactly(chunk, 0, size * type.Bytes);
            for (var i = 0; i < size; i++)
            {
                values[start + i] = type.Read(chunk.AsSpan(i * type.Bytes));
            }
        }

        return values;
    }

    /// <summary>Refuses numbers that a network cannot compute with, and rounds the others to single precision.</summary>
    /// <exception cref="ModelFileException">
    /// One is not finite in single precision, or a negative variance; the message names the first.
    /// </exception>
    private static void RequireUsable(string path, ModelTensor tensor, double[] values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var rounded = (float)values[i];
            if (!float.IsFinite(rounded))
            {
                throw ModelFileException.Unusable(path, tensor, i, InWords(values[i]));
            }

            if (rounded < 0 && tensor.Part == ModelPart.RunningVariance)
            {
                throw ModelFileException.Unusable(path, tensor, i, $"{InWords(values[i])}, which is no variance,");
            }

            values[i] = rounded;
        }
    }

    private static string InWords(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "infinity",
        double.NegativeInfinity => "-infinity",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };
}
