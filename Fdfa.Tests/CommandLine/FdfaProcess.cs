using System.Diagnostics;
using System.Globalization;

namespace Fdfa.Tests.CommandLine;

/// <summary>The built program as a process of its own.</summary>
internal static class FdfaProcess
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Starts it; its output is the caller's to read.</summary>
    public static Process Start(params string[] arguments) => Start(folder: null, arguments);

    /// <summary>Starts it in a folder, and with a cache other than the user's; its output is the caller's to read.</summary>
    public static Process Start(string? folder, string[] arguments, string? cache = null)
    {
        var start = new ProcessStartInfo(Program[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
            WorkingDirectory = folder,
        };
        foreach (string argument in Program.Skip(1).Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        // As on a build server, where Spectre would otherwise colour a redirected stream.
        start.Environment["GITHUB_ACTIONS"] = "true";
        start.Environment["CLICOLOR_FORCE"] = "1";
        // It mostly compiles and ends: what makes long runs faster would not pay here.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["XDG_CACHE_HOME"] = cache ?? Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        return Process.Start(start)!;
    }

    /// <summary>The words of a command line that start it.</summary>
    public static IReadOnlyList<string> Program { get; } =
        [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "fdfa.dll")];

    /// <summary>Runs it to its end.</summary>
    public static Task<CommandLineRun> OfAsync(params string[] arguments) => EndOfAsync(Start(arguments));

    /// <summary>Waits for its end, and disposes of it.</summary>
    public static async Task<CommandLineRun> EndOfAsync(Process process)
    {
        using (process)
        {
            using var patience = new CancellationTokenSource(s_patience);
            await using CancellationTokenRegistration end = patience.Token.Register(() => process.Kill(entireProcessTree: true));
            Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            string error = await process.StandardError.ReadToEndAsync(CancellationToken.None);
            await process.WaitForExitAsync(CancellationToken.None);
            return new CommandLineRun(process.ExitCode, await output, error);
        }
    }

    /// <summary>Waits until something is so, or the process has ended, or for as long as patience lasts.</summary>
    public static async Task WaitAsync(Process process, Func<bool> until)
    {
        long start = Stopwatch.GetTimestamp();
        while (!process.HasExited && !until() && Stopwatch.GetElapsedTime(start) < s_patience)
        {
            await Task.Delay(1);
        }
    }

    /// <summary>Waits until the run that it trains has begun and has epochs, or it has ended.</summary>
    public static Task WaitForEpochsAsync(Process process, string run, int epochs) => WaitAsync(process, () =>
        Path.Combine(run, "metrics.csv") is var metrics && File.Exists(metrics) && File.ReadLines(metrics).Count() > epochs);

    /// <summary>Sends it a signal.</summary>
    /// <param name="process">The process.</param>
    /// <param name="signal">As kill(1) calls it.</param>
    public static async Task SendAsync(Process process, string signal)
    {
        string[] arguments = [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)];
        using Process kill = Process.Start(new ProcessStartInfo("kill", arguments) { RedirectStandardError = true })!;
        await kill.WaitForExitAsync();
    }
}
