using Fdfa.Tests.Data;
using Snapshooter;

namespace Fdfa.Tests;

/// <summary>Text compared with a file in the repository. The only place that knows which library does it.</summary>
internal static class Snapshot
{
    private const string Folder = "__snapshots__";

    /// <summary>Compares text with its snapshot. Without one the text becomes it, except where CI=true: there it fails.</summary>
    /// <param name="actual">The text; line endings and trailing blanks do not count.</param>
    /// <param name="name">The snapshot's name, unique among all tests.</param>
    public static void Match(string actual, string name)
    {
        // Named by the folder, not by the caller's source path: a CI build maps those to a path that does not exist.
        string? repository = SharedData.Repository;
        Skip.If(repository is null, "The snapshots lie in the repository, and the tests run without it.");
        string tests = Path.Combine(repository!, "Fdfa.Tests");
        string file = name + ".snap";
        if (Environment.GetEnvironmentVariable("CI") == "true" && !File.Exists(Path.Combine(tests, Folder, file)))
        {
            Assert.Fail($"There is no snapshot {Folder}/{file}; run the test without CI=true, read the new file and commit it.");
        }

        Snapshooter.Xunit.Snapshot.Match(Normalise(actual), new SnapshotFullName(file, tests));
    }

    private static string Normalise(string text) =>
        string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())).TrimEnd() + "\n";
}
