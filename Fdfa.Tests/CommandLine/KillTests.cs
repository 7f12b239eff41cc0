using System.Diagnostics;
using System.Globalization;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;
using Xunit.Abstractions;

namespace Fdfa.Tests.CommandLine;

/// <summary>A signal at any instant of a run: whoever resumes it gets what an undisturbed run would have left, to the bit.</summary>
/// <remarks>
/// SIGKILL, which ends it at once, and SIGINT, SIGTERM and SIGHUP, on which it stops by itself, unless SIGKILL follows while it does.
/// Instants are drawn over all of it: before it begins, in each epoch and its evaluation, which takes most of the time, while a checkpoint
/// is written, while curves are drawn, and again in what was resumed.
/// </remarks>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const string Variable = "FDFA_KILL";
    private const int Epochs = 8;
    private const int StepsPerEpoch = 16;
    private const int AtOnce = 2;

    /// <summary>
    /// Longer than an epoch with evaluation and checkpoint takes: an instant drawn below it is within that or the next ones.
    /// </summary>
    private const double LongestDelay = 0.15;

    /// <summary>About as long as the rest of a checkpoint takes that has been noticed.</summary>
    private const double LongestWrite = 0.01;

    /// <summary>About as long as the curves take after the last epoch.</summary>
    private const double LongestDrawing = 0.5;

    private static readonly string[] s_training =
    [
        "train", "--rule", "FDFA", "--network", "784-128-10", "--batch-norm", "--limit", "320", "--validation", "64", "--keep", "best",
        "--batch-size", "16", "--seeds", "2", "--epochs", Epochs.ToString(CultureInfo.InvariantCulture), "--device", "cpu", "--quiet",
    ];

    private static readonly string[] s_signals = OperatingSystem.IsWindows() ? ["KILL"] : ["KILL", "INT", "TERM", "HUP"];

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public Task A_run_that_is_killed_ends_as_if_it_had_not_been() => KillAsync(1);

    [SkippableFact]
    public Task A_run_killed_at_many_instants_ends_as_if_it_had_not_been()
    {
        string? number = Environment.GetEnvironmentVariable(Variable);
        Skip.IfNot(
            int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int kills) && kills > 0,
            $"Takes a second per kill; set {Variable} to the number of kills, as .ci/run does.");
        return KillAsync(kills);
    }

    private async Task KillAsync(int number)
    {
        string undisturbed = _temporary.File("undisturbed");
        Assert.Equal(0, CommandLineRun.Of([.. s_training, "--output", undisturbed]).ExitCode);
        var kills = new List<string>();
        var trials = 0;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(AtOnce, number)).Select(async _ =>
        {
            while (true)
            {
                int trial;
                lock (kills)
                {
                    if (kills.Count >= number)
                    {
                        return;
                    }

                    trial = trials++;
                }

                List<string> found = await KillAsync(undisturbed, trial);
                lock (kills)
                {
                    kills.AddRange(found);
                }
            }
        }));
        output.WriteLine($"{kills.Count} kills of {trials} runs:");
        foreach (IGrouping<string, string> same in kills.GroupBy(kill => kill).OrderBy(same => same.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"{same.Count()} {same.Key}");
        }
    }

    /// <summary>Kills a run, and what is resumed of it, as often as the trial's number says; then lets it end.</summary>
    private async Task<List<string>> KillAsync(string undisturbed, int trial)
    {
        string run = _temporary.File(trial.ToString(CultureInfo.InvariantCulture));
        var random = new Random(trial);
        var found = new List<string>();
        while (found.Count == 0 || (File.Exists(Path.Combine(run, "config.json")) && random.Next(3) == 0))
        {
            // The first trials see to it that even a few have an instant of each sort.
            bool isEarly = found.Count == 0 && trial % 8 == 2;
            string[] command = found.Count == 0 ? [.. s_training, "--output", run] : ["train", "--resume", run, "--quiet"];
            string signal = s_signals[(trial + found.Count) % s_signals.Length];
            found.Add(await KillAsync(command, run, isEarly ? -1 : random.Next(Epochs + 2), signal, random));
        }

        CommandLineRun resumed = File.Exists(Path.Combine(run, "config.json"))
            ? CommandLineRun.Of("train", "--resume", run, "--quiet")
            : CommandLineRun.Of([.. s_training, "--output", run]);
        string story = $"trial {trial}: {string.Join("; ", found)}";
        Assert.True(resumed is { ExitCode: 0, Error: "" }, $"{story}: {resumed.Error}");
        AssertSame(undisturbed, run, story);
        Directory.Delete(run, recursive: true);
        return found;
    }

    /// <summary>Starts the program and sends it a signal a while after an epoch has left its checkpoint.</summary>
    /// <param name="arguments">What it is started with.</param>
    /// <param name="run">The run's folder.</param>
    /// <param name="afterEpoch">The epoch; below 0 for before the run begins, above the last for while its curves are drawn.</param>
    /// <param name="signal">The signal.</param>
    /// <param name="random">Draws the instant.</param>
    /// <returns>What it was killed at, in words.</returns>
    private static async Task<string> KillAsync(string[] arguments, string run, int afterEpoch, string signal, Random random)
    {
        Process process = FdfaProcess.Start(arguments);
        Task<CommandLineRun> ending;
        try
        {
            if (afterEpoch < 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(random.NextDouble()));
            }
            else
            {
                // An epoch that was done before counts as soon as the program has the run again.
                await FdfaProcess.WaitAsync(process, () => HasReached(run, Math.Min(afterEpoch, Epochs)));

                // Writing takes a small part of the time, and gets a good part of the kills.
                double longest = afterEpoch >= Epochs ? LongestDrawing : LongestDelay;
                if (afterEpoch < Epochs && random.Next(2) == 0)
                {
                    await FdfaProcess.WaitAsync(process, () => IsWriting(run));
                    longest = LongestWrite;
                }

                await Task.Delay(TimeSpan.FromSeconds(longest * random.NextDouble()));
            }

            if (signal != "KILL")
            {
                await FdfaProcess.SendAsync(process, signal);
                if (random.Next(3) == 0)
                {
                    await Task.Delay(TimeSpan.FromSeconds(LongestDelay * random.NextDouble()));
                    process.Kill();
                    signal += ", then KILL,";
                }
            }
            else
            {
                process.Kill();
            }
        }
        finally
        {
            ending = FdfaProcess.EndOfAsync(process);
        }

        CommandLineRun ended = await ending;
        Assert.DoesNotContain("   at ", ended.Error, StringComparison.Ordinal);

        // What it returns when it stops by itself, when a signal of the system ends it before it listens, and when it was done before.
        int[] codes = signal switch
        {
            "INT" => [130, 0],
            "TERM" => [130, 143, 0],
            "HUP" => [129, 0],
            _ => [137, 129, 130, 143, 0, -1],
        };
        Assert.True(codes.Contains(ended.ExitCode), $"{signal}: exit code {ended.ExitCode}, {ended.Error}");
        return $"{signal} {WhatWasUnderWay(run)}";
    }

    private static bool IsWriting(string run) =>
        Path.Combine(run, "checkpoints") is var checkpoints && Directory.Exists(checkpoints)
        && Directory.EnumerateDirectories(checkpoints, ".*.tmp").Any();

    private static bool HasReached(string run, int epoch) => epoch == 0
        ? File.Exists(Path.Combine(run, "config.json"))
        : Enumerable.Range(epoch, Epochs - epoch + 1)
            .Any(one => Directory.Exists(Path.Combine(run, "checkpoints", $"step-{one * StepsPerEpoch:D12}")));

    private static string WhatWasUnderWay(string run)
    {
        string checkpoints = Path.Combine(run, "checkpoints");
        return !File.Exists(Path.Combine(run, "config.json")) ? "before the run began"
            : !Directory.Exists(checkpoints) ? "before its first checkpoint"
            : IsWriting(run) ? "within a checkpoint"
            : HasReached(run, Epochs) && RunFolder.ReadMetrics(run).Count < 2 * Epochs ? "while the last models and curves were written"
            : Directory.EnumerateDirectories(checkpoints).Count() > 2 ? "before an old checkpoint was deleted"
            : Directory.EnumerateFiles(run, ".*.tmp").Any() ? "within another file"
            : RunFolder.ReadMetrics(run).Count == 2 * Epochs ? "after the last epoch"
            : "within an epoch or between files";
    }

    private static void AssertSame(string expected, string actual, string story)
    {
        // A process that is killed after its last file leaves that of its lock, which nobody holds.
        Assert.Equal(RunFolderTests.FileNames(expected), RunFolderTests.FileNames(actual).Except([OutputFolder.LockFile]));
        string last = Path.Combine("checkpoints", $"step-{Epochs * StepsPerEpoch:D12}");
        string[] files =
        [
            "model-seed0.safetensors", "model-seed1.safetensors", "model-seed0-best.safetensors", "model-seed1-best.safetensors",
            Path.Combine(last, "state-seed0.safetensors"), Path.Combine(last, "state-seed1.safetensors"),
        ];
        foreach (string file in files)
        {
            Assert.True(
                File.ReadAllBytes(Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))),
                $"{story}: {file}");
        }

        Assert.True(Metrics(expected).SequenceEqual(Metrics(actual)), $"{story}: metrics.csv");
    }

    /// <summary>The lines of metrics.csv without their last column, the seconds.</summary>
    private static IEnumerable<string> Metrics(string run) =>
        File.ReadLines(Path.Combine(run, "metrics.csv")).Select(line => line[..line.LastIndexOf(',')]);
}
