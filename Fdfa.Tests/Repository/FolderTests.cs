using System.Text.RegularExpressions;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Repository;

/// <summary>What the folders of a project know of each other.</summary>
public sealed partial class FolderTests
{
    /// <summary>Of two folders one at most uses the other: each can be read without what is built on it.</summary>
    [SkippableTheory]
    [InlineData("Fdfa.Cpu.Reference")]
    [InlineData("Fdfa.Gpu.Kernels")]
    [InlineData("Fdfa.Gpu")]
    [InlineData("Fdfa.Experiments")]
    public void No_two_folders_use_each_other(string project)
    {
        Skip.If(SharedData.Repository is null, "Needs the sources beside the tests.");
        HashSet<(string User, string Used)> uses =
        [
            .. from folder in Directory.EnumerateDirectories(Path.Combine(SharedData.Repository, project))
               from file in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
               from Match match in Using().Matches(File.ReadAllText(file))
               where match.Groups["project"].Value == project
               select (Path.GetFileName(folder), match.Groups["folder"].Value),
        ];

        Assert.NotEmpty(uses);
        Assert.DoesNotContain(uses, use => use.User != use.Used && uses.Contains((use.Used, use.User)));
    }

    [GeneratedRegex(@"^using (?<project>Fdfa(\.\w+)*)\.(?<folder>\w+);", RegexOptions.Multiline)]
    private static partial Regex Using();
}
