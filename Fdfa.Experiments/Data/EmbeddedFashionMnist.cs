using System.IO.Compression;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

/// <summary>A balanced part of Fashion-MNIST inside the program, so that it runs without any file or network.</summary>
/// <remarks>
/// The resource is Brotli over four IDX files one after the other: training images, training labels, test images,
/// test labels. Predicting pixels from their neighbours first (Paeth, PNG's best here) would save 1.5 %, and rearranging
/// by class or pixel nothing: not worth a format of our own.
/// </remarks>
internal static class EmbeddedFashionMnist
{
    /// <summary>The data set's name on the command line.</summary>
    public const string Name = "embedded";

    /// <summary>Training images.</summary>
    public const int TrainingSamples = 10000;

    /// <summary>Test images.</summary>
    public const int TestSamples = 2000;

    /// <summary>The shape of an image.</summary>
    public static ImageShape Shape => IdxDataSet.FashionMnist.Shape;

    private const string ResourceName = "embedded-fashion-mnist.bin.br";
    private const string NoticeName = "embedded-fashion-mnist.LICENSE.txt";

    /// <summary>Reads 10,000 training and 2,000 test images.</summary>
    public static DataSetPair Load()
    {
        using var unpacked = new BrotliStream(OpenResource(ResourceName), CompressionMode.Decompress);
        return Read(unpacked);
    }

    /// <summary>The licence and origin of the images.</summary>
    public static string ReadNotice()
    {
        using var reader = new StreamReader(OpenResource(NoticeName));
        return reader.ReadToEnd();
    }

    private static Stream OpenResource(string name) =>
        typeof(EmbeddedFashionMnist).Assembly.GetManifestResourceStream(name)
        ?? throw new InvalidOperationException($"The assembly was built without its resource '{name}'.");

    private static DataSetPair Read(Stream contents)
    {
        var train = ReadSplit(contents);
        var test = ReadSplit(contents);
        IdxFile.RequireEnd(contents, ResourceName);
        return new DataSetPair(train, test) { Source = "inside the program: a part of Fashion-MNIST" };
    }

    private static ImageDataSet ReadSplit(Stream contents)
    {
        var images = IdxFile.ReadImages(contents, ResourceName);
        var labels = IdxFile.ReadLabels(contents, ResourceName, IdxDataSet.FashionMnist.ClassNames.Count);
        return IdxFile.Combine(Name, images, ResourceName, labels, ResourceName, IdxDataSet.FashionMnist.ClassNames);
    }
}
