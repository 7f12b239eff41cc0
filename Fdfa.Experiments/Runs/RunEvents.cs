using System.Globalization;
using Fdfa.Experiments.TensorBoard;

namespace Fdfa.Experiments.Runs;

/// <summary>A run for TensorBoard: <c>tensorboard/seed0</c> and so on in its folder, a run there, with an event per epoch.</summary>
internal static class RunEvents
{
    /// <summary>The folder within the run's.</summary>
    public const string FolderName = "tensorboard";

    /// <summary>Where they are.</summary>
    public static string PathIn(string runFolder) => Path.Combine(runFolder, FolderName);

    /// <summary>Adds the epochs that are not there yet.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="configuration">What it is.</param>
    /// <param name="rows">All epochs so far; gone through once per seed.</param>
    public static void Write(string runFolder, RunConfiguration configuration, IEnumerable<MetricsRow> rows)
    {
        foreach (ulong seed in configuration.Seeds)
        {
            // One file for the whole run, however often it is gone on with: named by when it began.
            string file = string.Create(
                CultureInfo.InvariantCulture, $"seed{seed}/events.out.tfevents.{configuration.StartedAt.ToUnixTimeSeconds()}.fdfa");
            EventFile.Append(
                Path.Combine(PathIn(runFolder), file), rows.Where(row => row.Seed == seed).Select(EventOf), DateTimeOffset.Now);
        }
    }

    /// <summary>Deletes them, and nothing that others put beside them.</summary>
    public static void Delete(string runFolder)
    {
        foreach (string seed in Directory.Exists(PathIn(runFolder)) ? Directory.GetDirectories(PathIn(runFolder), "seed*") : [])
        {
            foreach (string file in Directory.GetFiles(seed, "events.out.tfevents.*.fdfa"))
            {
                File.Delete(file);
            }

            DeleteIfEmpty(seed);
        }

        DeleteIfEmpty(PathIn(runFolder));
    }

    private static ScalarEvent EventOf(MetricsRow row) => new(row.Epoch,
    [
        ("loss/training", row.TrainingLoss),
        .. row.Validation is { } validated
            ? new[] { ("loss/validation", validated.Loss), ("accuracy/validation", validated.Accuracy) }
            : [],
        ("loss/test", row.TestLoss),
        ("accuracy/training", row.TrainingAccuracy),
        ("accuracy/test", row.TestAccuracy),
        ("rate/weights", row.LearningRate),
        .. row.FeedbackRate is { } rate ? new[] { ("rate/feedback", rate) } : [],
    ]);

    private static void DeleteIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }
}
