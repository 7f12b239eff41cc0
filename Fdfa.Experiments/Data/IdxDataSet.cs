namespace Fdfa.Experiments.Data;

/// <summary>One of a data set's files, as its authors distribute it.</summary>
/// <param name="Name">Without the ".gz".</param>
/// <param name="GzipSize">Bytes of the original gzip file.</param>
/// <param name="GzipChecksum">Of the original gzip file.</param>
internal sealed record IdxDataFile(string Name, long GzipSize, Checksum GzipChecksum);

/// <summary>The images and labels of one split of a data set.</summary>
/// <param name="Images">IDX, grey images.</param>
/// <param name="Labels">IDX, one label per image.</param>
/// <param name="Count">Samples.</param>
/// <param name="FirstLabels">What the labels begin with: the file names alone do not tell the relatives of MNIST apart.</param>
internal sealed record IdxSplit(IdxDataFile Images, IdxDataFile Labels, int Count, IReadOnlyList<byte> FirstLabels);

/// <summary>MNIST or a relative: four IDX files, plain or in gzip.</summary>
/// <param name="Name">As on the command line, and as the folder that holds it.</param>
/// <param name="Side">Pixels of an image's side.</param>
/// <param name="ClassNames">One per label value.</param>
/// <param name="Train">For learning.</param>
/// <param name="Test">For measuring.</param>
/// <param name="Mirrors">Folders on the official hosts, each ending in a slash, in the order to try.</param>
internal sealed record IdxDataSet(
    string Name, int Side, IReadOnlyList<string> ClassNames, IdxSplit Train, IdxSplit Test, IReadOnlyList<Uri> Mirrors)
    : DataSetDescription(Name, Channels: 1, Side, Train.Count, Test.Count)
{
    /// <summary>Handwritten digits (LeCun, Cortes and Burges).</summary>
    public static IdxDataSet Mnist { get; } = new(
        "mnist",
        28,
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        new IdxSplit(
            new IdxDataFile(
                "train-images-idx3-ubyte", 9912422, Checksum.Sha256("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609")),
            new IdxDataFile(
                "train-labels-idx1-ubyte", 28881, Checksum.Sha256("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c")),
            60000,
            [5, 0, 4, 1, 9, 2, 1, 3]),
        new IdxSplit(
            new IdxDataFile(
                "t10k-images-idx3-ubyte", 1648877, Checksum.Sha256("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6")),
            new IdxDataFile(
                "t10k-labels-idx1-ubyte", 4542, Checksum.Sha256("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")),
            10000,
            [7, 2, 1, 0, 4, 1, 4, 9]),
        [new Uri("https://ossci-datasets.s3.amazonaws.com/mnist/"), new Uri("https://storage.googleapis.com/cvdf-datasets/mnist/")]);

    /// <summary>Articles of clothing in MNIST's format (Xiao, Rasul and Vollgraf, 2017).</summary>
    public static IdxDataSet FashionMnist { get; } = new(
        "fashion-mnist",
        28,
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
        new IdxSplit(
            new IdxDataFile("train-images-idx3-ubyte", 26421880, Checksum.Md5("8d4fb7e6c68d591d4c3dfef9ec88bf0d")),
            new IdxDataFile("train-labels-idx1-ubyte", 29515, Checksum.Md5("25c81989df183df01b3e8a0aad5dffbe")),
            60000,
            [9, 0, 0, 3, 0, 2, 7, 2]),
        new IdxSplit(
            new IdxDataFile("t10k-images-idx3-ubyte", 4422102, Checksum.Md5("bef4ecab320f06d8554ea6380940ec79")),
            new IdxDataFile("t10k-labels-idx1-ubyte", 5148, Checksum.Md5("bb300cfdad3c16e7a12a480ee83cd310")),
            10000,
            [9, 2, 1, 1, 6, 1, 4, 6]),
        [new Uri("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")]);

    private IReadOnlyList<IdxDataFile> Files => [Train.Images, Train.Labels, Test.Images, Test.Labels];

    /// <inheritdoc/>
    public override FoundDataSet? Find(string folder)
    {
        var paths = Files.Select(file => FindFile(folder, file)).ToArray();
        return paths is [{ } trainImages, { } trainLabels, { } testImages, { } testLabels]
            ? new Found(this, folder, trainImages, trainLabels, testImages, testLabels)
            : null;
    }

    /// <inheritdoc/>
    public override string Missing(string folder)
    {
        var missing = Files.Where(file => FindFile(folder, file) is null && FindFile(Path.Combine(folder, Name), file) is null).ToList();

        // Each file may be there, yet in two folders; then all are named.
        return $"{string.Join(", ", (missing.Count == 0 ? Files : missing).Select(file => file.Name))}, with or without .gz";
    }

    /// <inheritdoc/>
    public override bool HasPart(string folder) => Files.Any(file => FindFile(folder, file) is not null);

    /// <inheritdoc/>
    public override IReadOnlyList<RemoteFile> Downloads(string folder) =>
    [
        .. from file in Files
           where FindFile(folder, file) is null
           let name = $"{file.Name}.gz"
           select new RemoteFile(name, file.GzipSize, file.GzipChecksum, [.. Mirrors.Select(mirror => new Uri(mirror, name))]),
    ];

    private static string? FindFile(string folder, IdxDataFile file) =>
        Spellings(file).Select(spelling => Path.Combine(folder, spelling)).FirstOrDefault(File.Exists);

    private static IEnumerable<string> Spellings(IdxDataFile file)
    {
        // The original archives unpack to "…-images.idx3-ubyte" on some systems.
        var dotted = file.Name.Replace("-idx", ".idx", StringComparison.Ordinal);
        return [file.Name, $"{file.Name}.gz", dotted, $"{dotted}.gz"];
    }

    private ImageDataSet ReadSplit(IdxSplit split, string imagePath, string labelPath)
    {
        var data = IdxFile.ReadDataSet(Name, imagePath, labelPath, ClassNames);
        if (data.Count != split.Count || data.Width != Side || data.Height != Side)
        {
            throw new DataFormatException(
                $"The file '{imagePath}' should hold {split.Count} images of {Side}×{Side} pixels, "
                + $"but holds {data.Count} of {data.Height}×{data.Width}; put the files of {Name} there.");
        }

        if (!data.Labels.AsSpan().StartsWith(split.FirstLabels.ToArray()))
        {
            throw new DataFormatException(
                $"The file '{labelPath}' should begin with the labels {string.Join(' ', split.FirstLabels)} of {Name}, but begins with "
                + $"{string.Join(' ', data.Labels.Take(split.FirstLabels.Count))}; give {Name} a folder of its own, of that name.");
        }

        return data;
    }

    private sealed class Found(
        IdxDataSet set, string folder, string trainImages, string trainLabels, string testImages, string testLabels) : FoundDataSet(folder)
    {
        // Reading refuses files with other counts.
        public override SampleCounts Count() => new(set.TrainingSamples, set.TestSamples);

        public override DataSetPair Read(DataSetReading reading)
        {
            ImageDataSet train = set.ReadSplit(set.Train, trainImages, trainLabels);
            reading.Cancellation.ThrowIfCancellationRequested();
            return new(train, set.ReadSplit(set.Test, testImages, testLabels)) { Source = Place };
        }
    }
}
