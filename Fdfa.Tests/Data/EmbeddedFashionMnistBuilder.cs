using System.IO.Compression;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

/// <summary>Makes the resource of <see cref="EmbeddedFashionMnist"/> from the complete data set.</summary>
internal static class EmbeddedFashionMnistBuilder
{
    /// <summary>Training images per class: the first of each class in the original's order.</summary>
    public const int TrainPerClass = 1000;

    /// <summary>Test images per class: the first of each class in the original's order.</summary>
    public const int TestPerClass = 200;

    /// <summary>The resource's contents before compression: four IDX files one after the other.</summary>
    /// <param name="complete">60,000 + 10,000 images.</param>
    public static byte[] Build(DataSetPair complete)
    {
        ArgumentNullException.ThrowIfNull(complete);
        using var contents = new MemoryStream();
        WriteFirstOfEachClass(contents, complete.Train, TrainPerClass);
        WriteFirstOfEachClass(contents, complete.Test, TestPerClass);
        return contents.ToArray();
    }

    /// <summary>The resource itself; takes a minute, once, for a file that every copy of the program carries.</summary>
    /// <param name="contents">What <see cref="Build"/> made.</param>
    public static byte[] Compress(byte[] contents)
    {
        using var compressed = new MemoryStream();
        using (var brotli = new BrotliStream(compressed, new BrotliCompressionOptions { Quality = 11 }))
        {
            brotli.Write(contents);
        }

        return compressed.ToArray();
    }

    private static void WriteFirstOfEachClass(Stream contents, ImageDataSet set, int perClass)
    {
        var taken = new int[set.ClassCount];
        var chosen = Enumerable.Range(0, set.Count).Where(index => taken[set.Labels[index]]++ < perClass).ToArray();
        var pixels = new byte[chosen.Length * set.SampleSize];
        for (var i = 0; i < chosen.Length; i++)
        {
            set.Samples.Span.Slice(chosen[i] * set.SampleSize, set.SampleSize).CopyTo(pixels.AsSpan(i * set.SampleSize));
        }

        IdxFile.WriteImages(contents, new IdxImages(pixels, chosen.Length, set.Height, set.Width));
        IdxFile.WriteLabels(contents, Array.ConvertAll(chosen, index => set.Labels[index]));
    }
}
