using Fdfa.Tests.Data;

namespace Fdfa.Tests.Repository;

/// <summary>What every source file keeps to.</summary>
public sealed class LineLengthTests
{
    private const int MostCharacters = 140;

    [SkippableFact]
    public void No_line_of_the_sources_is_longer_than_140_characters()
    {
        string? root = SharedData.Repository;
        Skip.If(root is null, "The sources are not beside the tests.");

        string[] tooLong = [.. Sources(root!).SelectMany(file => TooLong(Path.GetRelativePath(root!, file), File.ReadLines(file)))];

        Assert.True(
            tooLong.Length == 0, $"{tooLong.Length} line(s) are longer than {MostCharacters} characters:\n{string.Join('\n', tooLong)}");
    }

    [Fact]
    public void A_line_is_measured_in_characters_not_in_bytes_or_UTF_16_units() => Assert.Equal(
        ["file.cs:2: 141 characters"],
        TooLong("file.cs", [string.Concat(Enumerable.Repeat("∂\U0001d6c5", 70)), new string('∂', 141), new string('a', 140)]));

    private static IEnumerable<string> TooLong(string file, IEnumerable<string> lines) => lines
        .Select((line, index) => (Number: index + 1, Length: line.EnumerateRunes().Count()))
        .Where(line => line.Length > MostCharacters)
        .Select(line => $"{file}:{line.Number}: {line.Length} characters");

    /// <summary>Without what builds put beside them, which has generated code, and without hidden folders.</summary>
    private static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(folder, "*.cs").Concat(
        Directory.EnumerateDirectories(folder).Where(inner => !IsLeftOut(Path.GetFileName(inner))).SelectMany(Sources));

    private static bool IsLeftOut(string folder) => folder is "bin" or "obj" || folder.StartsWith('.');
}
