using System.Globalization;
using Fdfa.Gpu.Training;
using Spectre.Console;

namespace Fdfa.Experiments.Output;

/// <summary>Shows how far training is: bars on a terminal, a line per epoch in a file, nothing when quiet.</summary>
internal abstract class ProgressDisplay : IProgress<TrainingProgress>
{
    /// <summary>Does work under the display that fits the output.</summary>
    /// <param name="output">Where to show it.</param>
    /// <param name="quiet">Show nothing.</param>
    /// <param name="work">Given the display.</param>
    /// <param name="runs">
    /// How many runs there are to be; above one, each is numbered, and the time to the last one's end is estimated.
    /// </param>
    /// <param name="clock">What measures time; null for the system's.</param>
    public static T Run<T>(ConsoleOutput output, bool quiet, Func<ProgressDisplay, T> work, int runs = 1, TimeProvider? clock = null)
    {
        if (quiet)
        {
            return work(new NoDisplay());
        }

        return output.IsLive
            ? output.Console.Progress()
                // Dozens of finished bars would fill the screen; two of a first look are its result.
                .HideCompleted(runs > 1)
                .Columns(
                    new TaskDescriptionColumn { Alignment = Justify.Left },
                    new ProgressBarColumn(),
                    new PercentageColumn(),
                    new ElapsedTimeColumn(),
                    new RemainingTimeColumn())
                .Start(context => work(new BarDisplay(context, runs)))
            : work(new LineDisplay(output, runs, clock ?? TimeProvider.System));
    }

    /// <summary>A run begins.</summary>
    /// <param name="label">What is trained.</param>
    /// <param name="epochs">Epochs to do.</param>
    /// <param name="stepsPerEpoch">Steps in each.</param>
    public abstract void Begin(string label, int epochs, int stepsPerEpoch);

    /// <inheritdoc/>
    public abstract void Report(TrainingProgress value);

    /// <summary>The run is over, whether it got to its last epoch or not.</summary>
    public virtual void End()
    {
    }

    /// <summary>An epoch and its evaluation are done.</summary>
    /// <param name="epoch">From 1.</param>
    /// <param name="result">What it came to, in a few words.</param>
    public abstract void EpochDone(int epoch, string result);

    private sealed class NoDisplay : ProgressDisplay
    {
        public override void Begin(string label, int epochs, int stepsPerEpoch)
        {
        }

        public override void Report(TrainingProgress value)
        {
        }

        public override void EpochDone(int epoch, string result)
        {
        }
    }

    private sealed class LineDisplay(ConsoleOutput output, int runs, TimeProvider clock) : ProgressDisplay
    {
        private string _label = "";
        private int _epochs;
        private int _ended;

        /// <summary>
        /// When a run's first steps were done, and how much of the run they are: what came before is mostly the translation of kernels.
        /// </summary>
        private (long Time, double Share)? _start;

        /// <summary>The time since then, and the share of a run that it took for, of runs that have ended.</summary>
        private (TimeSpan Time, double Share) _measured;

        public override void Begin(string label, int epochs, int stepsPerEpoch) =>
            (_label, _epochs, _start) = (Numbered(label, _ended, runs), epochs, null);

        public override void Report(TrainingProgress value) =>
            _start ??= (clock.GetTimestamp(), (value.Epoch + ((double)value.Step / value.StepsPerEpoch)) / _epochs);

        public override void EpochDone(int epoch, string result) =>
            output.Line(string.Create(CultureInfo.InvariantCulture, $"{_label} epoch {epoch}/{_epochs}: {result}{Remaining(epoch)}"));

        public override void End()
        {
            _measured = MeasuredUpTo(1);
            _start = null;
            _ended++;
        }

        private string Remaining(int epoch)
        {
            double share = (double)epoch / _epochs;
            double left = runs - _ended - share;
            (TimeSpan time, double measured) = MeasuredUpTo(share);
            return runs == 1 || left <= 0 || measured <= 0 ? "" : $", about {ConsoleOutput.Span(time * (left / measured))} left";
        }

        private (TimeSpan Time, double Share) MeasuredUpTo(double share) => _start is not var (time, begin)
            ? _measured
            : (_measured.Time + clock.GetElapsedTime(time), _measured.Share + share - begin);
    }

    private sealed class BarDisplay : ProgressDisplay
    {
        private readonly ProgressContext _context;
        private readonly int _runs;
        private readonly ProgressTask? _allRuns;
        private ProgressTask? _bar;
        private string _label = "";
        private string _result = "";
        private int _epochs;
        private int _stepsPerEpoch;
        private int _ended;

        public BarDisplay(ProgressContext context, int runs)
        {
            (_context, _runs) = (context, runs);
            _allRuns = runs > 1 ? context.AddTask("All runs", maxValue: runs) : null;
        }

        public override void Begin(string label, int epochs, int stepsPerEpoch)
        {
            (_label, _epochs, _stepsPerEpoch, _result) = (Numbered(label, _ended, _runs), epochs, stepsPerEpoch, "");
            _bar = _context.AddTask(Markup.Escape(_label), maxValue: (double)epochs * stepsPerEpoch);
        }

        public override void Report(TrainingProgress value)
        {
            MoveTo((double)value.Epoch * _stepsPerEpoch + value.Step);
            Describe(value.Epoch + 1, $"loss {ConsoleOutput.Loss(value.Loss)}");
        }

        public override void EpochDone(int epoch, string result)
        {
            _result = result;
            MoveTo((double)epoch * _stepsPerEpoch);
            Describe(epoch, "");
        }

        public override void End()
        {
            _ended++;
            _bar?.StopTask();
            _allRuns?.Value = _ended;
        }

        private void MoveTo(double steps)
        {
            _bar!.Value = steps;
            _allRuns?.Value = _ended + steps / _bar.MaxValue;
        }

        private void Describe(int epoch, string now)
        {
            string[] parts = [string.Create(CultureInfo.InvariantCulture, $"{_label} {epoch}/{_epochs}"), now, _result];
            _bar!.Description = Markup.Escape(string.Join(", ", parts.Where(part => part.Length > 0)));
        }
    }

    private static string Numbered(string label, int ended, int runs) =>
        runs == 1 ? label : string.Create(CultureInfo.InvariantCulture, $"[{ended + 1}/{runs}] {label}");
}
