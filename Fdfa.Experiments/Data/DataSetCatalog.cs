using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

/// <summary>Finds a data set by name: in the program, on this machine, or on its official hosts.</summary>
/// <param name="locations">Where to look, and where downloads go.</param>
/// <param name="downloader">Fetches what is nowhere; null forbids it.</param>
/// <param name="sets">What can be found besides the embedded data; null for <see cref="DataSetDescription.All"/>.</param>
internal sealed class DataSetCatalog(
    DataLocations locations, Downloader? downloader, IReadOnlyList<DataSetDescription>? sets = null)
{
    private readonly IReadOnlyList<DataSetDescription> sets = sets ?? DataSetDescription.All;

    /// <summary>The names on the command line.</summary>
    public IReadOnlyList<string> Names => [EmbeddedFashionMnist.Name, .. sets.Select(set => set.Name)];

    /// <summary>Reads a data set, after a download into the cache folder where it is nowhere on this machine.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="progress">Hears of downloads.</param>
    /// <param name="cancellation">Ends a download; what has arrived is kept for the next one.</param>
    /// <exception cref="InvalidOptionException">There is no data set of that name.</exception>
    /// <exception cref="DataFormatException">The data set is missing where it must be, or damaged.</exception>
    /// <exception cref="DownloadException">The data set cannot be downloaded.</exception>
    public async Task<DataSetPair> LoadAsync(
        string name, IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        if (name == EmbeddedFashionMnist.Name)
        {
            return EmbeddedFashionMnist.Load();
        }

        var set = Describe(name);
        var found = Find(set);
        if (found is null)
        {
            await DownloadAsync(set, progress, cancellation).ConfigureAwait(false);
            found = Find(set, CacheOf(set)) ?? throw Missing(set, CacheOf(set), "the cache folder");
        }

        return Read(set, found);
    }

    /// <summary>Whether a data set can be read without a download.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="InvalidOptionException">There is no data set of that name.</exception>
    public bool IsHere(string name)
    {
        if (name == EmbeddedFashionMnist.Name)
        {
            return true;
        }

        var set = Describe(name);
        return (locations.DataFolder is { } folder ? FindIn(set, folder) : FindWithoutOption(set)) is not null;
    }

    private DataSetDescription Describe(string name)
    {
        if (sets.FirstOrDefault(set => set.Name == name) is { } described)
        {
            return described;
        }

        var guess = NearestWord.Find(name, Names) is { } nearest ? $"did you mean '{nearest}'" : "give one that exists";
        throw new InvalidOptionException($"There is no data set '{name}'; {guess} (known: {string.Join(", ", Names)}).");
    }

    private FoundFiles? Find(DataSetDescription set)
    {
        if (locations.DataFolder is { } folder)
        {
            // A folder that was named is meant: other data in its place would be a silent mistake.
            return FindIn(set, folder) ?? throw Missing(set, folder, "--data-dir");
        }

        return FindWithoutOption(set);
    }

    private FoundFiles? FindWithoutOption(DataSetDescription set) =>
        (locations.VariableFolder is { } variable ? FindIn(set, variable) : null)
            ?? Find(set, CacheOf(set))
            ?? locations.SystemFolders.Select(system => Find(set, Path.Combine(system, set.Name))).FirstOrDefault(files => files is not null);

    // The folder named like the data set goes first, since the relatives of MNIST share their file names.
    private static FoundFiles? FindIn(DataSetDescription set, string folder) =>
        Find(set, Path.Combine(folder, set.Name)) ?? Find(set, folder);

    private static FoundFiles? Find(DataSetDescription set, string folder)
    {
        var paths = set.Files.Select(file => FindFile(folder, file)).ToArray();
        return paths is [{ } trainImages, { } trainLabels, { } testImages, { } testLabels]
            ? new FoundFiles(folder, trainImages, trainLabels, testImages, testLabels)
            : null;
    }

    private static string? FindFile(string folder, DataSetFile file) =>
        Spellings(file).Select(spelling => Path.Combine(folder, spelling)).FirstOrDefault(File.Exists);

    private static IEnumerable<string> Spellings(DataSetFile file)
    {
        // The original archives unpack to "…-images.idx3-ubyte" on some systems.
        var dotted = file.Name.Replace("-idx", ".idx", StringComparison.Ordinal);
        return [file.Name, $"{file.Name}.gz", dotted, $"{dotted}.gz"];
    }

    private string CacheOf(DataSetDescription set) => Path.Combine(locations.CacheFolder, set.Name);

    private async Task DownloadAsync(DataSetDescription set, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        var folder = CacheOf(set);
        if (downloader is null)
        {
            throw Missing(set, folder, $"--data-dir, {DataLocations.Variable} or the cache folder");
        }

        foreach (var file in set.Files.Where(file => FindFile(folder, file) is null))
        {
            var name = $"{file.Name}.gz";
            var request = new DownloadRequest(
                [.. set.Mirrors.Select(mirror => new Uri(mirror, name))], Path.Combine(folder, name), file.GzipSize, file.GzipChecksum);
            await downloader.DownloadAsync(request, progress, cancellation).ConfigureAwait(false);
        }
    }

    private static DataSetPair Read(DataSetDescription set, FoundFiles files) =>
        new(
            ReadSplit(set, set.Train, files.TrainImages, files.TrainLabels),
            ReadSplit(set, set.Test, files.TestImages, files.TestLabels))
        {
            Source = files.Folder,
        };

    private static ImageDataSet ReadSplit(DataSetDescription set, DataSetSplit split, string imagePath, string labelPath)
    {
        var data = IdxFile.ReadDataSet(set.Name, imagePath, labelPath, set.ClassNames);
        if (data.Count != split.Count || data.Width != set.Side || data.Height != set.Side)
        {
            throw new DataFormatException(
                $"The file '{imagePath}' should hold {split.Count} images of {set.Side}×{set.Side} pixels, but holds {data.Count} of {data.Height}×{data.Width}; put the files of {set.Name} there.");
        }

        if (!data.Labels.AsSpan().StartsWith(split.FirstLabels.ToArray()))
        {
            throw new DataFormatException(
                $"The file '{labelPath}' should begin with the labels {string.Join(' ', split.FirstLabels)} of {set.Name}, but begins with {string.Join(' ', data.Labels.Take(split.FirstLabels.Count))}; give {set.Name} a folder of its own, of that name.");
        }

        return data;
    }

    private static DataFormatException Missing(DataSetDescription set, string folder, string place)
    {
        var missing = set.Files.Where(file => FindFile(folder, file) is null && FindFile(Path.Combine(folder, set.Name), file) is null).ToList();

        // Each file may be there, yet in two folders; then all are named.
        var names = string.Join(", ", (missing.Count == 0 ? set.Files : missing).Select(file => file.Name));
        return new DataFormatException(
            $"The folder '{folder}' ({place}) does not hold the data set {set.Name}: neither there nor in its subfolder '{set.Name}' is there {names}, with or without .gz; put the files there or name another folder.");
    }

    private sealed record FoundFiles(string Folder, string TrainImages, string TrainLabels, string TestImages, string TestLabels);
}
