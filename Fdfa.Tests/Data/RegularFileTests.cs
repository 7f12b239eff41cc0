using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;

namespace Fdfa.Tests.Data;

public sealed class RegularFileTests
{
    private static readonly Dictionary<string, Action<string>> s_readers = new()
    {
        ["an IDX file"] = path => IdxFile.ReadImages(path),
        ["a .tar.gz archive"] = path => TarGzipFile.ForEachFile(path, (_, _, _) => { }),
        ["a zip archive"] = path => ImageFiles.Open(path, "root"),
        ["an image in a folder"] = path => ImageFiles.Open(Path.GetDirectoryName(path)!, "root").Read(Path.GetFileName(path), 1),
        ["weights"] = path => StateDict.Load(path, new NetworkDescription([3, 2])),
        ["a model"] = path => ModelFile.ReadNetwork(path),
    };

    public static TheoryData<string> Readers => [.. s_readers.Keys];

    [SkippableTheory]
    [MemberData(nameof(Readers))]
    public async Task A_pipe_in_place_of_a_file_is_refused_and_not_waited_for(string reader)
    {
        using var folder = new TemporaryFolder();
        string pipe = folder.MakePipe("pipe");

        Exception? failure = await Record.ExceptionAsync(() => Task.Run(() => s_readers[reader](pipe)).WaitAsync(TimeSpan.FromMinutes(1)));

        Assert.Contains(
            $"'{pipe}' is a pipe, a socket or a device", Assert.IsAssignableFrom<FdfaException>(failure).Message, StringComparison.Ordinal);
    }
}
