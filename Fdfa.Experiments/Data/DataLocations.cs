using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Data;

/// <summary>Where data sets are looked for, in this order, and where a download goes.</summary>
/// <param name="DataFolder">The option --data-dir: when given, nowhere else is looked.</param>
/// <param name="VariableFolder">The environment variable FDFA_DATA.</param>
/// <param name="CacheFolder">One folder per data set below it; downloads go here.</param>
/// <param name="SystemFolders">One folder per data set below each.</param>
internal sealed record DataLocations(
    string? DataFolder, string? VariableFolder, string CacheFolder, IReadOnlyList<string> SystemFolders)
{
    /// <summary>The environment variable that names a folder of data sets.</summary>
    public const string Variable = "FDFA_DATA";

    /// <summary>The places that this machine's customs prescribe.</summary>
    /// <param name="dataFolder">The option --data-dir.</param>
    /// <param name="readVariable">Reads an environment variable; null for the process's own.</param>
    public static DataLocations Discover(string? dataFolder, Func<string, string?>? readVariable = null)
    {
        readVariable ??= Environment.GetEnvironmentVariable;
        return new DataLocations(
            dataFolder,
            readVariable(Variable) is { Length: > 0 } folder ? folder : null,
            UserCache.Folder(readVariable),
            // Where Debian's packages of data sets put their files.
            OperatingSystem.IsLinux() ? ["/usr/share/datasets"] : []);
    }
}
