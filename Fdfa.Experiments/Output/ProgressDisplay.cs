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
    public static T Run<T>(ConsoleOutput output, bool quiet, Func<ProgressDisplay, T> work)
    {
        if (quiet)
        {
            return work(new NoDisplay());
        }

        return output.IsLive
            ? output.Console.Progress()
                .Columns(
                    new TaskDescriptionColumn { Alignment = Justify.Left },
                    new ProgressBarColumn(),
                    new PercentageColumn(),
                    new ElapsedTimeColumn(),
                    new RemainingTimeColumn())
                .Start(context => work(new BarDisplay(context)))
            : work(new LineDisplay(output));
    }

    /// <summary>A run begins.</summary>
    /// <param name="label">What is trained.</param>
    /// <param name="epochs">Epochs to do.</param>
    /// <param name="stepsPerEpoch">Steps in each.</param>
    public abstract void Begin(string label, int epochs, int stepsPerEpoch);

    /// <inheritdoc/>
    public abstract void Report(TrainingProgress value);

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

    private sealed class LineDisplay(ConsoleOutput output) : ProgressDisplay
    {
        private string _label = "";
        private int _epochs;

        public override void Begin(string label, int epochs, int stepsPerEpoch) => (_label, _epochs) = (label, epochs);

        public override void Report(TrainingProgress value)
        {
        }

        public override void EpochDone(int epoch, string result) =>
            output.Line(string.Create(CultureInfo.InvariantCulture, $"{_label} epoch {epoch}/{_epochs}: {result}"));
    }

    private sealed class BarDisplay(ProgressContext context) : ProgressDisplay
    {
        private ProgressTask? _bar;
        private string _label = "";
        private string _result = "";
        private int _epochs;
        private int _stepsPerEpoch;

        public override void Begin(string label, int epochs, int stepsPerEpoch)
        {
            (_label, _epochs, _stepsPerEpoch, _result) = (label, epochs, stepsPerEpoch, "");
            _bar = context.AddTask(Markup.Escape(label), maxValue: (double)epochs * stepsPerEpoch);
        }

        public override void Report(TrainingProgress value)
        {
            _bar!.Value = (double)value.Epoch * _stepsPerEpoch + value.Step;
            Describe(value.Epoch + 1, $"loss {ConsoleOutput.Loss(value.Loss)}");
        }

        public override void EpochDone(int epoch, string result)
        {
            _result = result;
            _bar!.Value = (double)epoch * _stepsPerEpoch;
            Describe(epoch, "");
        }

        private void Describe(int epoch, string now)
        {
            string[] parts = [string.Create(CultureInfo.InvariantCulture, $"{_label} {epoch}/{_epochs}"), now, _result];
            _bar!.Description = Markup.Escape(string.Join(", ", parts.Where(part => part.Length > 0)));
        }
    }
}
