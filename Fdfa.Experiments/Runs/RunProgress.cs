using System.Text;
using System.Text.RegularExpressions;

namespace Fdfa.Experiments.Runs;

/// <summary>Whether a run goes on.</summary>
internal enum RunState
{
    /// <summary>It trains, as far as its folder says.</summary>
    Training,

    /// <summary>Every epoch is done.</summary>
    Finished,

    /// <summary>Ctrl-C ended it.</summary>
    Interrupted,

    /// <summary>It diverged, or a file or device failed it.</summary>
    Failed,

    /// <summary>Its process is gone without a word.</summary>
    Killed,
}

/// <summary>How far a run is, read from its folder while another process trains it.</summary>
/// <param name="Configuration">What it is.</param>
/// <param name="Rows">The epochs that are done.</param>
/// <param name="State">Whether it goes on.</param>
/// <param name="Reason">Why it ended early, in the words of its log; else null.</param>
/// <param name="Silence">How long ago it last wrote anything.</param>
/// <param name="ForeignMachine">Another machine, if that took its lock, which looks free from here; else null.</param>
internal sealed partial record RunProgress(
    RunConfiguration Configuration,
    IReadOnlyList<MetricsRow> Rows,
    RunState State,
    string? Reason,
    TimeSpan Silence,
    string? ForeignMachine = null)
{
    /// <summary>How much of a log's end is read: more than a failure with its stack trace.</summary>
    private const int EndOfLog = 1 << 16;

    /// <summary>The last epoch that is done, 0 before the first.</summary>
    public int Epoch => Rows.Select(row => row.Epoch).DefaultIfEmpty().Max();

    /// <summary>Seconds of training that an epoch took in the mean; null before the first is done.</summary>
    public double? SecondsPerEpoch => Rows.Count == 0 ? null : Rows.DistinctBy(row => row.Epoch).Average(row => row.Seconds);

    /// <summary>Whether it has been silent for so much longer than an epoch takes that its process may be gone.</summary>
    public bool IsOverdue => State == RunState.Training
        && Silence > TimeSpan.FromMinutes(1) && Silence.TotalSeconds > 10 * (SecondsPerEpoch ?? double.PositiveInfinity);

    /// <summary>Whether there is reason to doubt that it still trains.</summary>
    public bool IsDoubtful => State == RunState.Training && (IsOverdue || ForeignMachine is not null);

    /// <summary>Reads a run folder.</summary>
    /// <exception cref="RunFolderException">It is none, or damaged.</exception>
    public static RunProgress Read(string path)
    {
        RunConfiguration configuration = RunFolder.ReadConfiguration(path);

        // Before the log: whoever gives the lock back has said there how the run ended.
        bool isHeld = FileLock.IsHeld(OutputFolder.LockPath(path), out string? machine);
        string? reason = ReadEnding(RunFolder.LogPath(path), out RunState ending);

        // After the log: a run that ends in between is finished here, not interrupted.
        IReadOnlyList<MetricsRow> rows = RunFolder.ReadMetrics(path);
        bool isFinished = MetricsTable.IsComplete(rows, configuration);
        DateTime lastWrite = Directory.EnumerateFiles(path).Select(File.GetLastWriteTimeUtc).DefaultIfEmpty(DateTime.UtcNow).Max();
        if (isFinished)
        {
            return new RunProgress(configuration, rows, RunState.Finished, null, default);
        }

        bool isForeign = !isHeld && machine is { Length: > 0 } && machine != Environment.MachineName;
        return new RunProgress(
            configuration,
            rows,
            ending == RunState.Training && !isHeld && !isForeign ? RunState.Killed : ending,
            reason,
            DateTime.UtcNow - lastWrite,
            isForeign ? machine : null);
    }

    /// <returns>What the log's last message says, where that is an ending.</returns>
    private static string? ReadEnding(string path, out RunState state)
    {
        state = RunState.Training;
        if (!File.Exists(path))
        {
            return null;
        }

        Match last = Message().Matches(ReadEnd(path)).LastOrDefault() ?? Match.Empty;
        string text = last.Groups["text"].Value;
        if (text.StartsWith("Interrupted", StringComparison.Ordinal))
        {
            state = RunState.Interrupted;
            return text;
        }

        if (text == "Failed")
        {
            state = RunState.Failed;
            return last.Groups["failure"].Value;
        }

        return null;
    }

    private static string ReadEnd(string path)
    {
        // Its writer has it open.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(-Math.Min(EndOfLog, stream.Length), SeekOrigin.End);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>A line of log.txt: time, level, text; below a failure its exception, "Type: message".</summary>
    [GeneratedRegex(
        @"^\d{4}-\S+ (Debug|Information|Warning|Error) +(?<text>[^\n]*)(\n[\w.]+Exception: (?<failure>[^\n]*))?",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Message();
}
