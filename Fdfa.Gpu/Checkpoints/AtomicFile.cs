using System.Text.RegularExpressions;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>Writes files so that a reader finds the old file or the whole new one, never a part of it.</summary>
/// <remarks>
/// A file grows under a temporary name in the folder of its final one, because a rename is atomic only within a
/// file system; it is flushed to disk before the rename, so that a power cut cannot leave the new name on old bytes.
/// </remarks>
public static partial class AtomicFile
{
    /// <summary>Creates or replaces a regular file, and its folder where that is missing. Symbolic links are followed.</summary>
    /// <param name="path">The final name.</param>
    /// <param name="write">Writes the contents; when it throws, the temporary file is deleted and nothing else changes.</param>
    /// <exception cref="IOException">The file cannot be written, or the name is that of a folder, a device, a pipe or a socket.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder or the file does not permit it.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var target = TargetOf(path);
        if (ObstacleAt(target) is { } obstacle)
        {
            throw new IOException($"'{path}' is {obstacle}.");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var temporary = TemporaryPath(target);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
            }

            MoveIntoPlace(temporary, target);
        }
        catch
        {
            DeleteIfPossible(temporary);
            throw;
        }
    }

    /// <summary>Gives a file that is written to its end its final name, in the same folder.</summary>
    /// <param name="temporary">The finished file, closed.</param>
    /// <param name="path">The final name; a file that has it is replaced.</param>
    /// <exception cref="IOException">The file cannot be flushed or renamed.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder or the file does not permit it.</exception>
    public static void MoveIntoPlace(string temporary, string path)
    {
        Disk.FlushFile(temporary);
        File.Move(temporary, path, overwrite: true);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Disk.FlushFolder(folder);
        }
    }

    /// <summary>The file that writing to a path creates or replaces: a full path without symbolic links.</summary>
    /// <param name="path">It need not exist.</param>
    /// <exception cref="IOException">The links run in a circle.</exception>
    public static string TargetOf(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } folder)
        {
            return full;
        }

        var here = Path.Combine(TargetOf(folder), Path.GetFileName(full));
        return new FileInfo(here).LinkTarget is null ? here : TargetOf(File.ResolveLinkTarget(here, returnFinalTarget: true)!.FullName);
    }

    /// <summary>What is in the place of a file and must not be replaced by one, in words.</summary>
    /// <remarks>A folder, or a device, a pipe or a socket; these are known on Linux only.</remarks>
    /// <param name="path">It need not exist.</param>
    /// <returns>Null where there is a regular file, or nothing.</returns>
    public static string? ObstacleAt(string path) =>
        Directory.Exists(path) ? "a folder"
        : Disk.IsSpecial(path) ? "no regular file"
        : null;

    /// <summary>What a process that was killed left behind in a folder: files that never got their final name.</summary>
    /// <param name="folder">A folder that exists.</param>
    public static IEnumerable<string> Abandoned(string folder) =>
        Directory.EnumerateFiles(folder, ".*.tmp").Where(IsTemporary);

    /// <summary>Whether a file or folder has a temporary name: its writing is under way, or was when the process was killed.</summary>
    /// <param name="path">The path, or the name alone.</param>
    public static bool IsTemporary(string path) => TemporaryName().IsMatch(Path.GetFileName(path));

    /// <summary>A name beside a final one that nobody else has.</summary>
    internal static string TemporaryPath(string path) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");

    [GeneratedRegex(@"^\..+\.[0-9a-f]{32}\.tmp$")]
    private static partial Regex TemporaryName();

    private static void DeleteIfPossible(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The failure that brought us here says more than a temporary file that stays.
        }
    }
}
