using Fdfa.Experiments.Output;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.CommandLine;

/// <summary>The estimate of the time that is left.</summary>
public sealed class TimeLeftTests
{
    [Fact]
    public void It_is_that_of_steps_after_the_first_ones()
    {
        var clock = new HandClock();
        string written = CommandLineRun.Written(output => ProgressDisplay.Run(output, quiet: false, Work, runs: 10, clock));

        // A run takes ten seconds for its steps; nine are left after the first epochs' one, and eight and a half after the second run's
        // first epoch.
        Assert.Contains("[1/10] a run epoch 1/2: done, about 1 min 35 s left", written, StringComparison.Ordinal);
        Assert.Contains("[1/10] a run epoch 2/2: done, about 1 min 30 s left", written, StringComparison.Ordinal);
        Assert.Contains("[2/10] a run epoch 1/2: done, about 1 min 25 s left", written, StringComparison.Ordinal);

        object? Work(ProgressDisplay progress)
        {
            foreach (int translation in new[] { 60, 3 })
            {
                progress.Begin("a run", epochs: 2, stepsPerEpoch: 100);
                clock.Seconds += translation;
                for (var epoch = 0; epoch < 2; epoch++)
                {
                    progress.Report(new TrainingProgress(epoch, epoch == 0 ? 20 : 0, 100, 1, 0.5));
                    clock.Seconds += epoch == 0 ? 4 : 5;
                    progress.EpochDone(epoch + 1, "done");
                }

                progress.End();
            }

            return null;
        }
    }

    private sealed class HandClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
