using System.Diagnostics;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>The program as a process, because only there standard output is really redirected.</summary>
public sealed class ProcessTests : IDisposable
{
    private static readonly string[] s_quick = ["--network", "784-64-10", "--batch-size", "8"];

    /// <summary>A step of it takes long enough for two signals.</summary>
    private static readonly string[] s_slow = ["--network", "784-2000-2000-10", "--batch-size", "10000"];

    private readonly TemporaryFolder _folder = new();

    private Process? _training;

    private string Run => _folder.File("run");

    public void Dispose()
    {
        try
        {
            _training?.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended, as it should.
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task Redirected_output_is_plain_utf8_text()
    {
        CommandLineRun run = (await FdfaProcess.OfAsync("devices")).AssertDone("cpu");
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.DoesNotContain('\uFFFD', run.Output);
        Assert.DoesNotContain('\uFEFF', run.Output);
    }

    [SkippableTheory]
    [InlineData("devices", ">&-", "Bad file descriptor", 2)]
    [InlineData("--help", ">&-", "Bad file descriptor", 2)]
    [InlineData("train --network 784-8-10 --epochs 1 --device cpu", ">&-", "Bad file descriptor", 2)]
    [InlineData("devices", ">/dev/full", "No space left on device", 3)]
    [InlineData("--help", ">/dev/full", "No space left on device", 3)]
    public async Task A_standard_output_that_is_closed_or_full_is_one_sentence(
        string command, string redirection, string reason, int exitCode)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Closes standard output with sh.");
        var start = new ProcessStartInfo("sh", ["-c", $"exec \"$0\" \"$@\" {redirection}", .. FdfaProcess.Program, .. command.Split(' ')])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.Path,
        };

        CommandLineRun ended = await FdfaProcess.EndOfAsync(Process.Start(start)!);

        Assert.StartsWith($"fdfa: Standard output cannot be written ({reason}); ", ended.Error, StringComparison.Ordinal);
        Assert.Single(ended.Error.Trim().Split('\n'));
        Assert.Equal(exitCode, ended.ExitCode);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [SkippableTheory]
    [InlineData("INT", 1, 130)]
    [InlineData("TERM", 1, 130)]
    [InlineData("HUP", 2, 129)] // A terminal that is closed sends it twice: through the shell and through the system.
    public async Task A_signal_in_the_middle_of_an_epoch_keeps_what_was_done(string signal, int times, int exitCode)
    {
        SkipWhereIgnored();
        Process process = Train(s_quick, "--verbose");
        await FdfaProcess.WaitForEpochsAsync(process, Run, 1);
        for (var time = 0; time < times; time++)
        {
            await FdfaProcess.SendAsync(process, signal);
        }

        CommandLineRun ended = await FdfaProcess.EndOfAsync(process);

        Assert.Equal(exitCode, ended.ExitCode);
        Assert.DoesNotContain("   at ", ended.Error, StringComparison.Ordinal);
        Assert.Contains($"To go on: fdfa train --resume {Run}", ended.Error, StringComparison.Ordinal);
        Assert.Equal(
            ["checkpoints", "config.json", "curves.png", "curves.svg", "log.txt", "metrics.csv", "model-seed0.safetensors"],
            RunFolderTests.FileNames(Run));
        Assert.NotEmpty(RunFolder.ReadMetrics(Run));
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(Run, "checkpoints"), "step-*"));
    }

    [SkippableFact]
    public async Task A_second_signal_ends_it_at_once_with_a_word()
    {
        SkipWhereIgnored();
        Process process = Train(s_slow, "--quiet");
        await FdfaProcess.WaitForEpochsAsync(process, Run, 0);

        CommandLineRun ended = await InsistAsync(process, () => FdfaProcess.SendAsync(process, "TERM"));

        Assert.Equal(
            "fdfa: Interrupted twice, and ended at once; a run that had begun goes on from its last checkpoint with 'fdfa train --resume'.",
            ended.Error.Trim());
        Assert.Equal(128 + 15, ended.ExitCode);
    }

    [SkippableFact]
    public async Task A_run_that_is_killed_before_its_first_epoch_is_not_watched_for_ever()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The lock of a process that died is the system's to take back.");
        Process process = Train(s_slow, "--quiet");
        await FdfaProcess.WaitForEpochsAsync(process, Run, 0);
        Process watching = FdfaProcess.Start("watch", Run);
        Assert.StartsWith("FDFA on embedded", await watching.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        Assert.False(watching.HasExited);

        process.Kill();
        CommandLineRun watched = await FdfaProcess.EndOfAsync(watching);

        Assert.StartsWith("Killed after 0 of 100000 epochs: its process is gone", watched.Output, StringComparison.Ordinal);
        watched.AssertDone();
    }

    [SkippableFact]
    public async Task A_second_Ctrl_C_shows_the_cursor_again()
    {
        Process terminal = TrainOnTerminal(s_slow);
        await FdfaProcess.WaitForEpochsAsync(terminal, Run, 0);

        CommandLineRun ended = await InsistAsync(terminal, async () =>
        {
            const string ControlC = "\u0003";
            await terminal.StandardInput.WriteAsync(ControlC);
            await terminal.StandardInput.FlushAsync();
        });

        Assert.Contains("Interrupted twice, and ended at once", ended.Output, StringComparison.Ordinal);
        int shown = ended.Output.LastIndexOf("\u001b[?25h", StringComparison.Ordinal);
        int hidden = ended.Output.LastIndexOf("\u001b[?25l", StringComparison.Ordinal);
        Assert.True(shown > hidden, "The cursor is hidden.");
        Assert.Equal(128 + 2, ended.ExitCode);
    }

    [SkippableFact]
    public async Task A_run_whose_terminal_is_gone_keeps_what_was_done()
    {
        Process terminal = TrainOnTerminal(s_quick);
        await FdfaProcess.WaitForEpochsAsync(terminal, Run, 1);

        terminal.Kill();
        for (var wait = 0; wait < 600 && FileLock.IsHeld(OutputFolder.LockPath(Run), out _); wait++)
        {
            await Task.Delay(100);
        }

        Assert.Contains("Interrupted", (await File.ReadAllLinesAsync(Path.Combine(Run, "log.txt")))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_look_leaves_what_it_promises()
    {
        string look = _folder.File("look");

        CommandLineRun run = await FdfaProcess.OfAsync("--output", look, "--device", "cpu");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(look, run.Output, StringComparison.Ordinal);
        Assert.All(
            ["curves.png", "curves.svg", "FDFA/config.json", "FDFA/metrics.csv", "BP/metrics.csv", "BP/model-seed0.safetensors"],
            name => Assert.True(File.Exists(Path.Combine(look, name)), name));
    }

    private string[] Endless(string[] size, params string[] options) =>
        ["train", .. size, "--epochs", "100000", "--device", "cpu", "--output", Run, .. options];

    private Process Train(string[] size, params string[] options) => _training = FdfaProcess.Start(Endless(size, options));

    /// <summary>Trains on a terminal of script(1), where bars are drawn.</summary>
    private Process TrainOnTerminal(string[] size)
    {
        const string Terminal = "/usr/bin/script";
        Skip.IfNot(File.Exists(Terminal), "There is no script(1) here.");
        SkipWhereIgnored();
        var start = new ProcessStartInfo(Terminal, ["-qefc", string.Join(' ', FdfaProcess.Program.Concat(Endless(size))), "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TERM"] = "xterm";
        start.Environment.Remove("GITHUB_ACTIONS");
        start.Environment.Remove("CI");
        return _training = Process.Start(start)!;
    }

    /// <summary>Asks until the process has ended: of two signals that come before the first is heard, the system makes one.</summary>
    /// <remarks>Away from the threads of the tests, where it would wait for other tests while the process ends by itself.</remarks>
    private static Task<CommandLineRun> InsistAsync(Process process, Func<Task> ask) => Task.Run(async () =>
    {
        Task<CommandLineRun> ending = FdfaProcess.EndOfAsync(process);
        while (!ending.IsCompleted)
        {
            try
            {
                await ask();
            }
            catch (Exception failure) when (failure is InvalidOperationException or IOException)
            {
                // It has ended meanwhile.
            }

            await Task.WhenAny(ending, Task.Delay(20));
        }

        return await ending;
    });

    private static void SkipWhereIgnored()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Sends signals with kill.");
        string ignored = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        Skip.If(
            (Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16) & 0b11) != 0,
            "These tests were started with SIGHUP or SIGINT ignored, as by nohup or in a shell's background; a program inherits that.");
    }
}
