using System.Diagnostics;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>The program as a process, because only there standard output is really redirected.</summary>
public sealed class ProcessTests
{
    private const int HangUp = 1;
    private const int Interrupt = 2;

    [Fact]
    public async Task Redirected_output_is_plain_utf8_text()
    {
        using Process process = FdfaProcess.Start("devices");
        string output = await process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal("", error);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("cpu", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
        Assert.DoesNotContain('\uFFFD', output);
        Assert.DoesNotContain('\uFEFF', output);
    }

    [SkippableFact]
    public async Task An_interrupt_in_the_middle_of_an_epoch_keeps_what_was_done()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Sends SIGINT with kill.");
        Skip.If(Ignores(Interrupt), "These tests were started with SIGINT ignored, as in a shell's background; a program inherits that.");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        using Process process = FdfaProcess.Start(
            "train", "--network", "784-64-10", "--epochs", "100000", "--batch-size", "8", "--device", "cpu", "--verbose", "--output", run);
        _ = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string metrics = Path.Combine(run, "metrics.csv");
        for (var i = 0; i < 600 && !(File.Exists(metrics) && File.ReadAllLines(metrics).Length > 1); i++)
        {
            await Task.Delay(100);
        }

        using Process kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await using CancellationTokenRegistration end = patience.Token.Register(() => process.Kill(entireProcessTree: true));
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(130, process.ExitCode);
        Assert.DoesNotContain("   at ", await error, StringComparison.Ordinal);
        Assert.True(File.ReadAllLines(metrics).Length > 1);
        Assert.All(
            ["config.json", "model-seed0.safetensors", "curves.png", "curves.svg", "log.txt"],
            name => Assert.True(File.Exists(Path.Combine(run, name)), name));
        Assert.Empty(Directory.GetFiles(run, "*.tmp"));
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(run, "checkpoints"), "step-*"));
    }

    [SkippableFact]
    public async Task A_closed_terminal_ends_a_run_as_a_request_does_with_an_exit_code_of_its_own()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Sends SIGHUP with kill.");
        Skip.If(Ignores(HangUp), "These tests were started with SIGHUP ignored, as by nohup; a program inherits that.");
        using var folder = new TemporaryFolder();
        string run = folder.File("run");
        Process process = FdfaProcess.Start([.. Endless("784-64-10", batchSize: 8), "--quiet", "--output", run]);
        await FdfaProcess.WaitAsync(process, () => File.Exists(Path.Combine(run, "metrics.csv")));

        // Twice, as by the shell and by the system.
        await FdfaProcess.SendAsync(process, "HUP");
        await FdfaProcess.SendAsync(process, "HUP");
        CommandLineRun ended = await FdfaProcess.EndOfAsync(process);

        Assert.Contains($"To go on: fdfa train --resume {run}", ended.Error, StringComparison.Ordinal);
        Assert.Equal(129, ended.ExitCode);
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(run, "checkpoints"), "step-*"));
    }

    [SkippableFact]
    public async Task A_second_request_ends_it_at_once_with_a_word()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Sends SIGTERM with kill.");
        using var folder = new TemporaryFolder();
        string run = folder.File("run");

        // A step of this batch takes long enough for two signals.
        Process process = FdfaProcess.Start([.. Endless("784-4000-4000-10", batchSize: 10000), "--quiet", "--output", run]);
        await FdfaProcess.WaitAsync(process, () => File.Exists(Path.Combine(run, "metrics.csv")));
        Task<CommandLineRun> ending = FdfaProcess.EndOfAsync(process);
        await InsistAsync(ending, () => FdfaProcess.SendAsync(process, "TERM"));
        CommandLineRun ended = await ending;

        Assert.Equal(
            "fdfa: Interrupted twice, and ended at once; a run that had begun goes on from its last checkpoint with 'fdfa train --resume'.",
            ended.Error.Trim());
        Assert.Equal(128 + 15, ended.ExitCode);
    }

    [SkippableFact]
    public async Task A_run_that_is_killed_before_its_first_epoch_is_not_watched_for_ever()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The lock of a process that died is the system's to take back.");
        using var folder = new TemporaryFolder();
        string run = folder.File("run");
        using Process process = FdfaProcess.Start("train", "--network", "784-4000-4000-10", "--device", "cpu", "--quiet", "--output", run);
        await FdfaProcess.WaitAsync(process, () => File.Exists(Path.Combine(run, "metrics.csv")));
        Process watching = FdfaProcess.Start("watch", run);
        Assert.Equal("FDFA on embedded, 784-4000-4000-10", await watching.StandardOutput.ReadLineAsync());
        Assert.False(watching.HasExited);

        process.Kill();
        CommandLineRun watched = await FdfaProcess.EndOfAsync(watching);

        Assert.StartsWith("Killed after 0 of 10 epochs: its process is gone", watched.Output, StringComparison.Ordinal);
        Assert.Equal(("", 0), (watched.Error, watched.ExitCode));
    }

    /// <summary>A terminal by script(1): a second Ctrl-C shows the cursor again, and a run outlives a terminal that is gone.</summary>
    [SkippableTheory]
    [InlineData("interrupted twice")]
    [InlineData("closed")]
    public async Task A_terminal_is_left_as_it_was(string how)
    {
        Skip.IfNot(File.Exists("/usr/bin/script"), "There is no script(1) here.");
        Skip.If(Ignores(Interrupt) || Ignores(HangUp), "These tests were started with signals ignored; a program inherits that.");
        using var folder = new TemporaryFolder();
        string run = folder.File("run");
        bool isClosed = how == "closed";
        string[] endless = isClosed ? Endless("784-64-10", batchSize: 8) : Endless("784-4000-4000-10", batchSize: 10000);
        string[] arguments = [.. endless, "--output", run];
        var start = new ProcessStartInfo("/usr/bin/script", ["-qefc", string.Join(' ', FdfaProcess.Program.Concat(arguments)), "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TERM"] = "xterm";
        start.Environment.Remove("GITHUB_ACTIONS");
        start.Environment.Remove("CI");
        Process terminal = Process.Start(start)!;
        await FdfaProcess.WaitAsync(terminal, () => File.Exists(Path.Combine(run, "metrics.csv")));
        if (isClosed)
        {
            terminal.Kill();
            for (var wait = 0; wait < 600 && FileLock.IsHeld(OutputFolder.LockPath(run), out _); wait++)
            {
                await Task.Delay(100);
            }

            string[] log = await File.ReadAllLinesAsync(Path.Combine(run, "log.txt"));
            Assert.Contains("Interrupted", log[^1], StringComparison.Ordinal);
        }
        else
        {
            const string ControlC = "\u0003";
            Task<CommandLineRun> ending = FdfaProcess.EndOfAsync(terminal);
            await InsistAsync(ending, async () =>
            {
                await terminal.StandardInput.WriteAsync(ControlC);
                await terminal.StandardInput.FlushAsync();
            });
            CommandLineRun ended = await ending;
            Assert.Contains("Interrupted twice, and ended at once", ended.Output, StringComparison.Ordinal);
            int shown = ended.Output.LastIndexOf("\u001b[?25h", StringComparison.Ordinal);
            int hidden = ended.Output.LastIndexOf("\u001b[?25l", StringComparison.Ordinal);
            Assert.True(shown > hidden, "The cursor is hidden.");
            Assert.Equal(128 + Interrupt, ended.ExitCode);
        }
    }

    [Fact]
    public async Task The_first_look_leaves_what_it_promises()
    {
        using var folder = new TemporaryFolder();
        string look = Path.Combine(folder.Path, "look");
        using Process process = FdfaProcess.Start("--output", look, "--device", "cpu");
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains(look, output, StringComparison.Ordinal);
        Assert.All(
            ["curves.png", "curves.svg", "FDFA/config.json", "FDFA/metrics.csv", "BP/metrics.csv", "BP/model-seed0.safetensors"],
            name => Assert.True(File.Exists(Path.Combine(look, name)), name));
    }

    private static string[] Endless(string network, int batchSize) =>
        ["train", "--network", network, "--epochs", "100000", "--batch-size", $"{batchSize}", "--device", "cpu"];

    /// <summary>Asks again and again: of two signals that come before the first is heard, the system makes one.</summary>
    /// <remarks>Away from the threads of the tests, where it would wait for other tests while the process ends by itself.</remarks>
    private static Task InsistAsync(Task ending, Func<Task> ask) => Task.Run(async () =>
    {
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
    });

    private static bool Ignores(int signal)
    {
        string? mask = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        return mask is not null && (Convert.ToUInt64(mask["SigIgn:".Length..].Trim(), 16) & (1UL << (signal - 1))) != 0;
    }
}
