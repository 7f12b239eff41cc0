using Fdfa.Gpu.Checkpoints;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>Files that options name: what is there already stays, unless it is a regular file of nobody's and --force is given.</summary>
public sealed class OutputFilesTests(FinishedRun run) : IClassFixture<FinishedRun>, IDisposable
{
    private static readonly string[] s_kernels = ["kernels", "--network", "16-8-4", "--output"];

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("export {run} --onnx", "file")]
    [InlineData("export {run} --safetensors", "file")]
    [InlineData("kernels --network 16-8-4 --output", "file")]
    [InlineData("bench --network 16-8-4 --batch-size 4 --device cpu --json", "file")]
    [InlineData("bench --depths 2 --network 16-8-4 --device cpu --output", "folder/update-phase.svg")]
    [InlineData("train --network 784-10 --sweep lr=1e-3 --slurm", "file")]
    public void A_file_that_is_there_is_replaced_only_by_force(string writer, string name)
    {
        string file = _temporary.Write(name, [1]);
        string[] arguments = run.Arguments(writer, _temporary.File(name.Split('/')[0]));

        CommandLineRun refused = CommandLineRun.Of(arguments);

        Assert.Equal(
            $"fdfa: The file '{file}' of {arguments[^2]} is there already; choose another name, or add --force to replace it.",
            refused.Error.Trim());
        Assert.Equal(("", 2), (refused.Output, refused.ExitCode));
        Assert.Equal([1], File.ReadAllBytes(file));

        CommandLineRun.Of([.. arguments, "--force"]).AssertDone();
        Assert.NotEqual([1], File.ReadAllBytes(file));
        Assert.Empty(Directory.GetFiles(_temporary.Path, ".*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("model-seed0.safetensors")]
    [InlineData("config.json")]
    [InlineData("curves.svg")]
    [InlineData("checkpoints/step-000000000004/state-seed0.safetensors")]
    public void A_run_s_own_file_is_not_replaced_even_by_force(string name)
    {
        string file = Path.Combine(run.Path, name);
        byte[] before = File.ReadAllBytes(file);

        foreach (string path in Names())
        {
            CommandLineRun.Of([.. s_kernels, path, "--force"])
                .AssertRefusedAs($"fdfa: The value '{path}' of --output is a file of the run in '{run.Path}'; give another name.");
        }

        Assert.Equal(before, File.ReadAllBytes(file));

        IEnumerable<string> Names()
        {
            yield return file;
            if (!OperatingSystem.IsWindows())
            {
                string link = _temporary.File("link");
                File.CreateSymbolicLink(link, file);
                yield return link;
                Directory.CreateSymbolicLink(_temporary.File("folder"), run.Path);
                yield return Path.Combine(_temporary.File("folder"), name);
            }
        }
    }

    [Fact]
    public void Nothing_else_in_a_run_s_folder_is_its_own()
    {
        string file = Path.Combine(run.Path, "network.onnx");

        CommandLineRun.Of("export", run.Path, "--onnx", file).AssertDone();
        File.Delete(file);
    }

    [SkippableTheory]
    [InlineData("same", "same")]
    [InlineData("same", "./same")]
    [InlineData("folder/same", "link/same")]
    public void Two_options_do_not_write_one_file(string onnx, string safetensors)
    {
        Skip.If(OperatingSystem.IsWindows(), "Creating a symbolic link needs a privilege.");
        Directory.CreateDirectory(_temporary.File("folder"));
        Directory.CreateSymbolicLink(_temporary.File("link"), _temporary.File("folder"));

        string second = _temporary.File(safetensors);

        CommandLineRun.Of("export", run.Path, "--onnx", _temporary.File(onnx), "--safetensors", second, "--force")
            .AssertRefusedAs($"fdfa: The options --onnx and --safetensors name the same file '{second}'; give each its own.");
        Assert.Empty(Directory.GetFiles(_temporary.Path, "*", SearchOption.AllDirectories));
    }

    [SkippableFact]
    public void Symbolic_links_are_followed()
    {
        Skip.If(OperatingSystem.IsWindows(), "Creating a symbolic link needs a privilege.");
        string link = _temporary.File("link");
        File.CreateSymbolicLink(link, "folder/target");

        Assert.Equal(0, CommandLineRun.Of([.. s_kernels, link]).ExitCode);

        Assert.NotNull(new FileInfo(link).LinkTarget);
        Assert.True(new FileInfo(_temporary.File("folder/target")).Length > 0);
        Assert.Equal(AtomicFile.TargetOf(_temporary.File("folder/target")), AtomicFile.TargetOf(link));
    }

    [SkippableFact]
    public async Task What_is_no_regular_file_stays_what_it_is()
    {
        string pipe = _temporary.MakePipe("pipe");

        (await FdfaProcess.OfAsync("export", run.Path, "--onnx", pipe))
            .AssertRefusedAs($"fdfa: The value '{pipe}' of --onnx is no regular file; give the name of a file.");
        Assert.Equal("no regular file", AtomicFile.ObstacleAt(pipe));
        Assert.Equal("no regular file", AtomicFile.ObstacleAt("/dev/null"));
        Assert.Throws<IOException>(() => AtomicFile.Write(pipe, _ => { }));
    }

    [Fact]
    public async Task An_export_onto_the_run_s_own_model_is_refused()
    {
        string model = Path.Combine(run.Path, "model-seed0.safetensors");
        byte[] before = await File.ReadAllBytesAsync(model);

        (await FdfaProcess.OfAsync("export", run.Path, "--safetensors", model)).AssertRefused("is a file of the run in");
        Assert.Equal(before, await File.ReadAllBytesAsync(model));
    }
}
