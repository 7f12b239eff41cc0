using Fdfa.Cpu.Reference.Probes;
using Fdfa.Experiments.Data;

namespace Fdfa.Experiments.Figures;

/// <summary>Images as the reference takes them: bytes 0…255 as −1…1, like on devices.</summary>
/// <param name="images">The images.</param>
internal sealed class ReferenceSamples(ImageDataSet images)
{
    /// <summary>Samples.</summary>
    public int Count => images.Count;

    /// <summary>Some samples.</summary>
    /// <param name="indices">Which.</param>
    public LabelledBatch Batch(ReadOnlySpan<int> indices)
    {
        int size = images.SampleSize;
        ReadOnlySpan<byte> pixels = images.Samples.Span;
        var inputs = new double[indices.Length * size];
        var labels = new int[indices.Length];
        for (var row = 0; row < indices.Length; row++)
        {
            for (var pixel = 0; pixel < size; pixel++)
            {
                inputs[(row * size) + pixel] = (pixels[(indices[row] * size) + pixel] * 2.0 / 255.0) - 1.0;
            }

            labels[row] = images.Labels[indices[row]];
        }

        return new LabelledBatch(inputs, labels);
    }

    /// <summary>One sample, its pixels one after the other several times.</summary>
    /// <param name="index">Which.</param>
    /// <param name="copies">How often, at least once.</param>
    public LabelledBatch Single(int index, int copies = 1)
    {
        LabelledBatch sample = Batch([index]);
        return sample with { Inputs = [.. Enumerable.Repeat(sample.Inputs, copies).SelectMany(pixels => pixels)] };
    }
}
