using System.Diagnostics;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Microsoft.Extensions.Logging;

namespace Fdfa.Experiments.Runs;

/// <summary>What a run came to.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Network">The topology.</param>
/// <param name="Rows">Whole epochs only.</param>
/// <param name="Interruption">One sentence if Ctrl-C ended it, else null.</param>
internal sealed record RunResult(string Rule, string Network, IReadOnlyList<MetricsRow> Rows, string? Interruption);

/// <summary>Trains as a configuration says, and leaves every epoch's results in the run folder.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly RunConfiguration _configuration;
    private readonly NetworkDescription _network;
    private readonly RunFolder _folder;
    private readonly SpreadTrainer _trainer;

    /// <summary>What the run is called while it trains; the rule's name where nothing else is said.</summary>
    public string Label { get; init; }

    /// <summary>Whether every epoch leaves its models in the folder.</summary>
    public bool KeepsModels { get; init; } = true;

    /// <summary>Uploads the data and allocates the networks; writes nothing yet.</summary>
    /// <exception cref="FdfaException">The device or the data cannot do what the configuration says.</exception>
    public TrainingRun(RunConfiguration configuration, LoadedData data, IReadOnlyList<ComputeDevice> devices, RunFolder folder)
    {
        _configuration = configuration;
        Label = configuration.Options.Rule.Name;
        _network = configuration.ToRequest().Network;
        _folder = folder;
        _trainer = new SpreadTrainer(devices, _network, configuration.Options, configuration.Seeds, data.Upload, configuration.IsLayerParallel);
    }

    /// <summary>Gives every seed the same weights, biases and statistics of batch normalization; feedback and heads stay what the seed drew.</summary>
    /// <exception cref="ShapeMismatchException">They are not those of the network.</exception>
    public void StartFrom(NetworkParameters weights)
    {
        for (var replica = 0; replica < _configuration.Seeds.Count; replica++)
        {
            _trainer.SetParameters(replica, _trainer.GetParameters(replica).WithWeightsOf(weights));
        }
    }

    /// <summary>Trains all epochs, or until cancelled.</summary>
    /// <exception cref="DivergenceException">The loss became NaN or infinite; the epochs before are in the folder.</exception>
    public RunResult Execute(ProgressDisplay progress, CancellationToken cancellation)
    {
        ILogger log = _folder.Log;
        log.Began(_configuration.Repeat, _configuration.DeviceNames);
        _folder.WriteConfiguration(_configuration);
        var rows = new List<MetricsRow>();
        _folder.WriteMetrics(rows);
        try
        {
            string? interruption = TrainEpochs(rows, progress, cancellation);
            return new RunResult(_configuration.Options.Rule.Name, _configuration.Network, rows, interruption);
        }
        catch (Exception failure)
        {
            log.Failed(failure);
            throw;
        }
        finally
        {
            if (rows.Count > 0)
            {
                _folder.WriteCurves(new Curves(
                    $"{_configuration.Options.Rule.Name} on {_configuration.Data.Name}, {_configuration.Network}",
                    _configuration.Options.Loss,
                    [new CurveSeries(_configuration.Options.Rule.Name, rows)]));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _trainer.Dispose();

    /// <returns>The sentence about an interruption, or null.</returns>
    private string? TrainEpochs(List<MetricsRow> rows, ProgressDisplay progress, CancellationToken cancellation)
    {
        ILogger log = _folder.Log;
        int epochs = _configuration.Epochs;
        int steps = _trainer.StepsPerEpoch;
        progress.Begin(Label, epochs, steps);
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<EpochMetrics> training = _trainer.TrainEpoch(progress, cancellation);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (training[0].Steps < steps)
            {
                WriteModels(epoch, training[0].Steps);
                log.InterruptedWithin(epoch + 1, training[0].Steps, steps, training.Average(seed => seed.Loss), training.Average(seed => seed.Accuracy));
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"Interrupted in epoch {epoch + 1} after step {training[0].Steps} of {steps}; the models are as of that step, the metrics as of epoch {epoch}.");
            }

            IReadOnlyList<Evaluation> test = _trainer.Evaluate();
            RequireFinite(test);
            AddRows(rows, epoch, training, test, seconds);
            _folder.WriteMetrics(rows);
            WriteModels(epoch + 1, 0);
            log.EpochDone(epoch + 1, training.Average(seed => seed.Loss), training.Average(seed => seed.Accuracy), test.Average(seed => seed.Loss), test.Average(seed => seed.Accuracy), seconds);
            progress.EpochDone(epoch + 1, string.Create(
                CultureInfo.InvariantCulture,
                $"test accuracy {ConsoleOutput.Percent(test.Average(seed => seed.Accuracy))}, {ConsoleOutput.Duration(seconds)}"));
            if (cancellation.IsCancellationRequested && epoch + 1 < epochs)
            {
                log.InterruptedBetween(epoch + 1);
                return string.Create(CultureInfo.InvariantCulture, $"Interrupted after epoch {epoch + 1} of {epochs}; models and metrics are as of that epoch.");
            }
        }

        return null;
    }

    /// <summary>The update of an epoch's last step meets data for the first time in the evaluation.</summary>
    private void RequireFinite(IReadOnlyList<Evaluation> test)
    {
        for (var replica = 0; replica < test.Count; replica++)
        {
            if (!double.IsFinite(test[replica].Loss))
            {
                throw new DivergenceException(_trainer.Step, _configuration.Seeds[replica], _configuration.Options.Rule);
            }
        }
    }

    private void AddRows(
        List<MetricsRow> rows, int epoch, IReadOnlyList<EpochMetrics> training, IReadOnlyList<Evaluation> test, double seconds)
    {
        TrainingOptions options = _configuration.Options;
        double? feedbackRate = options.Rule.FeedbackUpdate == FeedbackUpdate.None ? null : options.FeedbackRateAt(epoch);
        for (var replica = 0; replica < training.Count; replica++)
        {
            rows.Add(new MetricsRow(
                _configuration.Seeds[replica], epoch + 1, training[replica].Loss, training[replica].Accuracy,
                test[replica].Loss, test[replica].Accuracy, options.LearningRateAt(epoch), feedbackRate, seconds));
        }
    }

    private void WriteModels(int wholeEpochs, int stepsBeyond)
    {
        if (!KeepsModels)
        {
            return;
        }

        for (var replica = 0; replica < _configuration.Seeds.Count; replica++)
        {
            var metadata = new Dictionary<string, string>
            {
                ["fdfa_version"] = _configuration.Versions.Fdfa,
                ["rule"] = _configuration.Options.Rule.Name,
                ["seed"] = _configuration.Seeds[replica].ToString(CultureInfo.InvariantCulture),
                ["whole_epochs"] = wholeEpochs.ToString(CultureInfo.InvariantCulture),
                ["steps_beyond"] = stepsBeyond.ToString(CultureInfo.InvariantCulture),
            };
            _folder.WriteModel(_configuration.Seeds[replica], _network, _configuration.Options, _trainer.GetParameters(replica), metadata);
        }
    }
}

/// <summary>The log messages of a run.</summary>
internal static partial class TrainingRunLog
{
    [LoggerMessage(1, LogLevel.Information, "Began on {Device}: {CommandLine}")]
    public static partial void Began(this ILogger log, string commandLine, string device);

    [LoggerMessage(
        2, LogLevel.Information,
        "Epoch {Epoch}: training loss {TrainingLoss:R}, accuracy {TrainingAccuracy:R}; test loss {TestLoss:R}, accuracy {TestAccuracy:R}; {Seconds:F3} s (means over seeds)")]
    public static partial void EpochDone(
        this ILogger log, int epoch, double trainingLoss, double trainingAccuracy, double testLoss, double testAccuracy, double seconds);

    [LoggerMessage(
        3, LogLevel.Warning,
        "Interrupted within epoch {Epoch}: partial epoch of {Steps} of {AllSteps} steps, training loss {Loss:R}, accuracy {Accuracy:R} (means over seeds); it is in the models, not in metrics.csv")]
    public static partial void InterruptedWithin(this ILogger log, int epoch, int steps, int allSteps, double loss, double accuracy);

    [LoggerMessage(4, LogLevel.Warning, "Interrupted after epoch {Epoch}")]
    public static partial void InterruptedBetween(this ILogger log, int epoch);

    [LoggerMessage(5, LogLevel.Error, "Failed")]
    public static partial void Failed(this ILogger log, Exception failure);
}
