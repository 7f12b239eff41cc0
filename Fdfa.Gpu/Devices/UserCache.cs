namespace Fdfa.Gpu.Devices;

/// <summary>Where this user's programs keep what can be made again.</summary>
public static class UserCache
{
    /// <summary>fdfa's folder there, which may not exist yet.</summary>
    /// <param name="readVariable">Reads an environment variable; null for the process's own.</param>
    public static string Folder(Func<string, string?>? readVariable = null) =>
        Path.Combine(Parent(readVariable ?? Environment.GetEnvironmentVariable), "fdfa");

    private static string Parent(Func<string, string?> readVariable)
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
