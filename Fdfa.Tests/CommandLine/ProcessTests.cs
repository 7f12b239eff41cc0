using System.Diagnostics;

namespace Fdfa.Tests.CommandLine;

/// <summary>The program as a process, because only there standard output is really redirected.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task Redirected_output_is_plain_utf8_text()
    {
        using Process process = Start("devices");
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

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "fdfa.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // As on a build server, where Spectre would otherwise colour a redirected stream.
        start.Environment["GITHUB_ACTIONS"] = "true";
        start.Environment["CLICOLOR_FORCE"] = "1";
        return Process.Start(start)!;
    }
}
