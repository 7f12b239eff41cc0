namespace Fdfa.Tests.Data;

/// <summary>Real data outside the repository: present where the project is developed, absent in a fresh clone.</summary>
internal static class SharedData
{
    public const string Debian = "/usr/share/datasets/fashion-mnist";

    /// <summary>The folder with Fdfa.sln, or null where the tests run without their sources.</summary>
    public static string? Repository
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "Fdfa.sln")))
                {
                    return folder.FullName;
                }
            }

            return null;
        }
    }

    /// <summary>A folder beside the repository, in shared/data; skips the test where it is absent.</summary>
    public static string Folder(string name)
    {
        var folder = Repository is { } root ? Path.GetFullPath(Path.Combine(root, "..", "shared", "data", name)) : null;
        Skip.IfNot(Directory.Exists(folder), $"No folder ../shared/data/{name} beside the repository.");
        return folder!;
    }
}
