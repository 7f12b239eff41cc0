using System.IO.Compression;
using System.Security.Cryptography;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

/// <summary>A data set of a few images, described and packed like the real ones.</summary>
internal sealed class SmallDataSet
{
    public const string TrainImages = "train-images-idx3-ubyte";
    public const string TrainLabels = "train-labels-idx1-ubyte";
    public const string TestImages = "t10k-images-idx3-ubyte";
    public const string TestLabels = "t10k-labels-idx1-ubyte";

    public SmallDataSet(string name, byte firstLabel, params IReadOnlyList<Uri> mirrors)
    {
        Plain[TrainImages] = Images(6, 4);
        Plain[TrainLabels] = Labels(firstLabel, 1, 2, 0, 1, 2);
        Plain[TestImages] = Images(3, 4);
        Plain[TestLabels] = Labels(firstLabel, 2, 1);
        Description = new IdxDataSet(
            name,
            4,
            ["a", "b", "c"],
            new IdxSplit(Describe(TrainImages), Describe(TrainLabels), 6, [firstLabel, 1]),
            new IdxSplit(Describe(TestImages), Describe(TestLabels), 3, [firstLabel, 2]),
            mirrors);
    }

    public Dictionary<string, byte[]> Plain { get; } = [];

    public DataSetDescription Description { get; }

    public void WriteTo(TemporaryFolder folder, string subfolder, bool gzip = true, Func<string, string>? rename = null)
    {
        foreach (var (name, bytes) in Plain)
        {
            var file = (rename?.Invoke(name) ?? name) + (gzip ? ".gz" : "");
            folder.Write(Path.Combine(subfolder, file), gzip ? Gzip(bytes) : bytes);
        }
    }

    public static byte[] Images(int count, int side)
    {
        using var stream = new MemoryStream();
        var pixels = Enumerable.Range(0, count * side * side).Select(index => (byte)(index * 7)).ToArray();
        IdxFile.WriteImages(stream, new IdxImages(pixels, count, side, side));
        return stream.ToArray();
    }

    public static byte[] Labels(params byte[] labels)
    {
        using var stream = new MemoryStream();
        IdxFile.WriteLabels(stream, labels);
        return stream.ToArray();
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    private IdxDataFile Describe(string name)
    {
        var packed = Gzip(Plain[name]);
        return new IdxDataFile(name, packed.Length, Checksum.Sha256(Convert.ToHexString(SHA256.HashData(packed))));
    }
}
