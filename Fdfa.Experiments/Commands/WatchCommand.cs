using System.CommandLine;
using System.Globalization;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa watch RUN</c>: how far a run is, while another process trains it.</summary>
internal sealed class WatchCommand : Command, IFdfaCommand
{
    private const int LastEpochs = 10;
    private const int CurveWidth = 50;

    /// <summary>Often enough to look alive, seldom enough to cost nothing beside training.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    private readonly Argument<string> _run = new("RUN")
    {
        Description = "The folder of a run, as --output named it or under runs/.",
        Arity = ArgumentArity.ExactlyOne,
    };

    private readonly Option<bool> _once = OptionText.CreateSwitch("--once", "Show how far it is, and end.");

    /// <summary>Creates the command.</summary>
    public WatchCommand()
        : base(
            "watch",
            "Shows the epochs and curves of a run while it trains, until it ends or its process is gone. "
            + "Ctrl-C ends the watching, not the run. In a file it is a line per epoch.")
    {
        Arguments.Add(_run);
        Options.Add(_once);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa watch runs/20260131-120000-FDFA-784-256-128-10"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string path = arguments.GetRequiredValue(_run);
        RunProgress progress = RunProgress.Read(path);
        if (arguments.GetValue(_once))
        {
            output.Console.Write(Picture(progress));
            return ExitCode.Success;
        }

        return (output.IsLive
            ? WatchLive(path, progress, output, cancellation)
            : WatchLines(path, progress, output, cancellation)).State == RunState.Training
            ? ExitCode.Cancelled
            : ExitCode.Success;
    }

    /// <summary>All there is to see of a run: what it is, its curves, its last epochs, and how it stands.</summary>
    public static IRenderable Picture(RunProgress progress)
    {
        EpochMeans[] epochs = EpochMeans.Of(progress.Rows);
        bool hasValidation = epochs.Any(epoch => epoch.Validation is not null);
        string[] validated = hasValidation ? ["Validation loss", "Validation accuracy"] : [];
        string[] columns = ["Epoch", "Training loss", "Training accuracy", .. validated, "Test loss", "Test accuracy", "Time"];
        Table table = ConsoleOutput.CreateTable(Heading(progress), [.. columns.Select(ConsoleOutput.Number)]);
        foreach (EpochMeans epoch in epochs.TakeLast(LastEpochs))
        {
            string[] cells =
            [
                ConsoleOutput.Plain(epoch.Epoch), ConsoleOutput.Loss(epoch.TrainingLoss), ConsoleOutput.Percent(epoch.TrainingAccuracy),
                .. epoch.Validation is { } validation
                    ? new[] { ConsoleOutput.Loss(validation.Loss), ConsoleOutput.Percent(validation.Accuracy) }
                    : [],
                ConsoleOutput.Loss(epoch.TestLoss), ConsoleOutput.Percent(epoch.TestAccuracy), ConsoleOutput.Duration(epoch.Seconds),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        List<IRenderable> parts = [table];
        if (epochs.Length > 0)
        {
            parts.Add(new Text(Curve("Training loss", epochs, epoch => epoch.TrainingLoss, ConsoleOutput.Loss)));
            if (hasValidation)
            {
                parts.Add(new Text(Curve("Validation", epochs, epoch => epoch.Validation?.Accuracy ?? double.NaN, ConsoleOutput.Percent)));
            }

            parts.Add(new Text(Curve("Test loss", epochs, epoch => epoch.TestLoss, ConsoleOutput.Loss)));
            parts.Add(new Text(Curve("Test accuracy", epochs, epoch => epoch.TestAccuracy, ConsoleOutput.Percent)));
        }

        parts.Add(new Text(Standing(progress)));
        return new Rows(parts);
    }

    private static RunProgress WatchLive(string path, RunProgress progress, ConsoleOutput output, CancellationToken cancellation)
    {
        output.Console.Live(Picture(progress)).Start(display =>
        {
            while (progress.State == RunState.Training && !cancellation.WaitHandle.WaitOne(s_pause))
            {
                progress = RunProgress.Read(path);
                display.UpdateTarget(Picture(progress));
            }
        });
        return progress;
    }

    private static RunProgress WatchLines(string path, RunProgress progress, ConsoleOutput output, CancellationToken cancellation)
    {
        output.Line(Heading(progress));
        var told = 0;
        var isWarned = false;
        while (true)
        {
            foreach (EpochMeans epoch in EpochMeans.Of(progress.Rows).Where(epoch => epoch.Epoch > told))
            {
                string validation =
                    epoch.Validation is { } validated ? $"{Result("validation", validated.Loss, validated.Accuracy)}, " : "";
                output.Line(
                    $"epoch {ConsoleOutput.Plain(epoch.Epoch)}/{ConsoleOutput.Plain(progress.Configuration.Epochs)}: "
                    + $"{Result("training", epoch.TrainingLoss, epoch.TrainingAccuracy)}, {validation}"
                    + $"{Result("test", epoch.TestLoss, epoch.TestAccuracy)}, {ConsoleOutput.Duration(epoch.Seconds)}");
                told = epoch.Epoch;
            }

            if (progress.State != RunState.Training || (progress.IsDoubtful && !isWarned))
            {
                output.Line(Standing(progress));
                isWarned = true;
            }

            if (progress.State != RunState.Training || cancellation.WaitHandle.WaitOne(s_pause))
            {
                return progress;
            }

            progress = RunProgress.Read(path);
        }
    }

    private static string Result(string set, double loss, double accuracy) =>
        $"{set} loss {ConsoleOutput.Loss(loss)}, accuracy {ConsoleOutput.Percent(accuracy)}";

    private static string Heading(RunProgress progress)
    {
        RunConfiguration run = progress.Configuration;
        string seeds = run.Seeds.Count == 1 ? "" : $", mean of {ConsoleOutput.Count(run.Seeds.Count, "seed")}";
        return $"{run.Options.Rule.Name} on {run.Data.Name}, {run.Network}{seeds}";
    }

    private static string Curve(string name, EpochMeans[] epochs, Func<EpochMeans, double> value, Func<double, string> format)
    {
        double[] values = [.. epochs.Select(value)];
        return $"{name,-13}  {Sparkline.Of(values, CurveWidth)}  {format(values[0])} → {format(values[^1])}";
    }

    private static string Standing(RunProgress progress)
    {
        string epochs = string.Create(
            CultureInfo.InvariantCulture, $"{progress.Epoch} of {ConsoleOutput.Count(progress.Configuration.Epochs, "epoch")}");
        return progress.State switch
        {
            RunState.Finished when progress.Epoch < progress.Configuration.Epochs => $"Finished: stopped early, after {epochs}.",
            RunState.Finished => $"Finished: {epochs}.",
            RunState.Interrupted => $"Ended early, after {epochs}: {progress.Reason}.",
            RunState.Failed => $"Failed after {epochs}: {progress.Reason}",
            RunState.Killed =>
                $"Killed after {epochs}: its process is gone, for nobody holds its lock; 'fdfa train --resume' goes on with it.",
            _ when progress.ForeignMachine is { } machine =>
                $"Training: {epochs}. It ran on {machine}, and its lock looks free from here: its process may be gone.",
            _ when progress.IsOverdue => $"Training: {epochs}. Nothing new for {ConsoleOutput.Span(progress.Silence)}, "
                + $"where an epoch takes {ConsoleOutput.Duration(progress.SecondsPerEpoch!.Value)}: its process may be gone.",
            _ when progress.SecondsPerEpoch is { } seconds =>
                $"Training: {epochs}, about "
                + $"{ConsoleOutput.Span(TimeSpan.FromSeconds(seconds * (progress.Configuration.Epochs - progress.Epoch)))} left.",
            _ => $"Training: {epochs}.",
        };
    }

    /// <summary>An epoch in the mean over seeds.</summary>
    private sealed record EpochMeans(
        int Epoch, double TrainingLoss, double TrainingAccuracy, double TestLoss, double TestAccuracy, double Seconds)
    {
        public Evaluation? Validation { get; private init; }

        public static EpochMeans[] Of(IReadOnlyList<MetricsRow> rows) =>
        [
            .. rows.GroupBy(row => row.Epoch, (_, of) => of.ToArray()).Select(epoch => new EpochMeans(
                epoch[0].Epoch,
                epoch.Average(row => row.TrainingLoss),
                epoch.Average(row => row.TrainingAccuracy),
                epoch.Average(row => row.TestLoss),
                epoch.Average(row => row.TestAccuracy),
                epoch[0].Seconds)
            {
                Validation = epoch.All(row => row.Validation is not null)
                    ? new Evaluation(epoch.Average(row => row.Validation!.Loss), epoch.Average(row => row.Validation!.Accuracy))
                    : null,
            }),
        ];
    }
}
