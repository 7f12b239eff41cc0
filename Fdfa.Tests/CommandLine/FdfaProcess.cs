using System.Diagnostics;

namespace Fdfa.Tests.CommandLine;

/// <summary>The built program as a process of its own.</summary>
internal static class FdfaProcess
{
    /// <summary>Starts it; its output is the caller's to read.</summary>
    public static Process Start(params string[] arguments)
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
