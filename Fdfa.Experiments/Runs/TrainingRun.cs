using System.Diagnostics;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Microsoft.Extensions.Logging;

namespace Fdfa.Experiments.Runs;

/// <summary>What a run came to.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Network">The topology.</param>
/// <param name="Rows">Whole epochs only.</param>
/// <param name="Interruption">One sentence if Ctrl-C ended it, else null.</param>
internal sealed record RunResult(string Rule, string Network, IReadOnlyList<MetricsRow> Rows, string? Interruption)
{
    /// <summary>One sentence if its patience ended it before its last epoch, else null.</summary>
    public string? EarlyEnd { get; init; }
}

/// <summary>Trains as a configuration says, and leaves every epoch's results in the run folder.</summary>
/// <remarks>
/// It keeps none of them itself: what is needed of earlier epochs is read from the newest checkpoint, and memory does not grow with the
/// run.
/// </remarks>
internal sealed class TrainingRun : IDisposable
{
    /// <summary>The word in a model's file for the epochs that it has seen whole.</summary>
    public const string EpochsWord = "whole_epochs";

    /// <summary>The word in a model's file for the steps beyond those epochs.</summary>
    public const string StepsWord = "steps_beyond";

    private readonly RunConfiguration _configuration;
    private readonly NetworkDescription _network;
    private readonly RunFolder _folder;
    private readonly SpreadTrainer _trainer;
    private readonly IReadOnlyList<DeviceInfo> _devices;
    private readonly Checkpoint? _start;
    private readonly ValidationHistory _history;
    private double _secondsInEpoch;

    /// <summary>What the run is called while it trains; the rule's name where nothing else is said.</summary>
    public string Label { get; init; }

    /// <summary>Whether every epoch leaves its models in the folder, and a finished run its checkpoints.</summary>
    public bool KeepsModels { get; init; } = true;

    /// <summary>How to go on after the device failed, at the end of a sentence; null for the command that goes on with this run.</summary>
    public string? WayOn { get; init; }

    /// <summary>Uploads the data and allocates the networks; writes nothing yet, unless the driver refuses a kernel.</summary>
    /// <param name="configuration">What to train.</param>
    /// <param name="data">What to train on.</param>
    /// <param name="devices">Where to train.</param>
    /// <param name="folder">Where results go.</param>
    /// <param name="start">Where to go on; null to begin.</param>
    /// <param name="isLayerParallel">Whether every network's blocks, instead of the seeds, are shared out among the devices.</param>
    /// <exception cref="FdfaException">The device or the data cannot do what the configuration says.</exception>
    public TrainingRun(
        RunConfiguration configuration,
        LoadedData data,
        IReadOnlyList<ComputeDevice> devices,
        RunFolder folder,
        Checkpoint? start = null,
        bool isLayerParallel = false)
    {
        _configuration = configuration;
        _devices = [.. devices.Select(device => device.Info)];
        _start = start;
        _history = new ValidationHistory(configuration.Seeds.Count);
        Label = configuration.Options.Rule.Name;
        _network = configuration.ToRequest().Network;
        _folder = folder;
        _network.RequireNormalizable(Math.Min(configuration.Options.BatchSize, data.Training.Count));
        try
        {
            _trainer = new SpreadTrainer(devices, _network, configuration.Options, configuration.Seeds, data.Upload, isLayerParallel);
        }
        catch (KernelBuildException refusal)
        {
            throw Keep(refusal);
        }
    }

    /// <summary>
    /// Gives every seed the same weights, biases and statistics of batch normalization; feedback and heads stay what the seed drew.
    /// </summary>
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
    /// <exception cref="DeviceLostException">The device failed; the epochs before are in the folder.</exception>
    /// <exception cref="RunFolderException">The disk is full; the epochs before are in the folder.</exception>
    /// <exception cref="DeviceException">
    /// The device ran out of memory, or its driver refuses a kernel: then the driver's log is in the folder.
    /// </exception>
    public RunResult Execute(ProgressDisplay progress, CancellationToken cancellation)
    {
        try
        {
            // First of all: a folder with a configuration is a run that can be gone on with.
            _folder.WriteConfiguration(_configuration);
            Begin();
            string? interruption = TrainEpochs(progress, cancellation);
            IReadOnlyList<MetricsRow> rows = [.. _folder.Checkpoints.Metrics];
            string? earlyEnd = interruption is null ? EarlyEnd : null;
            if (earlyEnd is not null)
            {
                _folder.Log.StoppedEarly(earlyEnd);
            }

            if (interruption is not null)
            {
                WriteCurves(rows);
            }
            else if (!KeepsModels)
            {
                _folder.DeleteCheckpoints();
            }

            return new RunResult(_configuration.Options.Rule.Name, _configuration.Network, rows, interruption) { EarlyEnd = earlyEnd };
        }
        catch (KernelBuildException refusal)
        {
            throw Keep(refusal);
        }
        catch (Exception failure) when (DiskFull.CauseOf(failure) is { } cause)
        {
            _folder.Log.Failed(failure);
            throw ExplainDisk(cause);
        }
        catch (Exception failure)
        {
            bool isOfDriver = DriverFailure.Is(failure);
            if (isOfDriver)
            {
                _folder.Log.DeviceFailed(DriverFailure.Describe(failure));
            }

            _folder.Log.Failed(failure);
            IReadOnlyList<MetricsRow> rows = [.. _folder.Checkpoints.Metrics];
            WriteCurves(rows);
            if (isOfDriver)
            {
                throw Explain(failure, rows.Count > 0);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _trainer.Dispose();

    /// <summary>One sentence where its patience has ended it before its last epoch, else null.</summary>
    private string? EarlyEnd => _trainer.Epoch < _configuration.Epochs
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"Stopped early, after epoch {_trainer.Epoch} of {_configuration.Epochs}: "
            + $"the mean validation accuracy was best after epoch {_history.BestEpoch} (--patience {_configuration.Patience}).")
        : null;

    /// <summary>Whether it trains no epoch after those that are done.</summary>
    private bool IsAtEnd => _trainer.Epoch >= _configuration.Epochs
        || (_configuration.Patience is { } patience && _history.EpochsSinceBest >= patience);

    private DeviceException Keep(KernelBuildException refusal)
    {
        _folder.WriteConfiguration(_configuration);
        _folder.Log.Failed(refusal);
        return new DeviceException($"{refusal.Message} The driver's log is in {_folder.WriteBuildLog(refusal.Log)}.", refusal);
    }

    private FdfaException Explain(Exception failure, bool hasEpochs)
    {
        string device = _configuration.DeviceNames;
        if (DriverFailure.IsOutOfMemory(failure))
        {
            return new DeviceException(
                $"{device} ran out of memory in the middle of the run ({DriverFailure.Describe(failure)}); "
                + "make a layer or the batch smaller, or train fewer seeds at once.", failure);
        }

        string left = (hasEpochs, KeepsModels) switch
        {
            (false, _) => "Configuration and log",
            (true, false) => "Metrics of the finished epochs",
            (true, true) => "Metrics and models of the finished epochs",
        };
        return new DeviceLostException(
            $"{device} failed in the middle of the run, and what was on it is lost: {DriverFailure.Describe(failure)}. "
            + $"{left} are in {_folder.Path}; {WayOn ?? $"to go on: {_folder.Resumption}"}.", failure);
    }

    private RunFolderException ExplainDisk(IOException cause)
    {
        long need = _trainer.Trainers.Sum(trainer => trainer.StateBytes) * (KeepsModels ? 2 : 1);
        long free = new DriveInfo(Path.GetFullPath(_folder.Path)).AvailableFreeSpace;
        string rest = free < need ? "are free" : "are free, so its inodes or a quota may be used up";
        string wayOn = WayOn ?? (_folder.HasConfiguration ? $"to go on: {_folder.Resumption}" : $"to train again: {_configuration.Repeat}");
        return new RunFolderException(
            $"The disk of '{_folder.Path}' is full ({cause.Message.TrimEnd('.')}): "
            + $"an epoch needs up to {ConsoleOutput.Quantity(need, "B")} there for its checkpoint{(KeepsModels ? " and models" : "")}, "
            + $"and {ConsoleOutput.Quantity(free, "B")} {rest}. Make room; {wayOn}",
            cause);
    }

    /// <summary>Gets to where the run goes on, and leaves the results that a process stopped behind its checkpoint has not left.</summary>
    private void Begin()
    {
        if (_start is null)
        {
            _folder.Log.Began(_configuration.Repeat, _configuration.DeviceNames);
            _folder.PublishMetrics();
            return;
        }

        CheckpointManifest manifest = _start.Manifest;
        _trainer.RestoreState(_start.States);
        _history.Add(_folder.Checkpoints.Metrics);
        TellOfLostModels();
        _secondsInEpoch = manifest.SecondsInEpoch;
        _folder.Log.Resumed(manifest.Epoch, manifest.StepInEpoch, NamesOf(_devices));
        if (!Checkpoint.HasSameBits(manifest.Devices, _devices) || manifest.Versions != RunVersions.Current)
        {
            _folder.Log.ResumedElsewhere(NamesOf(manifest.Devices), manifest.Versions, RunVersions.Current);
        }

        if (manifest is { StepInEpoch: 0, Epoch: > 0 })
        {
            WriteResults();
        }
        else
        {
            _folder.PublishMetrics();
        }
    }

    /// <returns>The sentence about an interruption, or null.</returns>
    private string? TrainEpochs(ProgressDisplay progress, CancellationToken cancellation)
    {
        int epochs = _configuration.Epochs;
        int steps = _trainer.StepsPerEpoch;
        progress.Begin(Label, epochs, steps);
        for (int epoch = _trainer.Epoch; !IsAtEnd; epoch++)
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<EpochMetrics> training = _trainer.TrainEpoch(progress, cancellation);
            double seconds = _secondsInEpoch + Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (training[0].Steps < steps)
            {
                Leave(() =>
                {
                    WriteCheckpoint([], seconds);
                    WriteModels();
                });
                _folder.Log.InterruptedWithin(
                    epoch + 1, training[0].Steps, steps, training.Average(seed => seed.Loss), training.Average(seed => seed.Accuracy));
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"Interrupted in epoch {epoch + 1} after step {training[0].Steps} of {steps}; "
                    + $"the models are as of that step, the metrics as of epoch {epoch}. To go on: {_folder.Resumption}");
            }

            IReadOnlyList<Evaluation>? validation = _trainer.EvaluateValidation();
            IReadOnlyList<Evaluation> test = _trainer.Evaluate();
            RequireFinite(validation ?? []);
            RequireFinite(test);
            MetricsRow[] rows = [.. RowsOf(epoch, training, validation, test, seconds)];
            _secondsInEpoch = 0;
            _history.Add(rows);
            Leave(() =>
            {
                WriteCheckpoint(rows, 0);
                WriteResults();
            });
            _folder.Log.EpochDone(
                epoch + 1,
                training.Average(seed => seed.Loss),
                training.Average(seed => seed.Accuracy),
                test.Average(seed => seed.Loss),
                test.Average(seed => seed.Accuracy),
                seconds);
            if (validation is not null)
            {
                _folder.Log.Validated(epoch + 1, validation.Average(seed => seed.Loss), validation.Average(seed => seed.Accuracy));
            }

            // Whoever chooses while it trains should not see the test set.
            string set = validation is null ? "test" : "validation";
            string accuracy = ConsoleOutput.Percent((validation ?? test).Average(seed => seed.Accuracy));
            progress.EpochDone(epoch + 1, $"{set} accuracy {accuracy}, {ConsoleOutput.Duration(seconds)}");
            if (cancellation.IsCancellationRequested && !IsAtEnd)
            {
                _folder.Log.InterruptedBetween(epoch + 1);
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"Interrupted after epoch {epoch + 1} of {epochs}; models and metrics are as of that epoch. To go on: "
                    + $"{_folder.Resumption}");
            }
        }

        return null;
    }

    /// <summary>Writes a checkpoint and what follows it, wherever somebody removed the folder before or does so meanwhile.</summary>
    private void Leave(Action write)
    {
        const int Attempts = 10;
        const int PauseMilliseconds = 100;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (_folder.IsIncomplete)
                {
                    _folder.Restore();
                    TellOfLostModels();
                }

                write();
                return;
            }
            catch (Exception failure) when (attempt < Attempts && IsOfFileSystem(failure) && _folder.IsIncomplete)
            {
                // A deletion of many files takes its time.
                Thread.Sleep(PauseMilliseconds);
            }
        }

        static bool IsOfFileSystem(Exception failure) =>
            !DiskFull.Is(failure) && failure is IOException or UnauthorizedAccessException or ModelFileException or RunFolderException;
    }

    /// <summary>The update of an epoch's last step meets data for the first time in the evaluation.</summary>
    private void RequireFinite(IReadOnlyList<Evaluation> evaluations)
    {
        for (var replica = 0; replica < evaluations.Count; replica++)
        {
            if (!double.IsFinite(evaluations[replica].Loss))
            {
                throw new DivergenceException(_trainer.Step, _configuration.Seeds[replica], _configuration.Options.Rule);
            }
        }
    }

    private IEnumerable<MetricsRow> RowsOf(
        int epoch,
        IReadOnlyList<EpochMetrics> training,
        IReadOnlyList<Evaluation>? validation,
        IReadOnlyList<Evaluation> test,
        double seconds)
    {
        TrainingOptions options = _configuration.Options;
        double? feedbackRate = options.Rule.FeedbackUpdate == FeedbackUpdate.None ? null : options.FeedbackRateAt(epoch);
        return training.Select((trained, replica) => new MetricsRow(
            _configuration.Seeds[replica], epoch + 1, trained.Loss, trained.Accuracy,
            test[replica].Loss, test[replica].Accuracy, options.LearningRateAt(epoch), feedbackRate, seconds)
        {
            Validation = validation?[replica],
        });
    }

    private void WriteCheckpoint(IReadOnlyList<MetricsRow> added, double secondsInEpoch) => _folder.Checkpoints.Write(
        new CheckpointManifest
        {
            Run = _configuration.StartedAt,
            WrittenAt = DateTimeOffset.Now,
            Step = _trainer.Step,
            Epoch = _trainer.Epoch,
            StepInEpoch = (int)(_trainer.Step % _trainer.StepsPerEpoch),
            SecondsInEpoch = secondsInEpoch,
            Seeds = _configuration.Seeds,
            Devices = _devices,
            Versions = RunVersions.Current,
        },
        added,
        _trainer.SaveState);

    /// <summary>
    /// Writes what an epoch leaves for people, the metrics last: a run whose metrics are whole has nothing left to write.
    /// </summary>
    private void WriteResults()
    {
        WriteModels();
        if (_configuration.Keep == KeptModels.Best)
        {
            WriteBestModels();
        }

        if (_configuration.WritesEvents)
        {
            RunEvents.Write(_folder.Path, _configuration, _folder.Checkpoints.Metrics);
        }

        if (IsAtEnd)
        {
            WriteCurves([.. _folder.Checkpoints.Metrics]);
        }

        _folder.PublishMetrics();
    }

    private static string NamesOf(IEnumerable<DeviceInfo> devices) => string.Join(", ", devices.Select(device => device.Name).Distinct());

    private void WriteCurves(IReadOnlyList<MetricsRow> rows)
    {
        if (rows.Count > 0)
        {
            _folder.WriteCurves(new Curves(
                $"{_configuration.Options.Rule.Name} on {_configuration.Data.Name}, {_configuration.Network}",
                _configuration.Options.Loss,
                [new CurveSeries(_configuration.Options.Rule.Name, rows)]));
        }
    }

    private void WriteModels()
    {
        if (!KeepsModels)
        {
            return;
        }

        for (var replica = 0; replica < _configuration.Seeds.Count; replica++)
        {
            WriteModel(replica, isBest: false);
        }
    }

    /// <summary>Writes the model of each seed whose best epoch is the one that has just ended.</summary>
    private void WriteBestModels()
    {
        for (var replica = 0; replica < _configuration.Seeds.Count; replica++)
        {
            if (_history.BestEpochOf(_configuration.Seeds[replica]) == _trainer.Epoch)
            {
                WriteModel(replica, isBest: true);
            }
        }
    }

    /// <summary>Logs which models of best epochs are gone: only that of the epoch that has just ended can be written again.</summary>
    private void TellOfLostModels()
    {
        bool isBetweenEpochs = _trainer.Step % _trainer.StepsPerEpoch == 0;
        foreach (ulong seed in _configuration.Keep == KeptModels.Best ? _configuration.Seeds : [])
        {
            int best = _history.BestEpochOf(seed);
            bool isWrittenNow = isBetweenEpochs && best == _trainer.Epoch;
            if (best > 0 && !isWrittenNow && !File.Exists(RunFolder.ModelPath(_folder.Path, seed, isBest: true)))
            {
                _folder.Log.BestModelLost(seed, best);
            }
        }
    }

    private void WriteModel(int replica, bool isBest)
    {
        ulong seed = _configuration.Seeds[replica];
        var metadata = new Dictionary<string, string>
        {
            ["fdfa_version"] = _configuration.Versions.Fdfa,
            ["rule"] = _configuration.Options.Rule.Name,
            ["seed"] = seed.ToString(CultureInfo.InvariantCulture),
            [EpochsWord] = _trainer.Epoch.ToString(CultureInfo.InvariantCulture),
            [StepsWord] = (_trainer.Step % _trainer.StepsPerEpoch).ToString(CultureInfo.InvariantCulture),
        };
        _folder.WriteModel(seed, _network, _configuration.Options, _trainer.GetParameters(replica), metadata, isBest);
    }
}

/// <summary>The log messages of a run.</summary>
internal static partial class TrainingRunLog
{
    [LoggerMessage(1, LogLevel.Information, "Began on {Device}: {CommandLine}")]
    public static partial void Began(this ILogger log, string commandLine, string device);

    [LoggerMessage(
        2, LogLevel.Information,
        "Epoch {Epoch}: training loss {TrainingLoss:R}, accuracy {TrainingAccuracy:R}; test loss {TestLoss:R}, accuracy {TestAccuracy:R}; "
        + "{Seconds:F3} s (means over seeds)")]
    public static partial void EpochDone(
        this ILogger log, int epoch, double trainingLoss, double trainingAccuracy, double testLoss, double testAccuracy, double seconds);

    [LoggerMessage(11, LogLevel.Information, "Epoch {Epoch}: validation loss {Loss:R}, accuracy {Accuracy:R} (means over seeds)")]
    public static partial void Validated(this ILogger log, int epoch, double loss, double accuracy);

    [LoggerMessage(13, LogLevel.Information, "{Sentence}")]
    public static partial void StoppedEarly(this ILogger log, string sentence);

    [LoggerMessage(
        12, LogLevel.Warning, "The model of seed {Seed} after its best epoch so far, {Epoch}, is gone, and is not written again")]
    public static partial void BestModelLost(this ILogger log, ulong seed, int epoch);

    [LoggerMessage(
        3, LogLevel.Warning,
        "Interrupted within epoch {Epoch}: partial epoch of {Steps} of {AllSteps} steps, training loss {Loss:R}, "
        + "accuracy {Accuracy:R} (means over seeds); it is in the models, not in metrics.csv")]
    public static partial void InterruptedWithin(this ILogger log, int epoch, int steps, int allSteps, double loss, double accuracy);

    [LoggerMessage(4, LogLevel.Warning, "Interrupted after epoch {Epoch}")]
    public static partial void InterruptedBetween(this ILogger log, int epoch);

    [LoggerMessage(5, LogLevel.Error, "Failed")]
    public static partial void Failed(this ILogger log, Exception failure);

    [LoggerMessage(6, LogLevel.Information, "Resumed after {Epochs} epoch(s) and {Steps} step(s) on {Device}")]
    public static partial void Resumed(this ILogger log, int epochs, int steps, string device);

    [LoggerMessage(
        7, LogLevel.Warning,
        "Before, it ran on {Device} with {Before}, now with {Now}: "
        + "the numbers may differ in their last bits from those of an undisturbed run")]
    public static partial void ResumedElsewhere(this ILogger log, string device, RunVersions before, RunVersions now);

    [LoggerMessage(8, LogLevel.Warning, "{Finding}")]
    public static partial void CheckpointDamaged(this ILogger log, string finding);

    [LoggerMessage(10, LogLevel.Warning, "The run's folder, or part of it, was removed while it trained; it continues in {Folder}")]
    public static partial void Restored(this ILogger log, string folder);

    [LoggerMessage(9, LogLevel.Error, "The device's driver says: {Error}")]
    public static partial void DeviceFailed(this ILogger log, string error);
}
