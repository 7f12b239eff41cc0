namespace Fdfa.Gpu.Checkpoints;

/// <summary>Opens files that hold data.</summary>
public static class RegularFile
{
    /// <summary>Opens a file for reading. A pipe or the like, which could keep its reader waiting for ever, is refused.</summary>
    /// <remarks>Pipes, sockets and devices are known on Linux only. Symbolic links are followed.</remarks>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">There is no such file, it is not a regular one, or it cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file does not permit it, or it is a folder.</exception>
    public static FileStream OpenRead(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Disk.IsSpecial(path)
            ? throw new IOException($"'{path}' is a pipe, a socket or a device, where a regular file is expected")
            : File.OpenRead(path);
    }
}
