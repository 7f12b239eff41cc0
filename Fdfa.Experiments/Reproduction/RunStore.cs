using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Reproduction;

/// <summary>What a stored run came to.</summary>
/// <param name="Accuracies">Test accuracy after the last epoch, 0…1, one per seed; empty when it diverged.</param>
/// <param name="Divergence">How it diverged, as a sentence; else null.</param>
/// <param name="Configuration">What it was, and where it ran.</param>
/// <param name="Folder">The name of its folder in the store.</param>
internal sealed record StoredRun(IReadOnlyList<double> Accuracies, string? Divergence, RunConfiguration Configuration, string Folder)
{
    /// <summary>Validation accuracy after the last epoch, 0…1; null where nothing was set aside.</summary>
    public SeedSpread? ValidationAccuracy { get; init; }
}

/// <summary>A run that was stopped and can go on.</summary>
/// <param name="Folder">Its folder; the caller's to dispose of.</param>
/// <param name="Configuration">What it was begun as.</param>
/// <param name="Start">Where it goes on.</param>
internal sealed record UnfinishedRun(RunFolder Folder, RunConfiguration Configuration, Checkpoint Start);

/// <summary>A folder of run folders, one per <see cref="RunKey"/>: what is finished there is never trained again.</summary>
/// <remarks>
/// Runs on other data have other keys, and folders side by side. Before the data were part of the key a run's folder had one name for all
/// data; it is found again where its config.json has the same data.
/// A run is finished when metrics.csv has every epoch of every seed, or when it diverged and says so. Both appear in one
/// rename, so that a process killed at any moment leaves a run that is finished or one that is not, and the latter goes
/// on from its newest checkpoint. One process at a time writes to a store, or several of them a run each: they hold locks that the
/// system takes back when they die.
/// </remarks>
internal sealed class RunStore : IDisposable
{
    /// <summary>Begins the name of the lock of a run; its key follows.</summary>
    private const string RunLockPrefix = OutputFolder.LockFile + "-";

    private readonly OutputFolder _folder;

    /// <summary>Of the store, and before it of the one run that this process may train; none where it trains nothing.</summary>
    private readonly IReadOnlyList<FileLock> _locks;

    private readonly HashSet<string> _told = [];

    private RunStore(OutputFolder folder, params IReadOnlyList<FileLock> locks) => (_folder, _locks) = (folder, locks);

    /// <summary>Where it is, as it was asked for.</summary>
    public string Path => _folder.Path;

    /// <summary>Opens a store, or begins one.</summary>
    /// <exception cref="FolderTakenException">Another process writes to it.</exception>
    /// <exception cref="RunFolderException">The folder cannot be written.</exception>
    public static RunStore Open(string path) => Hold(path, folder =>
    {
        var store = new RunStore(folder, Lock(path, OutputFolder.LockFile));
        foreach (string file in AtomicFile.Abandoned(path).Concat(Directory.EnumerateFiles(path, RunLockPrefix + "*")).ToList())
        {
            File.Delete(file);
        }

        return store;
    });

    /// <summary>Opens a store whose runs are only read, whoever trains them meanwhile.</summary>
    /// <exception cref="RunFolderException">There is none, or nothing can be written beside its runs.</exception>
    public static RunStore OpenToRead(string path) => Directory.Exists(path)
        ? Hold(path, folder => new RunStore(folder))
        : throw new RunFolderException(
            $"There is no folder '{path}' with runs of a sweep; give the one that they were trained into with --output.");

    /// <summary>Opens a store to train one run of it, beside processes here or on other machines that train others.</summary>
    /// <exception cref="FolderTakenException">Another process trains this run, or all of them.</exception>
    /// <exception cref="RunFolderException">The folder cannot be written.</exception>
    public static RunStore OpenFor(string path, RunRequest request) => Hold(path, folder =>
    {
        // Shared with those who train other runs; it keeps away those who want all of the store.
        FileLock shared = Lock(path, OutputFolder.LockFile, isShared: true);
        try
        {
            return new RunStore(folder, Lock(path, RunLockPrefix + RunKey.OfAnyData(request)), shared);
        }
        catch
        {
            shared.Dispose();
            throw;
        }
    });

    /// <summary>The folder of a run on its data.</summary>
    public string PathOf(RunRequest request)
    {
        string older = System.IO.Path.Combine(Path, RunKey.OfAnyData(request));
        return request.DataSha256 is null || (RunFolder.Is(older) && TryReadConfiguration(older)?.HasData(request.DataSha256) == true)
            ? older
            : System.IO.Path.Combine(Path, RunKey.Of(request));
    }

    /// <summary>Finds a finished run.</summary>
    /// <param name="request">The run, with its data.</param>
    /// <param name="tell">
    /// Given a sentence about a run that is there and cannot be read, or is of other data, each once; null where nothing is to be said.
    /// </param>
    /// <returns>Null where it is to be trained.</returns>
    public StoredRun? Find(RunRequest request, Action<string>? tell)
    {
        string folder = PathOf(request);
        if (!RunFolder.Is(folder))
        {
            TellOfOtherData(request, folder, tell);
            return null;
        }

        try
        {
            return Read(request);
        }
        catch (Exception failure) when (failure is FdfaException or IOException or UnauthorizedAccessException)
        {
            Tell(tell, $"A stored run is trained again, because it cannot be read: {failure.Message}");
            return null;
        }
    }

    /// <summary>Reads a finished run.</summary>
    /// <param name="request">The run, with its data.</param>
    /// <returns>Null where it is not finished.</returns>
    /// <exception cref="RunFolderException">It cannot be read.</exception>
    public StoredRun? Read(RunRequest request) => Read(PathOf(request), request);

    /// <summary>
    /// Opens a run that was stopped, on this device or another: a table reports a distribution, as <see cref="RunKey"/> says.
    /// </summary>
    /// <param name="request">The run.</param>
    /// <param name="data">What it would go on with.</param>
    /// <param name="verbose">Whether its log goes to standard error too.</param>
    /// <returns>Null where it cannot go on, or has not got to its first checkpoint.</returns>
    /// <exception cref="FolderTakenException">Another process trains it.</exception>
    public UnfinishedRun? Continue(RunRequest request, DataDescription data, bool verbose)
    {
        string path = PathOf(request);
        RunFolder? folder = null;
        try
        {
            RunConfiguration configuration = RunFolder.ReadConfiguration(path);
            configuration.RequireSameData(data);
            if (RunKey.OfAnyData(configuration.ToRequest()) == RunKey.OfAnyData(request))
            {
                folder = RunFolder.Reopen(path, verbose);
                if (folder.FindCheckpoint(configuration) is { } start)
                {
                    return new UnfinishedRun(folder, configuration, start);
                }
            }
        }
        catch (Exception failure)
            when (failure is (FdfaException and not FolderTakenException) or IOException or UnauthorizedAccessException)
        {
            // What is left of it is no use; it is trained anew.
        }

        folder?.Dispose();
        return null;
    }

    /// <summary>An empty folder for a run; what an unfinished or damaged one left behind is deleted.</summary>
    /// <exception cref="FolderTakenException">Another process trains it.</exception>
    /// <exception cref="RunFolderException">The folder holds files that are not a run's, or cannot be written.</exception>
    public RunFolder Begin(RunRequest request, bool verbose) => RunFolder.Renew(PathOf(request), verbose);

    /// <summary>Deletes the checkpoints of a finished run, unless somebody trains it on.</summary>
    /// <remarks>A process that was killed after its last metrics did not get to it.</remarks>
    public void DeleteCheckpoints(RunRequest request)
    {
        if (RunCheckpoints.Exist(PathOf(request)))
        {
            try
            {
                using RunFolder folder = RunFolder.Reopen(PathOf(request), verbose: false);
                folder.DeleteCheckpoints();
            }
            catch (FolderTakenException)
            {
            }
        }
    }

    /// <summary>Records that a run diverged: it would do so again.</summary>
    public void WriteDivergence(RunRequest request, string sentence) =>
        WriteText(RunFolder.DivergencePath(PathOf(request)), sentence + "\n");

    /// <summary>Writes a file beside the runs, anew.</summary>
    public void Write(string name, string text) => WriteText(System.IO.Path.Combine(Path, name), text);

    /// <summary>Writes a file beside the runs, anew.</summary>
    public void Write(string name, byte[] bytes) => WriteBytes(System.IO.Path.Combine(Path, name), bytes);

    /// <summary>Gives the folder back to other processes, and takes it away if nothing was stored.</summary>
    public void Dispose()
    {
        foreach (FileLock held in _locks)
        {
            held.Dispose();
        }

        _folder.Dispose();
    }

    private static RunStore Hold(string path, Func<OutputFolder, RunStore> hold)
    {
        OutputFolder folder = OutputFolder.Open(path);
        try
        {
            return hold(folder);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private static FileLock Lock(string path, string name, bool isShared = false) =>
        FileLock.TryTake(System.IO.Path.Combine(path, name), isShared) ?? throw FolderTakenException.AtWorkIn(path);

    private static StoredRun? Read(string folder, RunRequest request)
    {
        RunConfiguration configuration = RunFolder.ReadConfiguration(folder);
        if (RunKey.OfAnyData(configuration.ToRequest()) != RunKey.OfAnyData(request) || !configuration.HasData(request.DataSha256))
        {
            throw new RunFolderException($"The config.json of '{folder}' is that of another run.");
        }

        string name = System.IO.Path.GetFileName(folder);
        string divergence = RunFolder.DivergencePath(folder);
        if (File.Exists(divergence))
        {
            return new StoredRun([], File.ReadAllText(divergence).Trim(), configuration, name);
        }

        IReadOnlyList<MetricsRow> rows = RunFolder.ReadMetrics(folder);
        if (!MetricsTable.IsComplete(rows, configuration))
        {
            return null;
        }

        MetricsRow[] last = [.. rows.TakeLast(request.Seeds.Count)];
        double[] accuracies = [.. last.Select(row => row.TestAccuracy)];
        return accuracies.All(accuracy => accuracy is >= 0 and <= 1)
            ? new StoredRun(accuracies, Divergence: null, configuration, name)
            {
                ValidationAccuracy = MetricsTable.Validation(last, validation => validation.Accuracy),
            }
            : throw new RunFolderException($"The last epoch in the metrics.csv of '{folder}' has a test accuracy that is none.");
    }

    /// <summary>Somebody who trained on other files of the same name, and as many, must not take the one result for the other.</summary>
    private void TellOfOtherData(RunRequest request, string folder, Action<string>? tell)
    {
        if (tell is not null && RunsOf(request).FirstOrDefault() is ({ } other, { } configuration))
        {
            Tell(
                tell,
                $"The run stored in '{other}' was trained on other samples of {request.DataName}, from {configuration.Data.Source}: "
                + $"it stays as it is, and the run is trained anew, in '{folder}'.");
        }
    }

    private void Tell(Action<string>? tell, string sentence)
    {
        if (tell is not null && _told.Add(sentence))
        {
            tell(sentence);
        }
    }

    /// <summary>The folders of a run, on whatever data, that can be read.</summary>
    private IEnumerable<(string Folder, RunConfiguration Configuration)> RunsOf(RunRequest request) =>
        from folder in Directory.EnumerateDirectories(Path, RunKey.OfAnyData(request) + "*").Order(StringComparer.Ordinal)
        where RunKey.Is(System.IO.Path.GetFileName(folder), request) && RunFolder.Is(folder)
        let configuration = TryReadConfiguration(folder)
        where configuration is not null
        select (folder, configuration!);

    private static RunConfiguration? TryReadConfiguration(string folder)
    {
        try
        {
            return RunFolder.ReadConfiguration(folder);
        }
        catch (Exception failure) when (failure is FdfaException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void WriteText(string path, string text) => WriteBytes(path, Encoding.UTF8.GetBytes(text));

    private static void WriteBytes(string path, byte[] bytes) => AtomicFile.Write(path, stream => stream.Write(bytes));
}
