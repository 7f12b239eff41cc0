using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Runs;

/// <summary>The files that options name: each nobody's, and its folder proved writable, before anything costly begins.</summary>
internal sealed class OutputFiles : IDisposable
{
    private readonly bool _replaces;
    private readonly Dictionary<string, Option> _options = [];
    private readonly Stack<OutputFolder> _folders = new();

    private OutputFiles(bool replaces) => _replaces = replaces;

    /// <summary>Creates and proves the folders of the files.</summary>
    /// <param name="replaces">Whether a file that is there already may be replaced; one of a run never is.</param>
    /// <param name="asked">The files; null where an option is not given.</param>
    /// <exception cref="InvalidOptionException">Something of that name is there, or two have the same.</exception>
    /// <exception cref="RunFolderException">A folder cannot be written.</exception>
    public static OutputFiles Open(bool replaces, params IEnumerable<(string? Path, Option Option)> asked)
    {
        var files = new OutputFiles(replaces);
        try
        {
            foreach ((string? path, Option option) in asked)
            {
                if (path is not null)
                {
                    files.Add(path, option);
                }
            }

            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Writes one of the files.</summary>
    /// <param name="path">As it was asked for.</param>
    /// <param name="write">Given the path.</param>
    /// <exception cref="InvalidOptionException">Something of that name has come to be there.</exception>
    public void Write(string path, Action<string> write)
    {
        RequireFree(path, _options[path]);
        write(path);
    }

    /// <summary>Writes one of the files.</summary>
    /// <param name="path">As it was asked for.</param>
    /// <param name="bytes">All of it.</param>
    /// <exception cref="InvalidOptionException">Something of that name has come to be there.</exception>
    public void Write(string path, byte[] bytes) => Write(path, file => AtomicFile.Write(file, stream => stream.Write(bytes)));

    /// <summary>Takes away the folders that were created and are empty.</summary>
    public void Dispose()
    {
        foreach (OutputFolder folder in _folders)
        {
            folder.Dispose();
        }
    }

    private void Add(string path, Option option)
    {
        RequireFree(path, option);
        string target = AtomicFile.TargetOf(path);
        if (_options.FirstOrDefault(other => AtomicFile.TargetOf(other.Key) == target).Value is { } twin)
        {
            throw new InvalidOptionException($"The options {twin.Name} and {option.Name} name the same file '{path}'; give each its own.");
        }

        _options.Add(path, option);
        _folders.Push(OutputFolder.Open(Path.GetDirectoryName(target)!, option.Name));
    }

    private void RequireFree(string path, Option option)
    {
        string target = AtomicFile.TargetOf(path);
        string? problem =
            AtomicFile.ObstacleAt(target) is { } obstacle
                ? $"The value '{path}' of {option.Name} is {obstacle}; give the name of a file."
            : RunFolder.OwnerOf(target) is { } run
                ? $"The value '{path}' of {option.Name} is a file of the run in '{run}'; give another name."
            : File.Exists(target) && !_replaces
                ? $"The file '{path}' of {option.Name} is there already; choose another name, or add --force to replace it."
            : null;
        if (problem is not null)
        {
            throw new InvalidOptionException(problem);
        }
    }
}
