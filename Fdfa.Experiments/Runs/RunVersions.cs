using System.Reflection;
using ILGPU;

namespace Fdfa.Experiments.Runs;

/// <summary>The versions that decide a run's numbers.</summary>
/// <param name="Fdfa">This program.</param>
/// <param name="DotNet">The runtime.</param>
/// <param name="Ilgpu">The kernel compiler.</param>
internal sealed record RunVersions(string Fdfa, string DotNet, string Ilgpu)
{
    /// <summary>Those of this process.</summary>
    public static RunVersions Current { get; } = new(
        VersionOf(typeof(RunVersions).Assembly),
        Environment.Version.ToString(),
        VersionOf(typeof(Context).Assembly));

    // The part after '+' names a commit; it stays, because a run is repeated from a commit.
    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? assembly.GetName().Version?.ToString()
        ?? "unknown";
}
