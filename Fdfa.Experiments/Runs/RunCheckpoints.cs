using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Runs;

/// <summary>A checkpoint that is whole.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Manifest">Where the run stood.</param>
internal sealed record Checkpoint(string Path, CheckpointManifest Manifest)
{
    /// <summary>The files that hold the seeds' states, in the order of the seeds.</summary>
    public IReadOnlyList<string> States => [.. Manifest.Seeds.Select(seed => System.IO.Path.Combine(Path, RunCheckpoints.StateName(seed)))];

    /// <summary>Whether each seed has the same bits on some devices as on others: those of one kind do, however many they are.</summary>
    public static bool HasSameBits(IReadOnlyList<DeviceInfo> some, IReadOnlyList<DeviceInfo> others)
    {
        DeviceKind[] kinds = [.. some.Concat(others).Select(device => device.Kind).Distinct()];
        return kinds.Length == 1 || some.Select(device => device.Kind).SequenceEqual(others.Select(device => device.Kind));
    }
}

/// <summary>The checkpoints of a run: a folder each, of which the two newest are kept.</summary>
/// <remarks>
/// <code>
/// checkpoints/step-000000000469/checkpoint.json            where the run stood; names the others with length and checksum
///                               metrics.csv                the epochs so far
///                               state-seed0.safetensors    all that the training of this seed depends on, and so on
/// </code>
/// A folder gets its name when it is whole and on the disk, and only then goes the oldest: whenever the process is killed, one is there that
/// can be read, except before the first. What cannot be read stays until two newer ones can be.
/// The metrics of all epochs so far are in the newest and nowhere in memory: however long a run is, it takes no more of it.
/// One process at a time has the checkpoints of a run: it holds a lock that the system takes back when it dies.
/// </remarks>
internal sealed class RunCheckpoints : IDisposable
{
    private const int Generations = 2;

    /// <summary>The most that is written at once: the array pool keeps arrays as long as the longest write.</summary>
    private const int BufferBytes = 1 << 16;

    private const string LockFile = ".lock";
    private const string ManifestFile = "checkpoint.json";
    private const string MetricsFile = "metrics.csv";
    private const string FolderPrefix = "step-";

    private readonly string _folder;
    private readonly FileStream _lock;

    // Only those that this process has written or read, and no more than are kept.
    private readonly List<string> _known = [];

    private RunCheckpoints(string folder, FileStream @lock)
    {
        _folder = folder;
        _lock = @lock;
        foreach (string abandoned in AtomicFolder.Abandoned(folder).ToList())
        {
            Directory.Delete(abandoned, recursive: true);
        }
    }

    /// <summary>Opens the checkpoints of a run; none, where it has none yet.</summary>
    /// <param name="run">The run's folder.</param>
    /// <exception cref="RunFolderException">Another process has them.</exception>
    public static RunCheckpoints Open(string run)
    {
        string folder = FolderOf(run);
        Directory.CreateDirectory(folder);
        try
        {
            return new RunCheckpoints(folder, new FileStream(
                Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException failure)
        {
            throw new RunFolderException($"Another fdfa is at work on the run '{run}'; wait until it ends.", failure);
        }
    }

    /// <summary>Deletes what this program wrote of a run's checkpoints, and their folder if nothing else is in it. Nobody may have them open.</summary>
    /// <param name="run">The run's folder.</param>
    public static void Delete(string run)
    {
        string folder = FolderOf(run);
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (string each in Written(folder).Concat(AtomicFolder.Abandoned(folder)).ToList())
        {
            AtomicFolder.Delete(each);
        }

        File.Delete(Path.Combine(folder, LockFile));
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    /// <summary>The name of the file that holds a seed's state.</summary>
    public static string StateName(ulong seed) => string.Create(CultureInfo.InvariantCulture, $"state-seed{seed}.safetensors");

    /// <summary>Finds the newest checkpoint that is whole.</summary>
    /// <param name="configuration">The run's.</param>
    /// <param name="tell">Told, in a sentence each, of newer ones that are not.</param>
    /// <returns>Null where there is none at all.</returns>
    /// <exception cref="RunFolderException">There are some, and none is whole.</exception>
    public Checkpoint? Newest(RunConfiguration configuration, Action<string> tell)
    {
        string? finding = null;
        foreach (string folder in Written(_folder).OrderDescending(StringComparer.Ordinal))
        {
            try
            {
                Checkpoint found = Read(folder, configuration);
                _known.Add(folder);
                return found;
            }
            catch (Exception damage) when (damage is RunFolderException or IOException or UnauthorizedAccessException)
            {
                string sentence = $"The checkpoint '{folder}' cannot be used: {damage.Message.TrimEnd('.')}.";
                finding ??= sentence;
                tell(sentence);
            }
        }

        return finding is null
            ? null
            : throw new RunFolderException($"{finding[..^1]}, and no older one can; train again: {configuration.Repeat}");
    }

    /// <summary>The metrics in the newest checkpoint that this process has written or read; none where there is none.</summary>
    /// <remarks>Read anew by whoever goes through them.</remarks>
    public IEnumerable<MetricsRow> Metrics => _known.Count > 0 ? MetricsTable.Read(Path.Combine(_known[^1], MetricsFile)) : [];

    /// <summary>Writes a metrics.csv of <see cref="Metrics"/>.</summary>
    public void CopyMetrics(Stream target)
    {
        if (_known.Count > 0)
        {
            using FileStream newest = File.OpenRead(Path.Combine(_known[^1], MetricsFile));
            newest.CopyTo(target, BufferBytes);
        }
        else
        {
            target.Write(Encoding.UTF8.GetBytes(MetricsTable.ToCsv([])));
        }
    }

    /// <summary>Writes a checkpoint and deletes the third newest. Does nothing where this step's is the newest already.</summary>
    /// <param name="manifest">Where the run stands; its files are added here.</param>
    /// <param name="added">The metrics that the newest checkpoint lacks.</param>
    /// <param name="save">Writes the state of the seed of that index.</param>
    public void Write(CheckpointManifest manifest, IReadOnlyList<MetricsRow> added, Action<int, Stream> save)
    {
        string folder = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{FolderPrefix}{manifest.Step:D12}"));
        if (_known.LastOrDefault() == folder)
        {
            return;
        }

        AtomicFolder.Write(folder, temporary =>
        {
            var files = new List<CheckpointFile>
            {
                WriteFile(temporary, MetricsFile, stream =>
                {
                    CopyMetrics(stream);
                    stream.Write(Encoding.UTF8.GetBytes(MetricsTable.ToLines(added)));
                }),
            };
            for (var index = 0; index < manifest.Seeds.Count; index++)
            {
                files.Add(WriteFile(temporary, StateName(manifest.Seeds[index]), stream => save(index, stream)));
            }

            File.WriteAllText(Path.Combine(temporary, ManifestFile), (manifest with { Files = files }).ToText());
        });
        _known.Add(folder);
        _known.RemoveRange(0, Math.Max(0, _known.Count - Generations));
        foreach (string old in Written(_folder).Except(_known).ToList())
        {
            AtomicFolder.Delete(old);
        }
    }

    /// <summary>Lets other processes have them.</summary>
    public void Dispose() => _lock.Dispose();

    private static string FolderOf(string run) => Path.Combine(run, "checkpoints");

    private static IEnumerable<string> Written(string folder) => Directory.EnumerateDirectories(folder, FolderPrefix + "*");

    private static CheckpointFile WriteFile(string folder, string name, Action<Stream> write)
    {
        string path = Path.Combine(folder, name);
        using SHA256 hash = SHA256.Create();
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        using (var hashing = new CryptoStream(file, hash, CryptoStreamMode.Write))
        using (var buffer = new BufferedStream(hashing, BufferBytes))
        {
            write(buffer);
        }

        return new CheckpointFile(name, new FileInfo(path).Length, Convert.ToHexStringLower(hash.Hash!));
    }

    private static Checkpoint Read(string folder, RunConfiguration configuration)
    {
        CheckpointManifest manifest = CheckpointManifest.Parse(File.ReadAllText(Path.Combine(folder, ManifestFile)));
        if (manifest.Run != configuration.StartedAt || !manifest.Seeds.SequenceEqual(configuration.Seeds))
        {
            throw new RunFolderException("it is of another run");
        }

        foreach (string missing in manifest.Seeds.Select(StateName).Append(MetricsFile).Except(manifest.Files.Select(file => file.Name)))
        {
            throw new RunFolderException($"its {ManifestFile} does not name {missing}");
        }

        foreach (CheckpointFile file in manifest.Files)
        {
            RequireWhole(Path.Combine(folder, file.Name), file);
        }

        RequireRows(Path.Combine(folder, MetricsFile));
        return new Checkpoint(folder, manifest);
    }

    private static void RequireRows(string path)
    {
        foreach (MetricsRow _ in MetricsTable.Read(path))
        {
        }
    }

    private static void RequireWhole(string path, CheckpointFile file)
    {
        if (!File.Exists(path))
        {
            throw new RunFolderException($"its {file.Name} is missing");
        }

        using FileStream stream = File.OpenRead(path);
        if (stream.Length != file.Bytes)
        {
            throw new RunFolderException($"its {file.Name} has {stream.Length} bytes, where {file.Bytes} were written");
        }

        if (Convert.ToHexStringLower(SHA256.HashData(stream)) != file.Sha256)
        {
            throw new RunFolderException($"its {file.Name} has changed since it was written: its checksum is another");
        }
    }
}
