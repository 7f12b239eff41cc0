using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

/// <summary>Labelled images as bytes, sample after sample; within one, channel after channel, row after row.</summary>
internal sealed class ImageDataSet
{
    /// <summary>Puts samples and labels together.</summary>
    /// <param name="name">As on the command line.</param>
    /// <param name="samples">[count × channels × height × width].</param>
    /// <param name="labels">[count], each below the number of classes.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">1 for grey, 3 for colour.</param>
    /// <param name="classNames">One name per label value.</param>
    /// <exception cref="ShapeMismatchException">The sizes do not belong together.</exception>
    public ImageDataSet(
        string name, ReadOnlyMemory<byte> samples, byte[] labels, int width, int height, int channels, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classNames);
        if (samples.Length != (long)labels.Length * width * height * channels)
        {
            throw new ShapeMismatchException(
                $"The data set '{name}' has {samples.Length} bytes for {labels.Length} label(s), "
                + $"where {channels}×{height}×{width} bytes per label were expected; pass samples and labels of one set.");
        }

        Name = name;
        Samples = samples;
        Labels = labels;
        Width = width;
        Height = height;
        Channels = channels;
        ClassNames = classNames;
    }

    /// <summary>As on the command line.</summary>
    public string Name { get; }

    /// <summary>All pixels, [count × sample size].</summary>
    public ReadOnlyMemory<byte> Samples { get; }

    /// <summary>The class of each sample.</summary>
    public byte[] Labels { get; }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>1 for grey, 3 for colour.</summary>
    public int Channels { get; }

    /// <summary>The shape of one sample.</summary>
    public ImageShape Shape => new(Channels, Height, Width);

    /// <summary>One name per label value.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Samples.</summary>
    public int Count => Labels.Length;

    /// <summary>Bytes of one sample.</summary>
    public int SampleSize => Shape.Size;

    /// <summary>Classes, whether all occur or not.</summary>
    public int ClassCount => ClassNames.Count;

    /// <summary>The first samples, or all where there are no more.</summary>
    /// <param name="limit">At least 1.</param>
    /// <exception cref="InvalidOptionException">The limit is below 1.</exception>
    public ImageDataSet Take(int limit)
    {
        if (limit < 1)
        {
            throw new InvalidOptionException($"The limit is {limit} sample(s); give a whole number of at least 1.");
        }

        return limit >= Count
            ? this
            : new ImageDataSet(Name, Samples[..(limit * SampleSize)], Labels[..limit], Width, Height, Channels, ClassNames);
    }

    /// <summary>A copy of some samples.</summary>
    /// <param name="indices">Which, in their new order.</param>
    public ImageDataSet Select(IReadOnlyList<int> indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        var samples = new byte[indices.Count * SampleSize];
        for (var place = 0; place < indices.Count; place++)
        {
            Samples.Span.Slice(indices[place] * SampleSize, SampleSize).CopyTo(samples.AsSpan(place * SampleSize));
        }

        return new ImageDataSet(Name, samples, [.. indices.Select(index => Labels[index])], Width, Height, Channels, ClassNames);
    }
}

/// <summary>What a network learns from and what it is measured on.</summary>
/// <param name="Train">For learning.</param>
/// <param name="Test">For measuring.</param>
internal sealed record DataSetPair(ImageDataSet Train, ImageDataSet Test) : IDisposable
{
    /// <summary>Images that did not decode.</summary>
    public int LeftOut { get; init; }

    /// <summary>What holds the samples where they are not in this process's own memory.</summary>
    public IDisposable? Owner { get; init; }

    /// <summary>Where the samples came from, for config.json.</summary>
    public string Source { get; init; } = "memory";

    /// <inheritdoc/>
    public void Dispose() => Owner?.Dispose();
}
