using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>watch</c>, with runs that never took place.</summary>
public sealed class WatchTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private RunFolder? trained;

    public void Dispose()
    {
        trained?.Dispose();
        folder.Dispose();
    }

    [SkippableFact]
    public void A_run_as_it_stands()
    {
        RunConfiguration configuration = SomeRun.Configuration with { Epochs = 20 };

        Snapshot.Match(
            Picture(new RunProgress(configuration, SomeRun.Rows(epochs: 12, seeds: 3), RunState.Training, null, default)), "watch");
    }

    [Theory]
    [InlineData("1,2,3,4,5,6,7,8", 20, "▁▂▃▄▅▆▇█")]
    [InlineData("8,1,NaN,8", 20, "█▁ █")]
    [InlineData("5,5,5", 20, "▁▁▁")]
    [InlineData("1,3,5,7", 2, "▁█")]
    [InlineData("1,2,3,4,5,6,7", 3, "▁▄█")]
    [InlineData("-1.7e308,1.7e308,0", 3, "▁█▅")]
    [InlineData("NaN,Infinity", 5, "  ")]
    [InlineData("", 5, "")]
    public void A_curve_in_a_line(string values, int width, string expected) => Assert.Equal(
        expected,
        Sparkline.Of(
            [.. values.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(value => double.Parse(value, System.Globalization.CultureInfo.InvariantCulture))], width));

    public static TheoryData<string, string> Logs => new()
    {
        { "", "Training: 2 of 3 epochs, about 2 s left." },
        { "2026-01-31T12:00:00.000+00:00 Warning     Interrupted after epoch 2\n",
            "Ended early, after 2 of 3 epochs: Interrupted after epoch 2." },
        {
            "2026-01-31T12:00:00.000+00:00 Error       Failed\nFdfa.Gpu.Training.DivergenceException: "
            + "The loss became NaN.\n   at Fdfa.Gpu.Somewhere()\n",
            "Failed after 2 of 3 epochs: The loss became NaN."
        },
        // It was resumed since.
        {
            "2026-01-31T12:00:00.000+00:00 Warning     Interrupted after epoch 1\n2026-01-31T12:00:01.000+00:00 Information Epoch 2: "
            + "training loss 1\n",
            "Training: 2 of 3 epochs, about 2 s left."
        },
        { "2026-01-31T12:00:00.000+00:00 Warn", "Training: 2 of 3 epochs, about 2 s left." },
    };

    [Theory]
    [MemberData(nameof(Logs))]
    public void The_log_says_how_a_run_ended(string log, string expected)
    {
        string run = Write(SomeRun.Rows(epochs: 2, seeds: 3));
        folder.Write("run/log.txt", System.Text.Encoding.UTF8.GetBytes(log));

        CommandLineRun once = CommandLineRun.Of("watch", run, "--once").AssertDone();
        Assert.EndsWith(expected, once.Output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_silent_run_may_be_gone()
    {
        RunProgress progress = new(
            SomeRun.Configuration, SomeRun.Rows(epochs: 1, seeds: 3), RunState.Training, null, TimeSpan.FromMinutes(2));

        Assert.Contains(
            "Training: 1 of 3 epochs. Nothing new for 2 min 0 s, where an epoch takes 1.50 s: its process may be gone.", Picture(progress),
            StringComparison.Ordinal);
        Assert.False((progress with { Silence = TimeSpan.FromSeconds(50) }).IsOverdue);
        Assert.False((progress with { Rows = [] }).IsOverdue);
        Assert.False((progress with { State = RunState.Finished }).IsOverdue);
    }

    [Theory]
    [InlineData("", "Killed after 0 of 3 epochs: its process is gone, for nobody holds its lock; 'fdfa train --resume' goes on with it.")]
    [InlineData("elsewhere", "Training: 0 of 3 epochs. It ran on elsewhere, and its lock looks free from here: its process may be gone.")]
    public void A_run_that_was_killed_before_its_first_epoch_is_not_waited_for(string machine, string expected)
    {
        string run = Write([]);
        trained!.Dispose();
        if (machine.Length > 0)
        {
            folder.Write("run/.fdfa-lock", System.Text.Encoding.UTF8.GetBytes(machine));
        }

        CommandLineRun once = CommandLineRun.Of("watch", run, "--once").AssertDone();
        string line = once.Output.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal).TrimEnd();
        Assert.EndsWith(expected, line, StringComparison.Ordinal);
        if (machine.Length == 0)
        {
            Assert.EndsWith(expected, CommandLineRun.Of("watch", run).Output.TrimEnd(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_gets_a_line_per_epoch_as_it_comes_until_the_run_ends()
    {
        string run = Write(SomeRun.Rows(epochs: 1, seeds: 3));
        Task<CommandLineRun> watching = Task.Run(() => CommandLineRun.Of("watch", run));
        using RunFolder other = RunFolder.Create(folder.File("other"), verbose: false);
        other.WriteMetrics(SomeRun.Rows(epochs: 3, seeds: 3));

        await Task.Delay(TimeSpan.FromMilliseconds(600));
        Assert.False(watching.IsCompleted);
        File.Move(folder.File("other/metrics.csv"), folder.File("run/metrics.csv"), overwrite: true);

        CommandLineRun watched = (await watching.WaitAsync(TimeSpan.FromMinutes(1))).AssertDone();
        Assert.Equal(
            [
                "FDFA on embedded, 784-30-10, mean of 3 seeds",
                "epoch 1/3: training loss 0.5000, accuracy 91.00 %, test loss 0.6000, accuracy 86.00 %, 1.50 s",
                "epoch 2/3: training loss 0.2500, accuracy 91.00 %, test loss 0.3000, accuracy 86.00 %, 1.50 s",
                "epoch 3/3: training loss 0.1667, accuracy 91.00 %, test loss 0.2000, accuracy 86.00 %, 1.50 s",
                "Finished: 3 of 3 epochs.",
            ],
            watched.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n'));
    }

    [Fact]
    public void An_interrupt_ends_the_watching()
    {
        using var interrupt = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        CommandLineRun watching = CommandLineRun.Of(interrupt.Token, "watch", Write([]));

        Assert.Equal(("", 130), (watching.Error, watching.ExitCode));
    }

    [Fact]
    public void A_real_run_is_watched_to_its_end()
    {
        string run = folder.File("real");
        Assert.Equal(0, CommandLineRun.Of(["train", .. CommandLineRun.Tiny, "--quiet", "--output", run]).ExitCode);

        CommandLineRun watching = CommandLineRun.Of("watch", run).AssertDone();
        Assert.EndsWith("Finished: 1 of 1 epoch.", watching.Output.TrimEnd(), StringComparison.Ordinal);
    }

    private static string Picture(RunProgress progress) =>
        CommandLineRun.Written(output => output.Console.Write(WatchCommand.Picture(progress)), width: 160);

    private string Write(IReadOnlyList<MetricsRow> rows)
    {
        // Whoever trains has its lock.
        trained = RunFolder.Create(folder.File("run"), verbose: false);
        trained.WriteConfiguration(SomeRun.Configuration);
        trained.WriteMetrics(rows);
        return trained.Path;
    }
}
