using System.Text;

namespace Fdfa.Experiments.Runs;

/// <summary>A lock on a file, which the system takes back when its holder dies.</summary>
/// <remarks>
/// The file of an exclusive lock is deleted with the lock. Whoever opened it just before then holds a file that no path leads to, and so
/// does the holder once somebody else deletes it. The time of last write, which the holder draws at random, tells whether the file at the
/// path is the one held. Its text is the name of the machine.
/// </remarks>
internal sealed class FileLock : IDisposable
{
    /// <summary>Somebody who only looks holds a lock for an instant; a holder keeps it for longer than all attempts take.</summary>
    private const int Attempts = 10;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    private readonly string _path;
    private readonly FileStream _file;
    private readonly bool _isShared;

    private FileLock(string path, FileStream file, bool isShared) => (_path, _file, _isShared) = (path, file, isShared);

    /// <summary>Whether the file at the path is the one that is held: it is not once somebody has deleted it.</summary>
    public bool IsInPlace => File.GetLastWriteTimeUtc(_path) == File.GetLastWriteTimeUtc(_file.SafeFileHandle);

    /// <summary>Takes a lock.</summary>
    /// <param name="path">The file, in a folder that is there; created where it is missing.</param>
    /// <param name="isShared">Whether others may have the lock too, if they share it.</param>
    /// <returns>Null where another process, or another part of this one, has it.</returns>
    /// <exception cref="IOException">The file cannot be opened or created.</exception>
    /// <exception cref="UnauthorizedAccessException">Something does not permit it.</exception>
    public static FileLock? TryTake(string path, bool isShared = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            FileLock? taken = null;
            try
            {
                taken = new FileLock(path, Open(path, isShared), isShared);
                taken.Sign();
                if (taken.IsInPlace)
                {
                    return taken;
                }

                taken.Dispose();
            }
            catch (IOException failure) when (IsOfHolder(failure))
            {
                if (attempt == Attempts)
                {
                    return null;
                }

                Thread.Sleep(s_pause);
            }
            catch
            {
                taken?.Dispose();
                throw;
            }
        }
    }

    /// <summary>Whether a process holds the lock on a file.</summary>
    /// <param name="path">The file, which may be missing.</param>
    /// <param name="machine">Where nobody holds it: the machine of the last holder if that died, else null.</param>
    public static bool IsHeld(string path, out string? machine)
    {
        machine = null;
        try
        {
            if (File.Exists(path))
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var reader = new StreamReader(file, Encoding.UTF8);
                machine = reader.ReadToEnd();
            }

            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is held, or nobody can tell here.
            return true;
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose()
    {
        if (!_file.CanRead)
        {
            return;
        }

        // While it is held: nobody else can have it then, and whoever opened the file finds it out of place.
        if (!_isShared && !OperatingSystem.IsWindows() && IsInPlace)
        {
            File.Delete(_path);
        }

        _file.Dispose();
    }

    // Windows deletes no open file, and closes and deletes in one step.
    private static FileStream Open(string path, bool isShared) => isShared
        ? new FileStream(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read)
        : new FileStream(
            path,
            FileMode.OpenOrCreate,
            FileAccess.ReadWrite,
            FileShare.None,
            bufferSize: 0,
            OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);

    private void Sign()
    {
        if (!_isShared)
        {
            _file.SetLength(0);
            _file.Write(Encoding.UTF8.GetBytes(Environment.MachineName));
            TimeSpan drawn = TimeSpan.FromTicks(Random.Shared.NextInt64(TimeSpan.TicksPerDay * 10_000));
            File.SetLastWriteTimeUtc(_file.SafeFileHandle, DateTime.UnixEpoch + drawn);
        }
    }

    /// <summary>Whether a file could not be opened because somebody holds it, and for no other reason.</summary>
    private static bool IsOfHolder(IOException failure)
    {
        const int SharingViolation = unchecked((int)0x80070020);
        const int WouldBlockOnMac = 35;
        const int WouldBlock = 11;
        return failure.HResult ==
            (OperatingSystem.IsWindows() ? SharingViolation
            : OperatingSystem.IsMacOS() ? WouldBlockOnMac
            : WouldBlock);
    }
}
