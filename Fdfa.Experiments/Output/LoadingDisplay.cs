using Fdfa.Experiments.Data;
using Spectre.Console;

namespace Fdfa.Experiments.Output;

/// <summary>Shows how far loading is: a bar on a terminal that goes when it is full, a line at its beginning in a file.</summary>
internal abstract class LoadingDisplay : IProgress<LoadingProgress>
{
    /// <summary>Does work under the display that fits the output; a piece of work appears with its first report.</summary>
    /// <param name="output">Where to show it; null to show nothing.</param>
    /// <param name="work">Given what to report to.</param>
    public static T Run<T>(ConsoleOutput? output, Func<IProgress<LoadingProgress>?, T> work) => output switch
    {
        null => work(null),
        { IsLive: true } => output.Console.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .Start(context => work(new Bars(context))),
        _ => work(new Lines(output)),
    };

    /// <inheritdoc/>
    public abstract void Report(LoadingProgress value);

    private sealed class Lines(ConsoleOutput output) : LoadingDisplay
    {
        private string? _what;

        public override void Report(LoadingProgress value)
        {
            if (value.What != _what)
            {
                _what = value.What;
                string size = value.Unit == "B"
                    ? ConsoleOutput.Quantity(value.Total, value.Unit)
                    : ConsoleOutput.Count(value.Total, value.Unit);
                output.Line($"{value.What} ({size})");
            }
        }
    }

    private sealed class Bars(ProgressContext context) : LoadingDisplay
    {
        private readonly Dictionary<string, ProgressTask> _tasks = [];

        public override void Report(LoadingProgress value)
        {
            if (!_tasks.TryGetValue(value.What, out ProgressTask? task))
            {
                task = context.AddTask(Markup.Escape(value.What), maxValue: value.Total);
                _tasks.Add(value.What, task);
            }

            task.Value = value.Done;
        }
    }
}
