using System.Globalization;
using System.IO.Enumeration;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Plots;
using Fdfa.Gpu.Checkpoints;
using Microsoft.Extensions.Logging;

namespace Fdfa.Experiments.Runs;

/// <summary>The folder of a run. Every file appears whole or not at all.</summary>
internal sealed class RunFolder : IDisposable
{
    private const string ConfigurationFile = "config.json";
    private const string MetricsFile = "metrics.csv";
    private const string LogFile = "log.txt";
    private const string BuildLogFile = "kernel-build.log";
    private const string DivergenceFile = "diverged.txt";

    /// <summary>What this program writes into a run folder, besides folders of checkpoints and events: all else is somebody's.</summary>
    private const string Models = "model-seed*.safetensors";

    private static readonly string[] s_ownFiles =
    [
        ConfigurationFile, MetricsFile, "curves.png", "curves.svg", LogFile, BuildLogFile, DivergenceFile, Models,
        OutputFolder.ProbeFile,
    ];

    private readonly bool _verbose;
    private OutputFolder _folder;
    private RunConfiguration? _configuration;
    private RunLog? _log;
    private RunCheckpoints? _checkpoints;

    private RunFolder(OutputFolder folder, bool verbose)
    {
        _folder = folder;
        _verbose = verbose;
    }

    /// <summary>Where it is, as it was asked for; elsewhere, once somebody has removed that folder and put another in its place.</summary>
    public string Path => _folder.Path;

    /// <summary>The log, in log.txt from the first use on.</summary>
    public ILogger Log => (_log ??= new RunLog(LogPath(Path), _verbose)).Logger;

    /// <summary>The log of a run.</summary>
    public static string LogPath(string path) => System.IO.Path.Combine(path, LogFile);

    /// <summary>The file that says that a run diverged, and how.</summary>
    public static string DivergencePath(string path) => System.IO.Path.Combine(path, DivergenceFile);

    /// <summary>The command line that goes on with the run.</summary>
    public string Resumption => ResumptionOf(Path);

    /// <summary>Whether the run can be gone on with: it has a configuration.</summary>
    public bool HasConfiguration => Is(Path);

    /// <summary>Whether somebody has removed the folder, or what a run needs to go on from it.</summary>
    public bool IsIncomplete => !_folder.IsClaimed || !HasConfiguration || !Checkpoints.AreThere;

    /// <summary>The run's checkpoints.</summary>
    public RunCheckpoints Checkpoints => _checkpoints ??= new RunCheckpoints(Path, () => _configuration?.Data.Validation is not null);

    /// <summary>The path of a run whose <c>--output</c> is not given.</summary>
    public static string DefaultPath(RunRequest request, DateTime now) =>
        DefaultPath($"{request.Options.Rule.Name}-{NameOf(request.Network)}", now);

    /// <summary>A network's topology, fit to name a folder: a stride's slash would begin another one.</summary>
    public static string NameOf(NetworkDescription network) => network.Topology.Replace('/', '_');

    /// <summary>The path of a run with a name of its own.</summary>
    public static string DefaultPath(string name, DateTime now)
    {
        // A deep network's topology is longer than some file systems let a name be.
        const int LongestName = 100;
        return System.IO.Path.Combine(
            "runs", now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + name[..Math.Min(name.Length, LongestName)]);
    }

    /// <summary>Claims the folder and proves that files can be written to it, before anything costly begins.</summary>
    /// <param name="path">A new or empty folder.</param>
    /// <param name="verbose">Whether the log goes to standard error too.</param>
    /// <exception cref="FolderTakenException">It is not empty, or another process has claimed it.</exception>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static RunFolder Create(string path, bool verbose) => new(OutputFolder.Create(path), verbose);

    /// <summary>Claims the folder that was asked for, or one of its own.</summary>
    /// <param name="asked">A new or empty folder; null where none was asked for.</param>
    /// <param name="otherwise">Then this one, with a number after it where others have it.</param>
    /// <param name="verbose">Whether the log goes to standard error too.</param>
    /// <exception cref="FolderTakenException">The one that was asked for is not empty, or another process has claimed it.</exception>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static RunFolder Create(string? asked, string otherwise, bool verbose) =>
        asked is null ? new(OutputFolder.CreateFirstFree(otherwise), verbose) : Create(asked, verbose);

    /// <summary>Claims the folder of a run to go on with it.</summary>
    /// <param name="path">A folder with a configuration.</param>
    /// <param name="verbose">Whether the log goes to standard error too.</param>
    /// <exception cref="FolderTakenException">Another process has claimed it.</exception>
    /// <exception cref="RunFolderException">It cannot be written.</exception>
    public static RunFolder Reopen(string path, bool verbose) => new(Claim(path, () => Delete(AtomicFile.Abandoned(path))), verbose);

    /// <summary>Claims the folder of a run to train it anew; what it left there is deleted.</summary>
    /// <param name="path">The folder; created where it is missing.</param>
    /// <param name="verbose">Whether the log goes to standard error too.</param>
    /// <exception cref="FolderTakenException">Another process has claimed it.</exception>
    /// <exception cref="RunFolderException">It holds files that are not a run's, or cannot be written.</exception>
    public static RunFolder Renew(string path, bool verbose) => new(Claim(path, () =>
    {
        Delete(s_ownFiles.SelectMany(pattern => Directory.GetFiles(path, pattern)).Concat(AtomicFile.Abandoned(path)));
        RunCheckpoints.Delete(path);
        RunEvents.Delete(path);
        if (Directory.EnumerateFileSystemEntries(path).FirstOrDefault(entry => entry != OutputFolder.LockPath(path)) is { } foreign)
        {
            throw new RunFolderException(
                $"The unfinished run '{path}' has '{System.IO.Path.GetFileName(foreign)}' in it, which fdfa did not write; "
                + "move that away, and the run is trained again.");
        }
    }), verbose);

    /// <summary>The run whose own file a path names, if it is one.</summary>
    /// <param name="file">A full path; the file need not exist.</param>
    /// <returns>The run's folder, or null.</returns>
    public static string? OwnerOf(string file)
    {
        for (string? folder = System.IO.Path.GetDirectoryName(file); folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            string name = System.IO.Path.GetRelativePath(folder, file).Split(System.IO.Path.DirectorySeparatorChar)[0];
            if (IsOwn(name) && File.Exists(System.IO.Path.Combine(folder, ConfigurationFile)))
            {
                return folder;
            }
        }

        return null;
    }

    /// <summary>Makes the folder and its configuration anew after somebody has removed them while the run trained.</summary>
    /// <remarks>The checkpoint must be written next.</remarks>
    /// <exception cref="RunFolderException">It cannot be written, and no folder beside it either.</exception>
    public void Restore()
    {
        if (!_folder.IsClaimed)
        {
            OutputFolder reclaimed = Reclaim();
            _folder.Dispose();
            _folder = reclaimed;
            Checkpoints.MoveTo(Path);
            _log?.Dispose();
            _log = null;
        }

        WriteConfiguration(_configuration!);
        Log.Restored(Path);
    }

    /// <summary>Finds where a run can go on, and logs why it is not its newest checkpoint if that is damaged.</summary>
    /// <returns>Null where it begins at its beginning: it was stopped before its first checkpoint.</returns>
    /// <exception cref="RunFolderException">It has trained, and no checkpoint is left that can be used.</exception>
    public Checkpoint? FindCheckpoint(RunConfiguration configuration)
    {
        Checkpoint? found = Checkpoints.Newest(configuration, Log.CheckpointDamaged);
        return found is not null || (ReadMetrics(Path).Count == 0 && !configuration.Seeds.Any(seed => File.Exists(ModelPath(Path, seed))))
            ? found
            : throw new RunFolderException(
                $"The run '{Path}' has no checkpoints, because an older fdfa trained it or they were deleted; train again: "
                + $"{configuration.Repeat}");
    }

    /// <summary>Whether a run is finished: the metrics of its last epoch are the last file that it writes.</summary>
    public static bool IsFinished(string path, RunConfiguration configuration)
    {
        try
        {
            return MetricsTable.IsComplete(ReadMetrics(path), configuration);
        }
        catch (RunFolderException)
        {
            // Its checkpoints know better.
            return false;
        }
    }

    /// <summary>Writes config.json.</summary>
    public void WriteConfiguration(RunConfiguration configuration)
    {
        _configuration = configuration;
        WriteText(ConfigurationFile, configuration.ToJson());
    }

    /// <summary>Writes metrics.csv anew.</summary>
    public void WriteMetrics(IReadOnlyList<MetricsRow> rows) => WriteText(MetricsFile, MetricsTable.ToCsv(rows));

    /// <summary>Writes metrics.csv anew, with the rows of the newest checkpoint.</summary>
    public void PublishMetrics() => AtomicFile.Write(InFolder(MetricsFile), Checkpoints.CopyMetrics);

    /// <summary>Writes curves.png and curves.svg.</summary>
    public void WriteCurves(Curves curves)
    {
        using PlotSheet? picture = PlotLibrary.Draw(curves.Draw);
        picture?.Write((ending, bytes) => WriteBytes("curves" + ending, bytes));
    }

    /// <summary>Writes what a driver said about a kernel that it refused.</summary>
    /// <returns>The file's path.</returns>
    public string WriteBuildLog(string log)
    {
        WriteText(BuildLogFile, log);
        return InFolder(BuildLogFile);
    }

    /// <summary>Writes one seed's model anew.</summary>
    public void WriteModel(
        ulong seed,
        NetworkDescription network,
        TrainingOptions options,
        NetworkParameters parameters,
        IReadOnlyDictionary<string, string> metadata,
        bool isBest = false) =>
        ModelFile.Save(ModelPath(Path, seed, isBest), network, options, parameters, metadata);

    /// <summary>Whether a folder is that of a run.</summary>
    public static bool Is(string path) => File.Exists(System.IO.Path.Combine(path, ConfigurationFile));

    /// <summary>The runs that a folder holds: those of a sweep or a table, in the order of their names.</summary>
    /// <param name="path">The folder; it need not exist.</param>
    public static IReadOnlyList<string> RunsIn(string path) =>
        Directory.Exists(path) ? [.. Directory.GetDirectories(path).Where(Is).Order(StringComparer.Ordinal)] : [];

    /// <summary>Reads the configuration of a finished or interrupted run.</summary>
    /// <exception cref="RunFolderException">There is none, or it cannot be read.</exception>
    public static RunConfiguration ReadConfiguration(string path)
    {
        string file = System.IO.Path.Combine(path, ConfigurationFile);
        if (!File.Exists(file))
        {
            throw new RunFolderException(
                $"'{path}' is not a run folder: it has no {ConfigurationFile}; give the folder that 'fdfa train' named at its end.");
        }

        return RunConfiguration.Parse(File.ReadAllText(file), file);
    }

    /// <summary>Reads the metrics of a run; none when it was interrupted before its first epoch ended.</summary>
    /// <exception cref="RunFolderException">They cannot be read.</exception>
    public static IReadOnlyList<MetricsRow> ReadMetrics(string path)
    {
        string file = System.IO.Path.Combine(path, MetricsFile);
        return File.Exists(file) ? MetricsTable.Parse(File.ReadAllText(file), file) : [];
    }

    /// <summary>The model of one seed.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="isBest">Whether as of its best epoch instead of the last.</param>
    public static string ModelPath(string path, ulong seed, bool isBest = false) =>
        System.IO.Path.Combine(path, string.Create(CultureInfo.InvariantCulture, $"model-seed{seed}{(isBest ? "-best" : "")}.safetensors"));

    /// <summary>Reads one seed's model.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="network">What it is of.</param>
    /// <param name="isBest">Whether as of its best epoch instead of the last.</param>
    /// <exception cref="RunFolderException">There is none.</exception>
    public static NetworkParameters ReadModel(string path, ulong seed, NetworkDescription network, bool isBest = false)
    {
        string file = ModelPath(path, seed, isBest);
        if (File.Exists(file))
        {
            return ModelFile.Load(file, network);
        }

        throw new RunFolderException(isBest && ReadConfiguration(path).Keep != KeptModels.Best
            ? $"The run '{path}' kept no models of its best epochs; train it with --validation 0.1 --keep best, or leave out --best."
            : $"The run '{path}' has no model of seed {seed}{(isBest ? "'s best epoch" : "")}: {WhyNoModel(path, file)}");
    }

    private static string ResumptionOf(string path) => RunConfiguration.CommandLine(["train", "--resume", path]);

    private static string WhyNoModel(string path, string file)
    {
        RunConfiguration configuration = ReadConfiguration(path);
        return Directory.GetFiles(path, Models).Length > 0 ? $"'{file}' is missing."
            : MetricsTable.IsComplete(ReadMetrics(path), configuration)
                ? $"runs of a sweep and of a table keep none. This trains it again, and keeps them: {configuration.Repeat}"
            : $"it has not trained an epoch yet, or its models are gone. This trains it on: {ResumptionOf(path)}";
    }

    /// <summary>Deletes the checkpoints: the run is finished, and needs them no more.</summary>
    public void DeleteCheckpoints()
    {
        _checkpoints?.Dispose();
        _checkpoints = null;
        RunCheckpoints.Delete(Path);
    }

    /// <summary>Gives the folder to other processes, and takes it away again if nothing was ever written to it.</summary>
    public void Dispose()
    {
        _log?.Dispose();
        _checkpoints?.Dispose();
        _folder.Dispose();
    }

    /// <param name="path">The folder; created where it is missing.</param>
    /// <param name="prepare">What to do in it first; where that throws, it is not claimed.</param>
    private static OutputFolder Claim(string path, Action prepare)
    {
        OutputFolder claimed = OutputFolder.Claim(path);
        try
        {
            prepare();
            return claimed;
        }
        catch
        {
            claimed.Dispose();
            throw;
        }
    }

    /// <summary>The folder that was claimed, if what is there now is the run's; else one beside it.</summary>
    private OutputFolder Reclaim()
    {
        try
        {
            return Claim(Path, () =>
            {
                if (!IsOfThisRun())
                {
                    throw FolderTakenException.AtWorkOn(Path);
                }
            });
        }
        catch (FolderTakenException)
        {
            // Another run is in its place.
            return OutputFolder.CreateFirstFree(Path);
        }
    }

    private bool IsOfThisRun()
    {
        try
        {
            return HasConfiguration
                ? ReadConfiguration(Path).StartedAt == _configuration!.StartedAt
                : Directory.EnumerateFileSystemEntries(Path).All(entry => IsOwn(System.IO.Path.GetFileName(entry)));
        }
        catch (RunFolderException)
        {
            // A configuration, but not as a run writes one.
            return false;
        }
    }

    private static void Delete(IEnumerable<string> files)
    {
        foreach (string file in files.ToList())
        {
            File.Delete(file);
        }
    }

    /// <summary>Whether a run writes a file or folder of that name into its own.</summary>
    private static bool IsOwn(string name) =>
        s_ownFiles.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name))
        || name is OutputFolder.LockFile or RunCheckpoints.FolderName or RunEvents.FolderName
        || AtomicFile.IsTemporary(name);

    private string InFolder(string name) => System.IO.Path.Combine(Path, name);

    private void WriteText(string name, string text) => WriteBytes(name, Encoding.UTF8.GetBytes(text));

    private void WriteBytes(string name, byte[] bytes) => AtomicFile.Write(InFolder(name), stream => stream.Write(bytes));
}
