using System.Globalization;
using System.Text;
using Fdfa.Cpu.Reference.Description;
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

    private readonly OutputFolder _folder;
    private readonly bool _verbose;
    private RunLog? _log;
    private RunCheckpoints? _checkpoints;

    private RunFolder(OutputFolder folder, bool verbose)
    {
        _folder = folder;
        _verbose = verbose;
    }

    /// <summary>Where it is, as it was asked for.</summary>
    public string Path => _folder.Path;

    /// <summary>The log, in log.txt from the first use on.</summary>
    public ILogger Log => (_log ??= new RunLog(LogPath(Path), _verbose)).Logger;

    /// <summary>The log of a run.</summary>
    public static string LogPath(string path) => System.IO.Path.Combine(path, LogFile);

    /// <summary>The command line that goes on with the run.</summary>
    public string Resumption => RunConfiguration.CommandLine(["train", "--resume", Path]);

    /// <summary>The run's checkpoints; from the first use on, no other process has them.</summary>
    /// <exception cref="RunFolderException">Another process has them.</exception>
    public RunCheckpoints Checkpoints => _checkpoints ??= RunCheckpoints.Open(Path);

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
        string stem = System.IO.Path.Combine(
            "runs", now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + name[..Math.Min(name.Length, LongestName)]);
        string path = stem;
        for (var attempt = 2; Directory.Exists(path); attempt++)
        {
            path = string.Create(CultureInfo.InvariantCulture, $"{stem}-{attempt}");
        }

        return path;
    }

    /// <summary>Creates the folder and proves that files can be written to it, before anything costly begins.</summary>
    /// <param name="path">A new or empty folder.</param>
    /// <param name="verbose">Whether the log goes to standard error too.</param>
    /// <exception cref="RunFolderException">It is not empty, or cannot be written.</exception>
    public static RunFolder Create(string path, bool verbose) => new(OutputFolder.Create(path, mustBeEmpty: true), verbose);

    /// <summary>Opens the folder of a run to go on with it: no other process can then.</summary>
    /// <param name="path">A folder with a configuration.</param>
    /// <param name="verbose">Whether the log goes to standard error too.</param>
    /// <exception cref="RunFolderException">Another process is at work on it, or it cannot be written.</exception>
    public static RunFolder Reopen(string path, bool verbose)
    {
        var folder = new RunFolder(OutputFolder.Create(path, mustBeEmpty: false), verbose);
        try
        {
            _ = folder.Checkpoints;
            foreach (string file in AtomicFile.Abandoned(path).ToList())
            {
                File.Delete(file);
            }

            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Finds where a run can go on, and logs why it is not its newest checkpoint if that is damaged.</summary>
    /// <returns>Null where it begins at its beginning: it was stopped before its first checkpoint.</returns>
    /// <exception cref="RunFolderException">It has trained, and no checkpoint is left that can be used.</exception>
    public Checkpoint? FindCheckpoint(RunConfiguration configuration)
    {
        Checkpoint? found = Checkpoints.Newest(configuration, Log.CheckpointDamaged);
        return found is not null || ReadMetrics(Path).Count == 0
            ? found
            : throw new RunFolderException(
                $"The run '{Path}' has no checkpoints, because an older fdfa trained it or they were deleted; train again: {configuration.Repeat}");
    }

    /// <summary>Whether a run is finished: the metrics of its last epoch are the last file that it writes.</summary>
    public static bool IsFinished(string path, RunConfiguration configuration)
    {
        try
        {
            return MetricsTable.IsComplete(ReadMetrics(path), configuration.Seeds, configuration.Epochs);
        }
        catch (RunFolderException)
        {
            // Its checkpoints know better.
            return false;
        }
    }

    /// <summary>Writes config.json.</summary>
    public void WriteConfiguration(RunConfiguration configuration) => WriteText(ConfigurationFile, configuration.ToJson());

    /// <summary>Writes metrics.csv anew.</summary>
    public void WriteMetrics(IEnumerable<MetricsRow> rows) => WriteText(MetricsFile, MetricsTable.ToCsv(rows));

    /// <summary>Writes metrics.csv anew, with the rows of the newest checkpoint.</summary>
    public void PublishMetrics() => AtomicFile.Write(InFolder(MetricsFile), Checkpoints.CopyMetrics);

    /// <summary>Writes curves.png and curves.svg.</summary>
    public void WriteCurves(Curves curves)
    {
        if (PlotLibrary.Draw(() => new { Png = curves.ToPng(), Svg = curves.ToSvg() }) is { } picture)
        {
            WriteBytes("curves.png", picture.Png);
            WriteText("curves.svg", picture.Svg);
        }
    }

    /// <summary>Writes what a driver said about a kernel that it refused.</summary>
    /// <returns>The file's path.</returns>
    public string WriteBuildLog(string log)
    {
        const string Name = "kernel-build.log";
        WriteText(Name, log);
        return InFolder(Name);
    }

    /// <summary>Writes one seed's model anew.</summary>
    public void WriteModel(
        ulong seed, NetworkDescription network, TrainingOptions options, NetworkParameters parameters, IReadOnlyDictionary<string, string> metadata) =>
        ModelFile.Save(ModelPath(Path, seed), network, options, parameters, metadata);

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

    /// <summary>Reads one seed's model.</summary>
    /// <exception cref="RunFolderException">There is none.</exception>
    public static NetworkParameters ReadModel(string path, ulong seed, NetworkDescription network)
    {
        string file = ModelPath(path, seed);
        return File.Exists(file)
            ? ModelFile.Load(file, network)
            : throw new RunFolderException($"The run '{path}' has no model of seed {seed}: '{file}' is missing.");
    }

    /// <summary>Deletes the checkpoints: the run is finished, and needs them no more.</summary>
    public void DeleteCheckpoints()
    {
        _checkpoints?.Dispose();
        _checkpoints = null;
        RunCheckpoints.Delete(Path);
    }

    /// <summary>Closes the log, and takes the folder away again if nothing was ever written to it.</summary>
    public void Dispose()
    {
        _log?.Dispose();
        _checkpoints?.Dispose();
        _folder.Dispose();
    }

    private static string ModelPath(string path, ulong seed) =>
        System.IO.Path.Combine(path, string.Create(CultureInfo.InvariantCulture, $"model-seed{seed}.safetensors"));

    private string InFolder(string name) => System.IO.Path.Combine(Path, name);

    private void WriteText(string name, string text) => WriteBytes(name, Encoding.UTF8.GetBytes(text));

    private void WriteBytes(string name, byte[] bytes) => AtomicFile.Write(InFolder(name), stream => stream.Write(bytes));
}
