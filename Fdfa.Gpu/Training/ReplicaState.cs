using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Networks;
using ILGPU;

namespace Fdfa.Gpu.Training;

/// <summary>Everything that the training of one replica depends on between two steps, as a file.</summary>
/// <remarks>
/// A safetensors file with all tensors of a <see cref="ModelFile"/>, under their names there, and behind them
/// <code>
/// optimizer.exp_avg.layers.0.weight      m of layers.0.weight, as PyTorch calls Adam's;
///                                        likewise of every tensor whose optimizer remembers it
/// optimizer.exp_avg_sq.layers.0.weight   Adam's and AdamW's v
/// epoch.metrics                          [steps, 2], of the epoch under way: per step, mean loss and number correct
/// </code>
/// Its words say besides what those of a model say: rule, seed, step (steps done) and steps_per_epoch. Nothing else is state: perturbations
/// and crops come from seed and step, the order of the samples from seed and epoch, rates and Adam's corrections from the step; and the
/// update that a step leaves pending is applied before it is saved.
/// </remarks>
/// <param name="network">Where it lies.</param>
/// <param name="metrics">The metrics of the epoch under way.</param>
/// <param name="description">The network.</param>
/// <param name="options">How it is trained.</param>
/// <param name="stepsPerEpoch">Steps in an epoch.</param>
internal sealed class ReplicaState(
    DeviceNetwork network, MetricsBuffer metrics, NetworkDescription description, TrainingOptions options, int stepsPerEpoch)
{
    private const string StepWord = "step";
    private const string StepsPerEpochWord = "steps_per_epoch";
    private const string SeedWord = "seed";
    private const string RuleWord = "rule";

    private readonly IReadOnlyList<ModelTensor> _model = ModelTensor.Of(description, options);

    /// <summary>Writes a replica's state; pending updates must have been flushed.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="replica">Which.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="step">Steps done.</param>
    public void Save(Stream target, int replica, ulong seed, long step)
    {
        var arrays = ArraysAt(step);
        KeyValuePair<string, string>[] words =
        [
            .. ModelWords.Of(description, options.EffectiveSite),
            new(RuleWord, options.Rule.Name),
            new(SeedWord, seed.ToString(CultureInfo.InvariantCulture)),
            new(StepWord, step.ToString(CultureInfo.InvariantCulture)),
            new(StepsPerEpochWord, stepsPerEpoch.ToString(CultureInfo.InvariantCulture)),
        ];
        target.Write(SafetensorsHeader.Write($"state of seed {seed}", arrays.Select(array => array.Tensor), words));
        foreach (var array in arrays)
        {
            array.Place.Save(array.Values, replica, target);
        }
    }

    /// <summary>Bytes of a replica's tensors in the file.</summary>
    /// <param name="step">Steps done.</param>
    public long BytesAt(long step) => ArraysAt(step).Sum(array => array.Tensor.Bytes);

    /// <summary>Checks that a file holds the state of a replica, without changing anything.</summary>
    /// <param name="path">The file.</param>
    /// <param name="seed">The replica's seed.</param>
    /// <returns>Steps done.</returns>
    /// <exception cref="ModelFileException">It cannot be read, is damaged, or is the state of another training.</exception>
    public long Check(string path, ulong seed) => ModelFile.Read(path, stream => Check(path, stream, seed).Step);

    /// <summary>Overwrites a replica's state with that of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="replica">Which.</param>
    /// <param name="seed">Its seed.</param>
    /// <exception cref="ModelFileException">It cannot be read, is damaged, or is the state of another training.</exception>
    public void Load(string path, int replica, ulong seed) => ModelFile.Read(path, stream =>
    {
        var (header, step) = Check(path, stream, seed);
        foreach (var array in ArraysAt(step))
        {
            stream.Position = header.DataStart + header.Entries[array.Tensor.Name].Begin;
            array.Place.Load(array.Values, replica, stream);
        }

        return step;
    });

    private (SafetensorsHeader Header, long Step) Check(string path, FileStream stream, ulong seed)
    {
        var header = SafetensorsHeader.Read(path, stream);
        ModelWords.Require(path, description, header.Metadata);
        Require(path, header, RuleWord, options.Rule.Name);
        Require(path, header, SeedWord, seed.ToString(CultureInfo.InvariantCulture));
        Require(path, header, StepsPerEpochWord, stepsPerEpoch.ToString(CultureInfo.InvariantCulture));
        var word = header.Metadata.GetValueOrDefault(StepWord, string.Empty);
        if (!long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var step))
        {
            throw ModelFileException.Damaged(path, $"its metadata has the {StepWord} {QuotedText.Of(word)}, which is none");
        }

        header.Require(path, [.. ArraysAt(step).Select(array => array.Tensor)], [], TensorType.Single);
        header.RequireNoGaps(path, stream.Length - header.DataStart);
        return (header, step);
    }

    private static void Require(string path, SafetensorsHeader header, string word, string expected)
    {
        var found = header.Metadata.GetValueOrDefault(word, "nothing");
        if (found != expected)
        {
            throw new ModelFileException(
                $"The file '{path}' is not a state of this training: its {word} is {QuotedText.WithoutQuotes(found)}, not {expected}; "
                + "give one that was saved with the same rule, seed, data and batch size.");
        }
    }

    private List<StateArray> ArraysAt(long step)
    {
        var arrays = _model.Select(tensor => (Tensor: tensor, Place: network.Locate(tensor))).ToList();
        var entries = metrics.Entries((int)(step % stepsPerEpoch));
        return
        [
            .. arrays.Select(array => new StateArray(array.Tensor, array.Place, array.Place.Arrays.Values)),
            .. Moments("exp_avg", parameters => parameters.FirstMoments),
            .. Moments("exp_avg_sq", parameters => parameters.SecondMoments),
            new(new FileTensor("epoch.metrics", [entries.Rows, entries.Columns]), entries, entries.Arrays.Values),
        ];

        IEnumerable<StateArray> Moments(string name, Func<OptimizedParameters, ArrayView<float>> of) =>
            from array in arrays
            let moments = of(array.Place.Arrays)
            where moments.Length > 0
            select new StateArray(new FileTensor($"optimizer.{name}.{array.Tensor.Name}", array.Tensor.Shape), array.Place, moments);
    }

    /// <summary>An array in the file and in device memory.</summary>
    private sealed record StateArray(FileTensor Tensor, DeviceTensor Place, ArrayView<float> Values);
}
