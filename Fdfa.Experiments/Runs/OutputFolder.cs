using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Runs;

/// <summary>A folder that <c>--output</c> names: proved writable before anything costly begins, and taken away again if nothing was written to it.</summary>
internal sealed class OutputFolder : IDisposable
{
    /// <summary>What is written to prove that something can be.</summary>
    public const string ProbeFile = ".fdfa-write-test";

    private readonly Stack<string> _created;

    private OutputFolder(string path, Stack<string> created)
    {
        Path = path;
        _created = created;
    }

    /// <summary>Where it is, as it was asked for.</summary>
    public string Path { get; }

    /// <summary>Creates the folder where it is missing, and proves that files can be written to it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="mustBeEmpty">Whether files in it are a reason to refuse.</param>
    /// <param name="option">What names it, for messages.</param>
    /// <exception cref="RunFolderException">It is not empty, or cannot be written.</exception>
    public static OutputFolder Create(string path, bool mustBeEmpty, string option = "--output")
    {
        var created = new Stack<string>();
        try
        {
            string full = System.IO.Path.GetFullPath(path);
            if (File.Exists(full))
            {
                throw new RunFolderException($"The output folder '{path}' is a file; choose another folder with {option}.");
            }

            string probe = System.IO.Path.Combine(full, ProbeFile);
            if (mustBeEmpty && Directory.Exists(full))
            {
                // A process that was killed before its run began leaves no more than this.
                List<string> leftovers = [.. AtomicFile.Abandoned(full)];
                if (Directory.EnumerateFileSystemEntries(full).Except(leftovers).Any(entry => entry != probe))
                {
                    throw new RunFolderException($"The output folder '{path}' is not empty; choose a new one with {option}, so that no run is overwritten.");
                }

                leftovers.ForEach(File.Delete);
            }

            for (string? folder = full; folder is not null && !Directory.Exists(folder); folder = System.IO.Path.GetDirectoryName(folder))
            {
                created.Push(folder);
            }

            // From the outermost folder inwards; the reverse of it removes them.
            created = new Stack<string>(created.ToArray());
            Directory.CreateDirectory(full);
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
            return new OutputFolder(path, created);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            RemoveEmpty(created);
            throw new RunFolderException(
                $"The output folder '{path}' cannot be written ({failure.Message.TrimEnd('.')}); choose another with {option}.", failure);
        }
    }

    /// <summary>Creates and proves the folder of a file that is to be written there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="option">What names it, for messages.</param>
    /// <exception cref="RunFolderException">It is a folder itself, or its folder cannot be written.</exception>
    public static OutputFolder OfFile(string path, string option)
    {
        if (Directory.Exists(path))
        {
            throw new RunFolderException($"The value '{path}' of {option} is a folder; give the name of a file.");
        }

        return Create(System.IO.Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".", mustBeEmpty: false, option);
    }

    /// <summary>Takes away the folders that were created and are empty.</summary>
    public void Dispose() => RemoveEmpty(_created);

    private static void RemoveEmpty(Stack<string> folders)
    {
        foreach (string folder in folders)
        {
            if (!Directory.Exists(folder) || Directory.EnumerateFileSystemEntries(folder).Any())
            {
                return;
            }

            Directory.Delete(folder);
        }
    }
}
