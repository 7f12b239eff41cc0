using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Data;

/// <summary>CIFAR-10 or CIFAR-100 in its binary version: a folder of .bin files, or the archive that they come in.</summary>
/// <remarks>
/// A part of the data set is read as well, as long as it is made of whole records: fewer batches, or fewer records in a
/// file. Whoever reads it hears how much there is.
/// </remarks>
/// <param name="Name">As on the command line, and as the folder that holds it.</param>
/// <param name="ClassNames">One per label value.</param>
/// <param name="LabelClasses">Classes of each label byte in a record; the last one is the label.</param>
/// <param name="FolderName">What the archive unpacks to.</param>
/// <param name="TrainingFiles">In their order.</param>
/// <param name="TestFile">For measuring.</param>
/// <param name="RecordsPerFile">In each training file of the original.</param>
/// <param name="Archive">As the authors distribute it.</param>
internal sealed record CifarDataSet(
    string Name,
    IReadOnlyList<string> ClassNames,
    IReadOnlyList<int> LabelClasses,
    string FolderName,
    IReadOnlyList<string> TrainingFiles,
    string TestFile,
    int RecordsPerFile,
    RemoteFile Archive)
    : DataSetDescription(
        Name, CifarFile.Channels, CifarFile.Side, TrainingFiles.Count * RecordsPerFile, RecordsInTest)
{
    private const int RecordsInTest = 10000;

    /// <summary>Ten kinds of animals and vehicles (Krizhevsky, 2009).</summary>
    public static CifarDataSet Cifar10 { get; } = new(
        "cifar-10",
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        [10],
        "cifar-10-batches-bin",
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        "test_batch.bin",
        10000,
        new RemoteFile(
            "cifar-10-binary.tar.gz",
            170052171,
            Checksum.Sha256("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
            [new Uri("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz")]));

    /// <summary>A hundred fine classes in twenty coarse ones (Krizhevsky, 2009); the fine ones are used.</summary>
    public static CifarDataSet Cifar100 { get; } = new(
        "cifar-100",
        [
            "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
            "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
            "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
            "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
            "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
            "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
            "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
            "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
            "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
            "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
        ],
        [20, 100],
        "cifar-100-binary",
        ["train.bin"],
        "test.bin",
        50000,
        new RemoteFile(
            "cifar-100-binary.tar.gz",
            168513733,
            Checksum.Sha256("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
            [new Uri("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz")]));

    /// <summary>A part of the data set packed like the whole.</summary>
    private string PartialArchive => Archive.Name.Replace(".tar.gz", "-subset.tar.gz", StringComparison.Ordinal);

    private string PythonArchive => Archive.Name.Replace("binary", "python", StringComparison.Ordinal);

    private string PythonFolder =>
        FolderName.Replace("binary", "python", StringComparison.Ordinal).Replace("-bin", "-py", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override FoundDataSet? Find(string folder)
    {
        string[] folders = [folder, Path.Combine(folder, FolderName)];
        if (folders.FirstOrDefault(HoldsFiles) is { } found)
        {
            return new Found(this, found, VisitFolder);
        }

        string[] archives = [Path.Combine(folder, Archive.Name), Path.Combine(folder, PartialArchive)];
        return archives.FirstOrDefault(File.Exists) is { } archive ? new Found(this, archive, VisitArchive) : null;
    }

    /// <inheritdoc/>
    public override string Missing(string folder)
    {
        string[] python = [PythonArchive, PythonFolder];
        string? other = python.FirstOrDefault(name =>
            Path.Exists(Path.Combine(folder, name)) || Path.Exists(Path.Combine(folder, Name, name)));
        return $"{Archive.Name}, or its {TrainingFiles[0]} and {TestFile}"
            + (other is null ? "" : $" ({other} is the version for Python, which is not read)");
    }

    /// <inheritdoc/>
    public override bool HasPart(string folder) => TrainingFiles.Append(TestFile).Any(file =>
        File.Exists(Path.Combine(folder, file)) || File.Exists(Path.Combine(folder, FolderName, file)));

    /// <inheritdoc/>
    public override IReadOnlyList<RemoteFile> Downloads(string folder) => [Archive];

    private bool HoldsFiles(string folder) =>
        File.Exists(Path.Combine(folder, TrainingFiles[0])) && File.Exists(Path.Combine(folder, TestFile));

    private int MostRecords(string file) => file == TestFile ? RecordsInTest : RecordsPerFile;

    private ImageDataSet ToImages(IReadOnlyList<CifarRecords> files) => new(
        Name,
        files.Count == 1 ? files[0].Pixels : Concatenate([.. files.Select(file => file.Pixels)]),
        Concatenate([.. files.Select(file => file.Labels)]),
        Side,
        Side,
        Channels,
        ClassNames);

    private static byte[] Concatenate(IReadOnlyList<byte[]> parts)
    {
        var whole = new byte[parts.Sum(part => part.Length)];
        var offset = 0;
        foreach (byte[] part in parts)
        {
            part.CopyTo(whole, offset);
            offset += part.Length;
        }

        return whole;
    }

    /// <summary>Shows each of the data set's files that a folder has.</summary>
    private void VisitFolder(string folder, VisitFile visit)
    {
        foreach (string file in TrainingFiles.Append(TestFile))
        {
            string path = Path.Combine(folder, file);
            if (!File.Exists(path))
            {
                continue;
            }

            try
            {
                using FileStream stream = RegularFile.OpenRead(path);
                visit(file, $"'{path}'", stream.Length, stream);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new DataFormatException($"The file '{path}' cannot be read ({failure.Message}); check its permissions.", failure);
            }
        }
    }

    /// <summary>Shows each of the data set's files that an archive has, in the archive's order.</summary>
    private void VisitArchive(string archive, VisitFile visit) => TarGzipFile.ForEachFile(archive, (entry, length, stream) =>
    {
        if (TrainingFiles.Append(TestFile).FirstOrDefault(file => entry == $"{FolderName}/{file}") is { } file)
        {
            visit(file, $"'{file}' in '{archive}'", length, stream);
        }
        else if (entry.StartsWith($"{PythonFolder}/", StringComparison.Ordinal))
        {
            throw new DataFormatException(
                $"The file '{archive}' should be the binary version of {Name}, but is the version for Python; get {Archive.Name}.");
        }
    });

    /// <param name="file">One of the data set's.</param>
    /// <param name="name">What messages call it, with its quotes.</param>
    /// <param name="length">Bytes, as the folder or the archive says.</param>
    /// <param name="stream">The contents.</param>
    private delegate void VisitFile(string file, string name, long length, Stream stream);

    private sealed class Found(CifarDataSet set, string place, Action<string, VisitFile> visitFiles) : FoundDataSet(place)
    {
        public override SampleCounts Count()
        {
            Dictionary<string, int> files = Visit(
                (file, name, length, stream) => CifarFile.Count(stream, length, name, set.LabelClasses.Count, set.MostRecords(file)),
                CancellationToken.None);
            return new SampleCounts(files.Where(file => file.Key != set.TestFile).Sum(file => file.Value), files[set.TestFile]);
        }

        public override DataSetPair Read(DataSetReading reading)
        {
            Dictionary<string, CifarRecords> files = Visit(
                (file, name, length, stream) => CifarFile.Read(stream, length, name, set.LabelClasses, set.MostRecords(file)),
                reading.Cancellation);

            // In their order, in which an archive need not have them.
            CifarRecords[] training = [.. set.TrainingFiles.Where(files.ContainsKey).Select(file => files[file])];
            return new DataSetPair(set.ToImages(training), set.ToImages([files[set.TestFile]])) { Source = Place };
        }

        private Dictionary<string, T> Visit<T>(Func<string, string, long, Stream, T> visit, CancellationToken cancellation)
        {
            var results = new Dictionary<string, T>();
            visitFiles(Place, (file, name, length, stream) =>
            {
                cancellation.ThrowIfCancellationRequested();
                if (!results.TryAdd(file, visit(file, name, length, stream)))
                {
                    throw new DataFormatException(
                        $"The archive '{Place}' should hold {file} once, but holds it twice; delete it and get it again.");
                }
            });
            RequireFiles(results.Keys);
            return results;
        }

        /// <summary>Fewer batches are a part of the data set; a gap between them is a mistake.</summary>
        private void RequireFiles(IReadOnlyCollection<string> files)
        {
            int training = Math.Max(1, set.TrainingFiles.Count(files.Contains));
            if (set.TrainingFiles.Take(training).Append(set.TestFile).FirstOrDefault(file => !files.Contains(file)) is { } missing)
            {
                throw new DataFormatException(
                    $"'{Place}' should hold the file {missing} of {set.Name}, but does not; "
                    + $"get {set.Archive.Name} again, or put the file there.");
            }
        }
    }
}
