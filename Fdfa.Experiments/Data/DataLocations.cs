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
            Path.Combine(UserCache(readVariable), "fdfa"),
            // Where Debian's packages of data sets put their files.
            OperatingSystem.IsLinux() ? ["/usr/share/datasets"] : []);
    }

    private static string UserCache(Func<string, string?> readVariable)
    {
        // The XDG specification has relative paths ignored.
        if (readVariable("XDG_CACHE_HOME") is { } xdg && Path.IsPathFullyQualified(xdg))
        {
            return xdg;
        }

        if (OperatingSystem.IsWindows())
        {
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        if (string.IsNullOrEmpty(home))
        {
            // An account without a home, as services have.
            return Path.GetTempPath();
        }

        return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
    }
}
