using System.Runtime.InteropServices;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments;

/// <summary>A library of the system that fdfa cannot work without.</summary>
internal sealed class MissingLibraryException(string message) : FdfaException(message);

/// <summary>OpenSSL, of which .NET takes its hashes on Linux: without it .NET ends the process at the first one.</summary>
/// <remarks>Hashes of our own would need no library, and take five times as long over every data set and checkpoint.</remarks>
internal static class OpenSsl
{
    /// <summary>Refuses to begin without it.</summary>
    /// <param name="isThere">Whether a library can be loaded; null for asking the loader.</param>
    /// <exception cref="MissingLibraryException">It is not installed.</exception>
    public static void Require(Func<string, bool>? isThere = null)
    {
        string?[] versions = [Environment.GetEnvironmentVariable("CLR_OPENSSL_VERSION_OVERRIDE"), "3", "1.1", "4", "111", "10"];
        if ((isThere is not null || OperatingSystem.IsLinux())
            && !versions.OfType<string>().Any(version => (isThere ?? CanLoad)($"libssl.so.{version}")))
        {
            throw new MissingLibraryException(
                "fdfa needs OpenSSL for its checksums, and the loader finds no libssl.so.3; install it (Debian: libssl3).");
        }
    }

    // Not unloaded: .NET will load it too.
    private static bool CanLoad(string name) => NativeLibrary.TryLoad(name, out _);
}
