using System.Runtime.InteropServices;

namespace Fdfa.Gpu.Devices;

/// <summary>Keeps PoCL's hands off .NET's signals.</summary>
/// <remarks>
/// PoCL, once loaded, handles SIGFPE for the whole process: it steps over the instruction. .NET makes its exceptions for division by zero
/// of that signal, so a process that had merely looked for OpenCL devices ended at its next such exception with "illegal instruction". PoCL
/// asks the environment of the C library, which <see cref="Environment.SetEnvironmentVariable(string, string?)"/> does not change.
/// </remarks>
internal static partial class OpenClSignals
{
    /// <summary>To be called before an OpenCL driver is loaded; a user's own choice stands.</summary>
    public static void LeaveToDotNet()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetVariable("POCL_SIGFPE_HANDLER", "0", overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
