using Fdfa.Gpu.Checkpoints;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Checkpoints;

public sealed class AtomicFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_folder_is_made_and_replaced_as_a_whole()
    {
        var path = folder.File("new/folder");
        AtomicFolder.Write(path, inside => File.WriteAllText(Path.Combine(inside, "old"), "1"));
        AtomicFolder.Write(path, inside =>
        {
            File.WriteAllText(Path.Combine(inside, "new"), "2");
            Assert.Equal([Path.Combine(path, "old")], Directory.GetFiles(path));
        });
        Assert.Equal([Path.Combine(path, "new")], Directory.GetFiles(path));
        Assert.Equal([path], Directory.GetDirectories(folder.File("new")));
    }

    [Fact]
    public void A_failure_leaves_the_old_folder_and_nothing_else()
    {
        var path = folder.File("folder");
        folder.Write("folder/file", [1]);
        Assert.Throws<InvalidOperationException>(() => AtomicFolder.Write(path, inside =>
        {
            File.WriteAllText(Path.Combine(inside, "file"), "2");
            throw new InvalidOperationException();
        }));
        Assert.Equal([1], File.ReadAllBytes(Path.Combine(path, "file")));
        Assert.Equal([path], Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public void A_deleted_folder_is_gone_and_one_that_is_not_there_too()
    {
        folder.Write("folder/file", [1]);
        AtomicFolder.Delete(folder.File("folder"));
        AtomicFolder.Delete(folder.File("folder"));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Only_folders_that_a_killed_process_left_are_abandoned()
    {
        var abandoned = folder.File(".step-1.0123456789abcdef0123456789abcdef.tmp");
        foreach (var name in new[] { abandoned, folder.File(".editor.tmp"), folder.File("step-1") })
        {
            Directory.CreateDirectory(name);
        }

        Assert.Equal([abandoned], AtomicFolder.Abandoned(folder.Path));
    }
}
