using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Runs;

/// <summary>A folder that holds something already, or that another process is at work in.</summary>
internal sealed class FolderTakenException(string message) : FdfaException(message)
{
    /// <summary>Another process is at work in a folder that <c>--output</c> names.</summary>
    public static FolderTakenException AtWorkIn(string path) =>
        new($"Another fdfa is at work in the folder '{path}'; wait until it ends, or choose another with --output.");

    /// <summary>Another process is at work on a run.</summary>
    public static FolderTakenException AtWorkOn(string run) =>
        new($"Another fdfa is at work on the run '{run}'; wait until it ends.");
}
