namespace Fdfa.Tests.CommandLine;

/// <summary>What <c>fdfa reproduce all --quick</c> left in a folder: it takes minutes, and several tests look at it.</summary>
internal static class ReproducedFolder
{
    private const string Variable = "FDFA_REPRODUCED";

    /// <summary>The folder; a test that asks for it is skipped where there is none.</summary>
    public static string Path
    {
        get
        {
            string? folder = Environment.GetEnvironmentVariable(Variable);
            Skip.If(
                string.IsNullOrEmpty(folder),
                $"Takes minutes; run 'fdfa reproduce all --quick --output FOLDER' and set {Variable}=FOLDER, as .ci/run does.");
            return folder!;
        }
    }

    /// <summary>The rows of a CSV file of it, each by the names of its columns.</summary>
    public static IReadOnlyList<Dictionary<string, string>> Rows(string name)
    {
        string[][] lines = [.. File.ReadAllLines(System.IO.Path.Combine(Path, name + ".csv")).Select(line => line.Split(','))];
        Assert.All(lines, line => Assert.Equal(lines[0].Length, line.Length));
        return [.. lines.Skip(1).Select(line => lines[0].Zip(line).ToDictionary(cell => cell.First, cell => cell.Second))];
    }
}
