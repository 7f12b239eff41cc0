using Fdfa.Gpu.Checkpoints;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Checkpoints;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_and_its_folder_are_made_and_replaced()
    {
        var path = folder.File("new/file");
        AtomicFile.Write(path, stream => stream.WriteByte(1));
        AtomicFile.Write(path, stream => stream.WriteByte(2));
        Assert.Equal([2], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.File("new")));
    }

    [Fact]
    public void A_failure_leaves_the_old_file_and_nothing_else()
    {
        var path = folder.Write("file", [1]);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(2);
            throw new InvalidOperationException();
        }));
        Assert.Equal([1], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_reader_sees_the_old_or_the_new_file_whole()
    {
        var path = folder.Write("file", [1]);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            Assert.Equal([1], File.ReadAllBytes(path));
        });
        Assert.Equal(100_000, new FileInfo(path).Length);
    }

    [Fact]
    public void Only_files_that_a_killed_process_left_are_abandoned()
    {
        using var folder = new TemporaryFolder();
        string abandoned = folder.File(".metrics.csv.0123456789abcdef0123456789abcdef.tmp");
        foreach (string name in new[]
        {
            abandoned, folder.File(".editor.tmp"), folder.File("metrics.csv.0123456789abcdef0123456789abcdef.tmp"),
        })
        {
            File.WriteAllText(name, "x");
        }

        Assert.Equal([abandoned], AtomicFile.Abandoned(folder.Path));
    }
}
