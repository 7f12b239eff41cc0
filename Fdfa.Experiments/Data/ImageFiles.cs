using System.IO.Compression;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Data;

/// <summary>Files with slashes in their names, in a folder or a zip archive; a name is only ever looked up, never made a path.</summary>
internal abstract class ImageFiles : IDisposable
{
    /// <summary>Every file, and what changes when its contents do.</summary>
    public abstract IReadOnlyDictionary<string, string> Stamps { get; }

    /// <summary>Opens a folder or an archive.</summary>
    /// <param name="path">Where.</param>
    /// <param name="root">The folder in the archive whose files are meant; names are given without it.</param>
    /// <exception cref="DataFormatException">It is missing, cut short or damaged.</exception>
    public static ImageFiles Open(string path, string root)
    {
        try
        {
            return Directory.Exists(path) ? new InFolder(path) : new InZip(path, root + "/");
        }
        catch (InvalidDataException failure)
        {
            throw new DataFormatException(
                $"The file '{path}' should be a whole zip archive, but is cut short or damaged; delete it and get it again.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"'{path}' cannot be read ({failure.Message}); check its permissions.", failure);
        }
    }

    /// <summary>Reads a file that is there.</summary>
    /// <param name="name">One of <see cref="Stamps"/>.</param>
    /// <param name="most">Bytes that such a file may have.</param>
    /// <exception cref="DataFormatException">The file is longer, or damaged.</exception>
    public byte[] Read(string name, int most)
    {
        try
        {
            using Stream stream = Open(name, out long length);
            if (length > most)
            {
                throw new DataFormatException(
                    $"{QuotedText.Of(name)} should have at most {most} bytes, but has {length}; get the data set again.");
            }

            byte[] bytes = ClaimedBytes.Read(stream, length);
            if (bytes.Length < length || stream.ReadByte() >= 0)
            {
                throw new InvalidDataException();
            }

            RequireIntact(name, bytes);
            return bytes;
        }
        catch (InvalidDataException failure)
        {
            throw new DataFormatException($"{QuotedText.Of(name)} is damaged in its archive; get the archive again.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"{QuotedText.Of(name)} cannot be read ({failure.Message}).", failure);
        }
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    private protected abstract Stream Open(string name, out long length);

    private protected virtual void RequireIntact(string name, byte[] bytes)
    {
    }

    private sealed class InFolder : ImageFiles
    {
        private readonly string _path;

        public InFolder(string path)
        {
            _path = path;
            Stamps = new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).ToDictionary(
                file => Path.GetRelativePath(path, file.FullName).Replace('\\', '/'),
                file => $"{file.Length} {file.LastWriteTimeUtc.Ticks}");
        }

        public override IReadOnlyDictionary<string, string> Stamps { get; }

        public override void Dispose()
        {
        }

        private protected override Stream Open(string name, out long length)
        {
            FileStream stream = RegularFile.OpenRead(Path.Combine(_path, name));
            length = stream.Length;
            return stream;
        }
    }

    private sealed class InZip : ImageFiles
    {
        private readonly ZipArchive _archive;
        private readonly Dictionary<string, ZipArchiveEntry> _entries = [];

        public InZip(string path, string root)
        {
            FileStream file = RegularFile.OpenRead(path);
            try
            {
                _archive = new ZipArchive(file);
                foreach (ZipArchiveEntry entry in _archive.Entries.Where(
                    entry => entry.FullName.StartsWith(root, StringComparison.Ordinal)))
                {
                    if (!_entries.TryAdd(entry.FullName[root.Length..], entry))
                    {
                        throw new DataFormatException(
                            $"The archive '{path}' should hold {QuotedText.Of(entry.FullName)} once, but holds it twice; "
                            + "delete it and get it again.");
                    }
                }
            }
            catch
            {
                file.Dispose();
                throw;
            }

            Stamps = _entries.ToDictionary(entry => entry.Key, entry => $"{entry.Value.Length} {entry.Value.Crc32:x8}");
        }

        public override IReadOnlyDictionary<string, string> Stamps { get; }

        public override void Dispose() => _archive.Dispose();

        private protected override Stream Open(string name, out long length)
        {
            length = _entries[name].Length;
            return _entries[name].Open();
        }

        // .NET does not compare it.
        private protected override void RequireIntact(string name, byte[] bytes)
        {
            if (Crc32.Of(bytes) != _entries[name].Crc32)
            {
                throw new InvalidDataException();
            }
        }
    }
}
