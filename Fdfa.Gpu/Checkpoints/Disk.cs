using System.Runtime.InteropServices;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>Makes sure that what was written outlives a power cut.</summary>
internal static partial class Disk
{
    private const int ReadOnly = 0;

    /// <summary>Flushes a file that nobody has open.</summary>
    public static void FlushFile(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Flushes a folder: the names in it. On Windows the file system's journal keeps them.</summary>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // .NET opens no folders. A file system that cannot flush one says so, and there is nothing more to do about it.
        var folder = Open(path, ReadOnly);
        if (folder >= 0)
        {
            _ = Synchronise(folder);
            _ = Close(folder);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Synchronise(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
