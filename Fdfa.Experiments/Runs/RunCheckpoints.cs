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
/// A folder gets its name when it is whole and on the disk, and only then goes the oldest: whenever the process is killed, one is there
/// that can be read, except before the first. What cannot be read stays until two newer ones can be.
/// The metrics of all epochs so far are in the newest and nowhere in memory: however long a run is, it takes no more of it. They stay open,
/// so that they outlast their folder where somebody removes that.
/// Whoever writes them has claimed the run's folder.
/// </remarks>
internal sealed class RunCheckpoints : IDisposable
{
    /// <summary>The folder within the run's.</summary>
    public const string FolderName = "checkpoints";

    private const int Generations = 2;

    /// <summary>The most that is written at once: the array pool keeps arrays as long as the longest write.</summary>
    private const int BufferBytes = 1 << 16;

    /// <summary>The lock of an older fdfa.</summary>
    private const string FormerLockFile = ".lock";

    private const string ManifestFile = "checkpoint.json";
    private const string MetricsFile = "metrics.csv";
    private const string FolderPrefix = "step-";

    private readonly Func<bool>? _hasValidation;
    private string _folder;
    private FileStream? _metrics;

    /// <summary>The checkpoint whose metrics are open, wherever it was.</summary>
    private string? _newest;

    // Only those that this process has written or read, and no more than are kept.
    private readonly List<string> _known = [];

    /// <summary>Opens the checkpoints of a run; none, where it has none yet.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="hasValidation">Asked when the metrics begin: whether the run has samples set aside. Null for no.</param>
    public RunCheckpoints(string run, Func<bool>? hasValidation = null)
    {
        _hasValidation = hasValidation;
        _folder = FolderOf(run);
        foreach (string abandoned in Directory.Exists(_folder) ? AtomicFolder.Abandoned(_folder).ToList() : [])
        {
            Directory.Delete(abandoned, recursive: true);
        }
    }

    /// <summary>Whether the newest is still there; true where there is none yet.</summary>
    public bool AreThere => _known.Count == 0 || Directory.Exists(_known[^1]);

    /// <summary>
    /// Deletes what this program wrote of a run's checkpoints, and their folder if nothing else is in it. Nobody may have them open.
    /// </summary>
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

        File.Delete(Path.Combine(folder, FormerLockFile));
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    /// <summary>Whether a run has any.</summary>
    /// <param name="run">The run's folder.</param>
    public static bool Exist(string run) => Directory.Exists(FolderOf(run));

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
                Know(folder);
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
    /// <remarks>Read anew by whoever goes through them, one at a time.</remarks>
    public IEnumerable<MetricsRow> Metrics => _metrics is null ? [] : MetricsTable.Read(_metrics);

    /// <summary>Writes a metrics.csv of <see cref="Metrics"/>.</summary>
    public void CopyMetrics(Stream target)
    {
        if (_metrics is not null)
        {
            _metrics.Position = 0;
            _metrics.CopyTo(target, BufferBytes);
        }
        else
        {
            target.Write(Encoding.UTF8.GetBytes(MetricsTable.HeaderOf(_hasValidation?.Invoke() ?? false)));
        }
    }

    /// <summary>Writes the next ones into another folder: the run's is not its own any more.</summary>
    /// <param name="run">The folder of the run from now on.</param>
    public void MoveTo(string run)
    {
        _folder = FolderOf(run);
        _known.Clear();
    }

    /// <summary>Writes a checkpoint and deletes the third newest. Does nothing where this step's is the newest, and still there.</summary>
    /// <param name="manifest">Where the run stands; its files are added here.</param>
    /// <param name="added">The metrics that the newest checkpoint lacks.</param>
    /// <param name="save">Writes the state of the seed of that index.</param>
    public void Write(CheckpointManifest manifest, IReadOnlyList<MetricsRow> added, Action<int, Stream> save)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{FolderPrefix}{manifest.Step:D12}");
        string folder = Path.Combine(_folder, name);
        if (_known.LastOrDefault() == folder && AreThere)
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
                    stream.Write(Encoding.UTF8.GetBytes(MetricsTable.ToLines(name == _newest ? [] : added)));
                }),
            };
            for (var index = 0; index < manifest.Seeds.Count; index++)
            {
                files.Add(WriteFile(temporary, StateName(manifest.Seeds[index]), stream => save(index, stream)));
            }

            File.WriteAllText(Path.Combine(temporary, ManifestFile), (manifest with { Files = files }).ToText());
        });
        Know(folder);
        foreach (string old in Written(_folder).Except(_known).ToList())
        {
            AtomicFolder.Delete(old);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _metrics?.Dispose();

    private void Know(string folder)
    {
        _metrics?.Dispose();
        _metrics = OpenMetrics(folder);
        _newest = Path.GetFileName(folder);
        _known.Remove(folder);
        _known.Add(folder);
        _known.RemoveRange(0, Math.Max(0, _known.Count - Generations));
    }

    private static FileStream OpenMetrics(string folder) =>
        new(Path.Combine(folder, MetricsFile), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private static string FolderOf(string run) => Path.Combine(run, FolderName);

    private static IEnumerable<string> Written(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateDirectories(folder, FolderPrefix + "*") : [];

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

        RequireRows(folder);
        return new Checkpoint(folder, manifest);
    }

    private static void RequireRows(string folder)
    {
        using FileStream metrics = OpenMetrics(folder);
        foreach (MetricsRow _ in MetricsTable.Read(metrics))
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
