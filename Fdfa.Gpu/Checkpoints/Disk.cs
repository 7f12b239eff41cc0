using System.Runtime.InteropServices;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>
/// What .NET lacks of file systems: flushing folders, so that they outlive a power cut, and telling kinds of files apart.
/// </summary>
internal static partial class Disk
{
    private const int ReadOnly = 0;

    // statx(2): its structure is the same on every processor, unlike that of stat(2).
    private const int CurrentFolder = -100;
    private const uint WantsType = 1;
    private const int StatusBytes = 256;
    private const int ModeOffset = 28;
    private const int TypeBits = 0xF000;
    private const int RegularFile = 0x8000;
    private const int Folder = 0x4000;

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

    /// <summary>Whether a path names something that is neither a regular file nor a folder, following symbolic links.</summary>
    public static bool IsSpecial(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        Span<byte> status = stackalloc byte[StatusBytes];
        try
        {
            return ReadStatus(CurrentFolder, path, 0, WantsType, ref MemoryMarshal.GetReference(status)) == 0
                && (MemoryMarshal.Read<ushort>(status[ModeOffset..]) & TypeBits) is not (RegularFile or Folder);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before 2018.
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ReadStatus(int folder, string path, int flags, uint mask, ref byte status);

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
