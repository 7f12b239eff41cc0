using System.Diagnostics;

namespace Fdfa.Tests.Data;

/// <summary>A folder for one test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("fdfa-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, byte[] contents)
    {
        var path = File(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, contents);
        return path;
    }

    /// <summary>Makes a pipe, or skips the test.</summary>
    public string MakePipe(string name)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Makes a pipe with mkfifo.");
        using Process make = Process.Start("mkfifo", [File(name)]);
        make.WaitForExit();
        return File(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
