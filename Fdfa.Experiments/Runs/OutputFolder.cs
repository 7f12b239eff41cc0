using System.Globalization;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Runs;

/// <summary>
/// A folder that <c>--output</c> names: proved writable before anything costly begins, and taken away again if nothing was written to it.
/// </summary>
/// <remarks>Who writes a run claims its folder first, by a lock within it; who cannot have the lock has touched nothing.</remarks>
internal sealed class OutputFolder : IDisposable
{
    /// <summary>What is written to prove that something can be.</summary>
    public const string ProbeFile = ".fdfa-write-test";

    /// <summary>The lock of a folder that is claimed.</summary>
    public const string LockFile = ".fdfa-lock";

    private readonly Stack<string> _created;
    private readonly FileLock? _lock;

    private OutputFolder(string path, Stack<string> created, FileLock? @lock)
    {
        Path = path;
        _created = created;
        _lock = @lock;
    }

    /// <summary>Where it is, as it was asked for.</summary>
    public string Path { get; }

    /// <summary>Whether it is claimed, and still the folder that was.</summary>
    public bool IsClaimed => _lock is { IsInPlace: true };

    /// <summary>The lock of a folder that is claimed.</summary>
    public static string LockPath(string path) => System.IO.Path.Combine(path, LockFile);

    /// <summary>Claims a new or empty folder.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="FolderTakenException">It is not empty or a file, or another process has claimed it.</exception>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static OutputFolder Create(string path)
    {
        RequireEmpty(path);
        OutputFolder claimed = Open(path, "--output", FolderTakenException.AtWorkIn);
        try
        {
            // Again, now that nobody else can begin here. What is deleted is all that a process killed before its run began leaves.
            RequireEmpty(path);
            foreach (string leftover in AtomicFile.Abandoned(path).ToList())
            {
                File.Delete(leftover);
            }

            return claimed;
        }
        catch
        {
            claimed.Dispose();
            throw;
        }
    }

    /// <summary>Claims the first folder that nobody has, of a path and the same path with a number after it.</summary>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static OutputFolder CreateFirstFree(string path)
    {
        for (var number = 1; ; number++)
        {
            try
            {
                return Create(number == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{number}"));
            }
            catch (FolderTakenException)
            {
            }
        }
    }

    /// <summary>Claims the folder of a run, with all that is in it.</summary>
    /// <param name="path">The folder; created where it is missing.</param>
    /// <exception cref="FolderTakenException">Another process has claimed it.</exception>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static OutputFolder Claim(string path) => Open(path, "--output", FolderTakenException.AtWorkOn);

    /// <summary>Creates a folder where it is missing, and proves that files can be written to it; others may do the same.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="option">What names it, for messages.</param>
    /// <exception cref="FolderTakenException">It is a file.</exception>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static OutputFolder Open(string path, string option = "--output") => Open(path, option, taken: null);

    /// <summary>Gives the folder to other processes, and takes away those that were created and are empty.</summary>
    public void Dispose()
    {
        _lock?.Dispose();
        RemoveEmpty(_created);
    }

    /// <param name="path">The folder.</param>
    /// <param name="option">What names it.</param>
    /// <param name="taken">What to throw where another process has claimed it; null to claim nothing.</param>
    private static OutputFolder Open(string path, string option, Func<string, FolderTakenException>? taken)
    {
        var created = new Stack<string>();
        FileLock? claim = null;
        try
        {
            string full = System.IO.Path.GetFullPath(path);
            if (File.Exists(full))
            {
                throw new FolderTakenException($"The output folder '{path}' is a file; choose another folder with {option}.");
            }

            for (string? folder = full; folder is not null && !Directory.Exists(folder); folder = System.IO.Path.GetDirectoryName(folder))
            {
                created.Push(folder);
            }

            // From the outermost folder inwards; the reverse of it removes them.
            created = new Stack<string>(created.ToArray());
            Directory.CreateDirectory(full);
            if (taken is not null)
            {
                claim = FileLock.TryTake(LockPath(full)) ?? throw taken(path);
            }

            string probe = System.IO.Path.Combine(full, ProbeFile);
            using (var file = new FileStream(probe, FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.DeleteOnClose))
            {
                file.WriteByte(0);
            }

            return new OutputFolder(path, created, claim);
        }
        catch (Exception failure)
        {
            claim?.Dispose();
            RemoveEmpty(created);
            if (IsOfFileSystem(failure))
            {
                throw CannotBeWritten(failure, path, option);
            }

            throw;
        }
    }

    private static void RequireEmpty(string path)
    {
        try
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Except(AtomicFile.Abandoned(path)).Any(IsOfUse))
            {
                throw new FolderTakenException(
                    $"The output folder '{path}' is not empty; choose a new one with --output, so that no run is overwritten.");
            }
        }
        catch (Exception failure) when (IsOfFileSystem(failure))
        {
            throw CannotBeWritten(failure, path, "--output");
        }
    }

    private static bool IsOfUse(string entry) => System.IO.Path.GetFileName(entry) is not (LockFile or ProbeFile);

    private static bool IsOfFileSystem(Exception failure) =>
        failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    private static RunFolderException CannotBeWritten(Exception failure, string path, string option) =>
        new($"The output folder '{path}' cannot be written ({failure.Message.TrimEnd('.')}); choose another with {option}.", failure);

    private static void RemoveEmpty(Stack<string> folders)
    {
        foreach (string folder in folders)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (Exception stays) when (stays is IOException or UnauthorizedAccessException)
            {
                // It has something in it, or is gone already.
                return;
            }
        }
    }
}
