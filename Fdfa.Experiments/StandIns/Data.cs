// Stand-in until branch `data` is merged; the folder StandIns then goes.
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

internal sealed class ImageDataSet
{
    public required string Name { get; init; }

    public required byte[] Samples { get; init; }

    public required byte[] Labels { get; init; }

    public int SampleSize { get; } = 784;

    public int ClassCount { get; } = 10;

    public int Count => Labels.Length;

    public ImageDataSet Take(int limit) => new()
    {
        Name = Name,
        Samples = Samples[..(limit * SampleSize)],
        Labels = Labels[..limit],
    };
}

internal sealed record DataSetPair(ImageDataSet Train, ImageDataSet Test);

internal static class DataSets
{
    public static DataSetPair Load(string name, string? dataDirectory, IProgress<string>? progress, CancellationToken cancellation)
    {
        _ = dataDirectory;
        progress?.Report(name);
        cancellation.ThrowIfCancellationRequested();
        if (name is not ("embedded" or "mnist" or "fashion-mnist"))
        {
            throw new InvalidOptionException($"The data set '{name}' is not known; valid are embedded, mnist, fashion-mnist; did you mean 'mnist'?");
        }

        return new DataSetPair(Synthetic(name, 2000, 1), Synthetic(name, 500, 2));
    }

    private static ImageDataSet Synthetic(string name, int count, int seed)
    {
        var random = new Random(seed);
        var samples = new byte[count * 784];
        random.NextBytes(samples);
        var labels = new byte[count];
        for (var sample = 0; sample < count; sample++)
        {
            labels[sample] = (byte)(sample % 10);
            samples.AsSpan(sample * 784 + labels[sample] * 78, 78).Fill(255);
        }

        return new ImageDataSet { Name = name, Samples = samples, Labels = labels };
    }
}
