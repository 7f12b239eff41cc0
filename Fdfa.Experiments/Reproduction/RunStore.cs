using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Reproduction;

/// <summary>What a stored run came to.</summary>
/// <param name="Accuracies">Test accuracy after the last epoch, 0…1, one per seed; empty when it diverged.</param>
/// <param name="Divergence">How it diverged, as a sentence; else null.</param>
/// <param name="Configuration">What it was, and where it ran.</param>
internal sealed record StoredRun(IReadOnlyList<double> Accuracies, string? Divergence, RunConfiguration Configuration);

/// <summary>A run that was stopped and can go on.</summary>
/// <param name="Folder">Its folder; the caller's to dispose of.</param>
/// <param name="Configuration">What it was begun as.</param>
/// <param name="Start">Where it goes on.</param>
internal sealed record UnfinishedRun(RunFolder Folder, RunConfiguration Configuration, Checkpoint Start);

/// <summary>A folder of run folders, one per <see cref="RunKey"/>: what is finished there is never trained again.</summary>
/// <remarks>
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
    private readonly FileLock _lock;

    /// <summary>The lock of the one run that this process may train; null where the whole store is its own.</summary>
    private readonly FileLock? _runLock;

    private RunStore(OutputFolder folder, FileLock @lock, FileLock? runLock)
    {
        (_folder, _lock, _runLock) = (folder, @lock, runLock);
        if (runLock is null)
        {
            foreach (string file in AtomicFile.Abandoned(folder.Path).Concat(Directory.EnumerateFiles(folder.Path, RunLockPrefix + "*")).ToList())
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>Where it is, as it was asked for.</summary>
    public string Path => _folder.Path;

    /// <summary>Opens a store, or begins one.</summary>
    /// <exception cref="FolderTakenException">Another process writes to it.</exception>
    /// <exception cref="RunFolderException">The folder cannot be written.</exception>
    public static RunStore Open(string path) => Hold(path, folder => new RunStore(folder, Lock(path, OutputFolder.LockFile), runLock: null));

    /// <summary>Opens a store to train one run of it, beside processes here or on other machines that train others.</summary>
    /// <exception cref="FolderTakenException">Another process trains this run, or all of them.</exception>
    /// <exception cref="RunFolderException">The folder cannot be written.</exception>
    public static RunStore OpenFor(string path, RunRequest request) => Hold(path, folder =>
    {
        // Shared with those who train other runs; it keeps away those who want all of the store.
        FileLock shared = Lock(path, OutputFolder.LockFile, isShared: true);
        try
        {
            return new RunStore(folder, shared, Lock(path, RunLockPrefix + RunKey.Of(request)));
        }
        catch
        {
            shared.Dispose();
            throw;
        }
    });

    /// <summary>The folder of a run.</summary>
    public string PathOf(RunRequest request) => System.IO.Path.Combine(Path, RunKey.Of(request));

    /// <summary>Finds a finished run.</summary>
    /// <param name="request">The run.</param>
    /// <param name="damage">Why a run that is there cannot be read, as a sentence; null for one that is missing or unfinished.</param>
    /// <returns>Null where it is to be trained.</returns>
    public StoredRun? Find(RunRequest request, out string? damage)
    {
        damage = null;
        string folder = PathOf(request);
        try
        {
            return Directory.Exists(folder) && File.Exists(System.IO.Path.Combine(folder, "config.json")) ? Read(folder, request) : null;
        }
        catch (Exception failure) when (failure is FdfaException or IOException or UnauthorizedAccessException)
        {
            damage = failure.Message;
            return null;
        }
    }

    /// <summary>Opens a run that was stopped, on this device or another: a table reports a distribution, as <see cref="RunKey"/> says.</summary>
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
            if (RunKey.Of(configuration.ToRequest()) == RunKey.Of(request))
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
        _runLock?.Dispose();
        _lock.Dispose();
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
        if (RunKey.Of(configuration.ToRequest()) != RunKey.Of(request))
        {
            throw new RunFolderException($"The config.json of '{folder}' is that of another run.");
        }

        string divergence = RunFolder.DivergencePath(folder);
        if (File.Exists(divergence))
        {
            return new StoredRun([], File.ReadAllText(divergence).Trim(), configuration);
        }

        IReadOnlyList<MetricsRow> rows = RunFolder.ReadMetrics(folder);
        if (!MetricsTable.IsComplete(rows, request.Seeds, request.Epochs))
        {
            return null;
        }

        double[] accuracies = [.. rows.TakeLast(request.Seeds.Count).Select(row => row.TestAccuracy)];
        return accuracies.All(accuracy => accuracy is >= 0 and <= 1)
            ? new StoredRun(accuracies, Divergence: null, configuration)
            : throw new RunFolderException($"The last epoch in the metrics.csv of '{folder}' has a test accuracy that is none.");
    }

    private static void WriteText(string path, string text) => WriteBytes(path, Encoding.UTF8.GetBytes(text));

    private static void WriteBytes(string path, byte[] bytes) => AtomicFile.Write(path, stream => stream.Write(bytes));
}
