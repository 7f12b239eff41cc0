namespace Fdfa.Experiments.Runs;

/// <summary>Whether something failed because a disk has no room: no bytes, no inodes, or no more for this user.</summary>
internal static class DiskFull
{
    /// <summary>Whether a failure is of that kind, or was caused by one.</summary>
    public static bool Is(Exception failure) => CauseOf(failure) is not null;

    /// <summary>The failure that the system reported; null where it is of another kind.</summary>
    public static IOException? CauseOf(Exception failure)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is IOException io && Codes.Contains(io.HResult))
            {
                return io;
            }
        }

        return null;
    }

    // On Windows ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL, elsewhere ENOSPC and EDQUOT.
    private static int[] Codes =>
        OperatingSystem.IsWindows() ? [unchecked((int)0x80070027), unchecked((int)0x80070070)]
        : OperatingSystem.IsMacOS() ? [28, 69]
        : [28, 122];
}
