namespace Fdfa.Gpu.Checkpoints;

/// <summary>Writes and deletes folders so that a reader finds the whole of one or none.</summary>
/// <remarks>
/// As <see cref="AtomicFile"/> does: a folder grows, and shrinks, under a temporary name, and has its own from one moment to the next.
/// </remarks>
public static class AtomicFolder
{
    /// <summary>Creates or replaces a folder of files. Where one is replaced, there is none for a moment.</summary>
    /// <param name="path">The final name.</param>
    /// <param name="fill">Writes files into the folder that it is given; when it throws, that is deleted and nothing else changes.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Something does not permit it.</exception>
    public static void Write(string path, Action<string> fill)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(fill);
        var parent = ParentOf(path);
        var temporary = AtomicFile.TemporaryPath(path);
        try
        {
            Directory.CreateDirectory(temporary);
            fill(temporary);
            foreach (var file in Directory.EnumerateFiles(temporary))
            {
                Disk.FlushFile(file);
            }

            Disk.FlushFolder(temporary);
            Delete(path);
            Directory.Move(temporary, path);
            Disk.FlushFolder(parent);
        }
        catch
        {
            DeleteIfPossible(temporary);
            throw;
        }
    }

    /// <summary>Deletes a folder, if it is there.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">Something does not permit it.</exception>
    public static void Delete(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            var temporary = AtomicFile.TemporaryPath(path);
            Directory.Move(path, temporary);
            Disk.FlushFolder(ParentOf(path));
            Directory.Delete(temporary, recursive: true);
        }
    }

    /// <summary>What a process that was killed left behind in a folder: folders that never got their final name, or had lost it.</summary>
    /// <param name="folder">A folder that exists.</param>
    public static IEnumerable<string> Abandoned(string folder) =>
        Directory.EnumerateDirectories(folder, ".*.tmp").Where(AtomicFile.IsTemporary);

    private static string ParentOf(string path) =>
        Path.GetDirectoryName(Path.GetFullPath(path)) ?? throw new IOException($"'{path}' is no folder within another.");

    private static void DeleteIfPossible(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The failure that brought us here says more than a temporary folder that stays.
        }
    }
}
