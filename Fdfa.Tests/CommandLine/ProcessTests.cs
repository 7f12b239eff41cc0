using System.Diagnostics;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>The program as a process, because only there standard output is really redirected.</summary>
public sealed class ProcessTests
{
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
        Skip.If(IgnoresInterrupts(), "These tests were started with SIGINT ignored, as in a shell's background; a program inherits that.");
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

    private static bool IgnoresInterrupts()
    {
        const int Interrupt = 2;
        string? mask = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        return mask is not null && (Convert.ToUInt64(mask["SigIgn:".Length..].Trim(), 16) & (1UL << (Interrupt - 1))) != 0;
    }
}
