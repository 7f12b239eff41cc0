using System.Diagnostics;
using System.Globalization;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;
using Xunit.Abstractions;

namespace Fdfa.Tests.CommandLine;

/// <summary>SIGKILL at any instant of a run: whoever resumes it gets what an undisturbed run would have left, to the bit.</summary>
/// <remarks>
/// Instants are drawn over all of it: before it begins, in each epoch, while a checkpoint is written, while the run stops because it was asked
/// to (SIGTERM), and again in what was resumed.
/// </remarks>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int Epochs = 8;
    private const int StepsPerEpoch = 16;

    /// <summary>Longer than an epoch with its checkpoint takes: an instant drawn below it lies within the epoch or in the next ones.</summary>
    private const double LongestDelay = 0.15;

    /// <summary>About as long as the rest of a checkpoint takes that has been noticed.</summary>
    private const double LongestWrite = 0.01;

    private static readonly string[] s_training =
    [
        "train", "--rule", "FDFA", "--network", "784-128-10", "--limit", "256", "--batch-size", "16", "--seeds", "2",
        "--epochs", Epochs.ToString(CultureInfo.InvariantCulture), "--device", "cpu", "--quiet",
    ];

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public Task A_run_killed_at_three_instants_ends_as_if_it_had_not_been() => KillAsync(trials: 3);

    [SkippableFact]
    public Task A_run_killed_at_fifty_instants_ends_as_if_it_had_not_been()
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("FDFA_KILL") == "1", "Takes some minutes; set FDFA_KILL=1 to run it, as .ci/run does.");
        return KillAsync(trials: 50);
    }

    private async Task KillAsync(int trials)
    {
        string undisturbed = _temporary.File("undisturbed");
        Assert.Equal(0, CommandLineRun.Of([.. s_training, "--output", undisturbed]).ExitCode);
        var kills = new List<string>();
        await Parallel.ForAsync(0, trials, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (trial, cancellation) =>
        {
            string run = _temporary.File(trial.ToString(CultureInfo.InvariantCulture));
            var random = new Random(trial);
            var found = new List<string>();

            // The first trials see to it that even a few have an instant of each sort.
            bool isEarly = trial % 8 == 2;
            found.Add(await KillAsync([.. s_training, "--output", run], run, isEarly ? -1 : random.Next(Epochs), random, cancellation));
            while (File.Exists(Path.Combine(run, "config.json")) && random.Next(3) == 0)
            {
                found.Add(await KillAsync(["train", "--resume", run, "--quiet"], run, random.Next(Epochs), random, cancellation));
            }

            CommandLineRun resumed = File.Exists(Path.Combine(run, "config.json"))
                ? CommandLineRun.Of("train", "--resume", run, "--quiet")
                : CommandLineRun.Of([.. s_training, "--output", run]);
            string story = $"trial {trial}: {string.Join("; ", found)}";
            Assert.True(resumed is { ExitCode: 0, Error: "" }, $"{story}: {resumed.Error}");
            AssertSame(undisturbed, run, story);
            lock (kills)
            {
                kills.AddRange(found);
            }

            Directory.Delete(run, recursive: true);
        });
        foreach (IGrouping<string, string> same in kills.GroupBy(kill => kill).OrderBy(same => same.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"{same.Count()} {same.Key}");
        }
    }

    /// <summary>Starts the program and kills it a while after an epoch has left its checkpoint.</summary>
    /// <returns>What it was killed at, in words.</returns>
    private static async Task<string> KillAsync(string[] arguments, string run, int afterEpoch, Random random, CancellationToken cancellation)
    {
        using Process process = FdfaProcess.Start(arguments);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellation);
        _ = process.StandardOutput.ReadToEndAsync(cancellation);
        try
        {
            if (afterEpoch < 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(random.NextDouble()), cancellation);
            }
            else
            {
                // An epoch that was done before counts as soon as the program has the run again, which its lock shows.
                await WaitAsync(process, () => HasReached(run, afterEpoch), cancellation);

                if (!OperatingSystem.IsWindows() && random.Next(5) == 0)
                {
                    using Process terminate = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
                    await terminate.WaitForExitAsync(cancellation);
                }

                // Writing takes a small part of the time, and gets half of the kills.
                double longest = LongestDelay;
                if (random.Next(2) == 0)
                {
                    await WaitAsync(process, () => IsWriting(run), cancellation);
                    longest = LongestWrite;
                }

                await Task.Delay(TimeSpan.FromSeconds(longest * random.NextDouble()), cancellation);
            }
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        await process.WaitForExitAsync(cancellation);
        Assert.DoesNotContain("   at ", await error, StringComparison.Ordinal);
        return WhatWasUnderWay(run);
    }

    private static async Task WaitAsync(Process process, Func<bool> until, CancellationToken cancellation)
    {
        while (!process.HasExited && !until())
        {
            await Task.Delay(1, cancellation);
        }
    }

    private static bool IsWriting(string run) =>
        Path.Combine(run, "checkpoints") is var checkpoints && Directory.Exists(checkpoints) && Directory.EnumerateDirectories(checkpoints, ".*.tmp").Any();

    private static bool HasReached(string run, int epoch) => epoch == 0
        ? File.Exists(Path.Combine(run, "config.json"))
        : Enumerable.Range(epoch, Epochs - epoch + 1).Any(one => Directory.Exists(Path.Combine(run, "checkpoints", $"step-{one * StepsPerEpoch:D12}")));

    private static string WhatWasUnderWay(string run)
    {
        string checkpoints = Path.Combine(run, "checkpoints");
        return !File.Exists(Path.Combine(run, "config.json")) ? "before the run began"
            : !Directory.Exists(checkpoints) ? "before its first checkpoint"
            : IsWriting(run) ? "within a checkpoint"
            : Directory.EnumerateDirectories(checkpoints).Count() > 2 ? "before an old checkpoint was deleted"
            : Directory.EnumerateFiles(run, ".*.tmp").Any() ? "within another file"
            : RunFolder.ReadMetrics(run).Count == 2 * Epochs ? "after the last epoch"
            : "within an epoch or between files";
    }

    private static void AssertSame(string expected, string actual, string story)
    {
        Assert.Equal(RunFolderTests.FileNames(expected), RunFolderTests.FileNames(actual));
        string last = Path.Combine("checkpoints", $"step-{Epochs * StepsPerEpoch:D12}");
        foreach (string file in new[] { "model-seed0.safetensors", "model-seed1.safetensors", Path.Combine(last, "state-seed0.safetensors"), Path.Combine(last, "state-seed1.safetensors") })
        {
            Assert.True(File.ReadAllBytes(Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))), $"{story}: {file}");
        }

        Assert.Equal(RunFolder.ReadMetrics(expected).Select(row => row with { Seconds = 0 }), RunFolder.ReadMetrics(actual).Select(row => row with { Seconds = 0 }));
    }
}
