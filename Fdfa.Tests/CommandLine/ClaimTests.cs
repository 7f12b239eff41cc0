using System.Diagnostics;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>A folder is one process's: it is claimed in one step, and whoever comes second touches nothing.</summary>
public sealed class ClaimTests(FinishedRun finished) : IClassFixture<FinishedRun>, IDisposable
{
    private static readonly string[] s_tiny = ["train", .. CommandLineRun.Tiny, "--quiet"];

    private readonly TemporaryFolder _temporary = new();

    private string Run => _temporary.File("run");

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("train --output")]
    [InlineData("--device cpu --output")]
    [InlineData("import {run}/model-seed0.safetensors --network 784-8-10 --output")]
    [InlineData("compare {run} {other} --output")]
    public void Whoever_comes_second_leaves_the_folder_as_it_is(string command)
    {
        foreach (string file in new[] { "config.json", "metrics.csv" })
        {
            _temporary.Write($"other/{file}", File.ReadAllBytes(Path.Combine(finished.Path, file)));
        }

        using RunFolder claimed = RunFolder.Create(Run, verbose: false);

        CommandLineRun.Of(finished.Arguments(command.Replace("{other}", _temporary.File("other")), Run))
            .AssertRefusedAs("fdfa: " + FolderTakenException.AtWorkIn(Run).Message);
        Assert.Equal([OutputFolder.LockFile], RunFolderTests.FileNames(Run));
    }

    [Fact]
    public void A_sweep_does_not_take_a_run_from_whoever_trains_it()
    {
        string[] sweep = [.. s_tiny, "--sweep", "lr=1e-3", "--output", _temporary.File("store")];
        Assert.Equal(0, CommandLineRun.Of(sweep).ExitCode);
        string run = Assert.Single(Directory.GetDirectories(_temporary.File("store")));
        File.Delete(Path.Combine(run, "metrics.csv"));
        using RunFolder taken = RunFolder.Reopen(run, verbose: false);
        string[] before = RunFolderTests.FileNames(run);

        CommandLineRun second = CommandLineRun.Of(sweep);

        Assert.Equal("fdfa: " + FolderTakenException.AtWorkOn(run).Message, second.Error.Trim());
        Assert.Equal(before, RunFolderTests.FileNames(run));
    }

    [Fact]
    public void Folders_of_the_same_name_are_told_apart_by_number()
    {
        OutputFolder[] folders = new OutputFolder[8];
        Parallel.For(0, folders.Length, index => folders[index] = OutputFolder.CreateFirstFree(Run));
        try
        {
            Assert.Equal(
                [Run, .. Enumerable.Range(2, folders.Length - 1).Select(number => $"{Run}-{number}")],
                folders.Select(folder => folder.Path).Order(StringComparer.Ordinal));
        }
        finally
        {
            Array.ForEach(folders, folder => folder.Dispose());
        }

        Assert.Empty(Directory.GetFiles(_temporary.Path, "*", SearchOption.AllDirectories));
    }

    [SkippableFact]
    public void Only_a_lock_that_is_held_is_blamed_on_another_process()
    {
        Skip.If(OperatingSystem.IsWindows(), "Creating a symbolic link needs a privilege.");

        // A file that cannot be created, as where a disk has no inodes left.
        Directory.CreateDirectory(Run);
        File.CreateSymbolicLink(OutputFolder.LockPath(Run), _temporary.File("nowhere/lock"));

        CommandLineRun train = CommandLineRun.Of([.. s_tiny, "--output", Run]);
        CommandLineRun sweep = CommandLineRun.Of([.. s_tiny, "--sweep", "lr=1e-3", "--output", Run]);

        Assert.All([train, sweep], refused =>
        {
            Assert.Equal(2, refused.ExitCode);
            Assert.DoesNotContain("Another fdfa", refused.Error, StringComparison.Ordinal);
            Assert.Contains($"Could not find file '{OutputFolder.LockPath(Run)}'", refused.Error, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_lock_whose_file_somebody_deleted_is_not_in_place_and_leaves_that_of_others()
    {
        string path = _temporary.File("lock");
        using FileLock first = FileLock.TryTake(path)!;
        Assert.True(first.IsInPlace);
        Assert.True(FileLock.IsHeld(path, out _));
        Assert.Null(FileLock.TryTake(path));

        File.Delete(path);
        Assert.False(first.IsInPlace);
        using FileLock second = FileLock.TryTake(path)!;
        Assert.False(first.IsInPlace);
        first.Dispose();

        Assert.True(second.IsInPlace);
        second.Dispose();
        Assert.False(File.Exists(path));
        Assert.False(FileLock.IsHeld(path, out string? machine));
        Assert.Null(machine);
    }

    [Fact]
    public async Task Of_two_processes_with_one_folder_one_trains_and_the_other_touches_nothing()
    {
        string[] longer = ["train", .. CommandLineRun.TinyOf(epochs: 20), "--quiet", "--output", Run, "--lr"];
        string[] rates = ["1e-3", "1e-4"];

        CommandLineRun[] runs = await Task.WhenAll(rates.Select(rate => FdfaProcess.OfAsync([.. longer, rate])));

        Assert.Equal([0, 2], runs.Select(run => run.ExitCode).Order());
        RunConfiguration configuration = RunFolder.ReadConfiguration(Run);
        string winner = rates[Array.FindIndex(runs, run => run.ExitCode == 0)];
        Assert.Equal(double.Parse(winner, System.Globalization.CultureInfo.InvariantCulture), configuration.Options.LearningRate);
        Assert.True(RunFolder.IsFinished(Run, configuration));
        Assert.Equal(0, CommandLineRun.Of("train", "--resume", Run, "--epochs", "21", "--quiet").ExitCode);
    }

    [Fact]
    public async Task Processes_without_an_output_folder_each_find_one()
    {
        Process[] processes = [.. Enumerable.Range(0, 4).Select(_ => FdfaProcess.Start(_temporary.Path, s_tiny))];

        CommandLineRun[] runs = await Task.WhenAll(processes.Select(FdfaProcess.EndOfAsync));

        Assert.All(runs, run => Assert.Equal(("", 0), (run.Error, run.ExitCode)));
        string[] folders = Directory.GetDirectories(_temporary.File("runs"));
        Assert.Equal(4, folders.Length);
        Assert.All(folders, folder => Assert.True(RunFolder.IsFinished(folder, RunFolder.ReadConfiguration(folder))));
    }
}
