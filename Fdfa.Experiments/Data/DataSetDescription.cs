using System.Security.Cryptography;

namespace Fdfa.Experiments.Data;

/// <summary>What a downloaded file must hash to.</summary>
/// <param name="Algorithm">The algorithm of the published value.</param>
/// <param name="Hex">The published value, in hexadecimal digits.</param>
internal sealed record Checksum(HashAlgorithmName Algorithm, string Hex)
{
    /// <summary>A SHA-256 value.</summary>
    /// <param name="hex">64 digits.</param>
    public static Checksum Sha256(string hex) => new(HashAlgorithmName.SHA256, hex);

    /// <summary>An MD5 value, where nothing stronger is published; it guards against damage.</summary>
    /// <param name="hex">32 digits.</param>
    public static Checksum Md5(string hex) => new(HashAlgorithmName.MD5, hex);
}

/// <summary>One of a data set's files, as its authors distribute it.</summary>
/// <param name="Name">Without the ".gz".</param>
/// <param name="GzipSize">Bytes of the original gzip file.</param>
/// <param name="GzipChecksum">Of the original gzip file.</param>
internal sealed record DataSetFile(string Name, long GzipSize, Checksum GzipChecksum);

/// <summary>The images and labels of one split of a data set.</summary>
/// <param name="Images">IDX, grey images.</param>
/// <param name="Labels">IDX, one label per image.</param>
/// <param name="Count">Samples.</param>
/// <param name="FirstLabels">What the labels begin with: the file names alone do not tell the relatives of MNIST apart.</param>
internal sealed record DataSetSplit(DataSetFile Images, DataSetFile Labels, int Count, IReadOnlyList<byte> FirstLabels);

/// <summary>A data set that can be found or downloaded.</summary>
/// <param name="Name">As on the command line, and as the folder that holds it.</param>
/// <param name="Side">Pixels of an image's side.</param>
/// <param name="ClassNames">One per label value.</param>
/// <param name="Train">For learning.</param>
/// <param name="Test">For measuring.</param>
/// <param name="Mirrors">Folders on the official hosts, each ending in a slash, in the order to try.</param>
internal sealed record DataSetDescription(
    string Name, int Side, IReadOnlyList<string> ClassNames, DataSetSplit Train, DataSetSplit Test, IReadOnlyList<Uri> Mirrors)
{
    /// <summary>Handwritten digits (LeCun, Cortes and Burges).</summary>
    public static DataSetDescription Mnist { get; } = new(
        "mnist",
        28,
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        new DataSetSplit(
            new DataSetFile("train-images-idx3-ubyte", 9912422, Checksum.Sha256("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609")),
            new DataSetFile("train-labels-idx1-ubyte", 28881, Checksum.Sha256("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c")),
            60000,
            [5, 0, 4, 1, 9, 2, 1, 3]),
        new DataSetSplit(
            new DataSetFile("t10k-images-idx3-ubyte", 1648877, Checksum.Sha256("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6")),
            new DataSetFile("t10k-labels-idx1-ubyte", 4542, Checksum.Sha256("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")),
            10000,
            [7, 2, 1, 0, 4, 1, 4, 9]),
        [new Uri("https://ossci-datasets.s3.amazonaws.com/mnist/"), new Uri("https://storage.googleapis.com/cvdf-datasets/mnist/")]);

    /// <summary>Articles of clothing in MNIST's format (Xiao, Rasul and Vollgraf, 2017).</summary>
    public static DataSetDescription FashionMnist { get; } = new(
        "fashion-mnist",
        28,
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
        new DataSetSplit(
            new DataSetFile("train-images-idx3-ubyte", 26421880, Checksum.Md5("8d4fb7e6c68d591d4c3dfef9ec88bf0d")),
            new DataSetFile("train-labels-idx1-ubyte", 29515, Checksum.Md5("25c81989df183df01b3e8a0aad5dffbe")),
            60000,
            [9, 0, 0, 3, 0, 2, 7, 2]),
        new DataSetSplit(
            new DataSetFile("t10k-images-idx3-ubyte", 4422102, Checksum.Md5("bef4ecab320f06d8554ea6380940ec79")),
            new DataSetFile("t10k-labels-idx1-ubyte", 5148, Checksum.Md5("bb300cfdad3c16e7a12a480ee83cd310")),
            10000,
            [9, 2, 1, 1, 6, 1, 4, 6]),
        [new Uri("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")]);

    /// <summary>Every data set that comes in files.</summary>
    public static IReadOnlyList<DataSetDescription> All { get; } = [Mnist, FashionMnist];

    /// <summary>The four files.</summary>
    public IReadOnlyList<DataSetFile> Files => [Train.Images, Train.Labels, Test.Images, Test.Labels];
}
