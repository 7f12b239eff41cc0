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
    /// <param name="progress">Hears of downloads, and of reading that takes long.</param>
    /// <param name="skipsBadImages">Whether an image that does not decode is left out.</param>
    /// <param name="cancellation">Ends a download; what has arrived is kept for the next one.</param>
    /// <exception cref="InvalidOptionException">There is no data set of that name.</exception>
    /// <exception cref="DataFormatException">The data set is missing where it must be, is there in part, or is damaged.</exception>
    /// <exception cref="DownloadException">The data set cannot be downloaded.</exception>
    public async Task<DataSetPair> LoadAsync(
        string name, IProgress<LoadingProgress>? progress = null, bool skipsBadImages = false, CancellationToken cancellation = default)
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
            found = set.Find(CacheOf(set)) ?? throw Missing(set, CacheOf(set), "the cache folder");
        }

        return found.Read(new DataSetReading(CacheOf(set), skipsBadImages, progress, cancellation));
    }

    /// <summary>The samples of a data set that can be read without a download; null where there is none.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="InvalidOptionException">There is no data set of that name.</exception>
    /// <exception cref="DataFormatException">The data set is damaged.</exception>
    public SampleCounts? CountHere(string name)
    {
        if (name == EmbeddedFashionMnist.Name)
        {
            return new SampleCounts(EmbeddedFashionMnist.TrainingSamples, EmbeddedFashionMnist.TestSamples);
        }

        var set = Describe(name);
        return (locations.DataFolder is { } folder ? FindIn(set, folder) : FindWithoutOption(set))?.Count();
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

    private FoundDataSet? Find(DataSetDescription set)
    {
        if (locations.DataFolder is { } folder)
        {
            // A folder that was named is meant: other data in its place would be a silent mistake.
            return FindIn(set, folder) ?? throw Missing(set, folder, "--data-dir");
        }

        return FindWithoutOption(set);
    }

    private FoundDataSet? FindWithoutOption(DataSetDescription set) =>
        (locations.VariableFolder is { } variable ? FindIn(set, variable) : null)
            ?? set.Find(CacheOf(set))
            ?? locations.SystemFolders.Select(system => set.Find(Path.Combine(system, set.Name)))
                .FirstOrDefault(found => found is not null);

    // The folder named like the data set goes first, since the relatives of MNIST share their file names.
    private static FoundDataSet? FindIn(DataSetDescription set, string folder) =>
        set.Find(Path.Combine(folder, set.Name)) ?? set.Find(folder);

    private string CacheOf(DataSetDescription set) => Path.Combine(locations.CacheFolder, set.Name);

    private async Task DownloadAsync(DataSetDescription set, IProgress<LoadingProgress>? progress, CancellationToken cancellation)
    {
        // A folder that was named by mistake, or to which not all files were copied, is not made up for by a download.
        if (locations.VariableFolder is { } variable && (!Directory.Exists(variable) || HasPart(set, variable)))
        {
            throw Missing(set, variable, DataLocations.Variable);
        }

        var folder = CacheOf(set);
        if (downloader is null)
        {
            throw Missing(set, folder, $"--data-dir, {DataLocations.Variable} or the cache folder");
        }

        var files = set.Downloads(folder);
        var size = files.Sum(file => file.Size);
        string[] places = [.. locations.VariableFolder is { } named ? (string[])[named] : [], folder, .. locations.SystemFolders];
        var what = $"{set.Name} is not in {string.Join(", ", places.Select(place => $"'{place}'"))}; downloading it";
        long done = 0;
        foreach (var file in files)
        {
            progress?.Report(new LoadingProgress(what, done, size, "B"));
            var request = new DownloadRequest(file.Mirrors, Path.Combine(folder, file.Name), file.Size, file.Checksum);
            await downloader.DownloadAsync(request, progress is null ? null : new DownloadReports(progress), cancellation)
                .ConfigureAwait(false);
            done += file.Size;
        }
    }

    private static bool HasPart(DataSetDescription set, string folder) =>
        set.HasPart(folder) || set.HasPart(Path.Combine(folder, set.Name));

    private static DataFormatException Missing(DataSetDescription set, string folder, string place) => new(Directory.Exists(folder)
        ? $"The folder '{folder}' ({place}) does not hold the data set {set.Name}: neither there nor in its subfolder '{set.Name}' "
            + $"is there {set.Missing(folder)}; put the files there or name another folder."
        : $"The folder '{folder}' ({place}) {(File.Exists(folder) ? "is a file" : "does not exist")}, where the data set {set.Name} or its "
            + $"subfolder '{set.Name}' was looked for; name another folder.");

    private sealed class DownloadReports(IProgress<LoadingProgress> progress) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) =>
            progress.Report(new LoadingProgress($"Downloading {value.FileName}", value.BytesDone, value.BytesTotal, "B"));
    }
}
