using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Training;

/// <summary>The replicas of a run dealt out over devices in contiguous shares: a trainer on each, all at work at the same time.</summary>
/// <remarks>
/// A device works on one thread at a time, because it is not safe for several. Replicas know nothing of each other, so each has the bits
/// that its seed alone has on a device of that kind. On one device this is that device's trainer, on the caller's thread.
/// </remarks>
public sealed class SpreadTrainer : IDisposable
{
    private readonly List<Share> _shares = [];

    /// <summary>Uploads the data and allocates the networks.</summary>
    /// <param name="devices">Where to train; as many as there are seeds are used.</param>
    /// <param name="network">What to train.</param>
    /// <param name="options">How to train.</param>
    /// <param name="seeds">One per replica, at least one.</param>
    /// <param name="upload">Brings the data to a device; the trainer's from there on.</param>
    /// <param name="isLayerParallel">Whether blocks are shared out instead of replicas: every network lies on all devices.</param>
    /// <exception cref="FdfaException">As from a <see cref="Trainer"/> on any of the devices.</exception>
    public SpreadTrainer(
        IReadOnlyList<ComputeDevice> devices,
        NetworkDescription network,
        TrainingOptions options,
        IReadOnlyList<ulong> seeds,
        Func<ComputeDevice, UploadedData> upload,
        bool isLayerParallel = false)
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(seeds);
        ArgumentNullException.ThrowIfNull(upload);
        Seeds = [.. seeds];
        var count = isLayerParallel ? 1 : Math.Clamp(devices.Count, 1, Math.Max(seeds.Count, 1));
        try
        {
            for (var index = 0; index < count; index++)
            {
                var begin = index * seeds.Count / count;
                var end = (index + 1) * seeds.Count / count;
                _shares.Add(
                    Share.Open(isLayerParallel ? devices : [devices[index]], network, options, begin, [.. seeds.Take(begin..end)], upload));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The seeds, one per replica.</summary>
    public IReadOnlyList<ulong> Seeds { get; }

    /// <summary>Whole epochs done, on every device.</summary>
    public int Epoch => _shares[0].Trainer.Epoch;

    /// <summary>Steps done over the whole run, on every device.</summary>
    public long Step => _shares[0].Trainer.Step;

    /// <summary>Steps in an epoch.</summary>
    public int StepsPerEpoch => _shares[0].Trainer.StepsPerEpoch;

    /// <summary>The devices' trainers, in the order of their replicas.</summary>
    public IEnumerable<Trainer> Trainers => _shares.Select(share => share.Trainer);

    /// <summary>Trains to the end of the current epoch, or until cancelled.</summary>
    /// <remarks>When cancelled, those behind go on to the step that the foremost has finished: a run stands at one step.</remarks>
    /// <param name="progress">Told how far the device is that is furthest behind, and means over all seeds.</param>
    /// <param name="cancellation">Ends training; the next call goes on from there.</param>
    /// <returns>One entry per seed, over all the epoch's steps so far.</returns>
    /// <exception cref="DivergenceException">A loss became NaN or infinite; no device trains on.</exception>
    public IReadOnlyList<EpochMetrics> TrainEpoch(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var joint = progress is null ? null : new JointProgress(progress, [.. Trainers.Select(trainer => trainer.Seeds.Count)]);
        var metrics = OnEach(
            (share, index) =>
            {
                try
                {
                    return share.Trainer.TrainEpoch(joint?.Of(index), stop.Token);
                }
                catch
                {
                    stop.Cancel();
                    throw;
                }
            });
        var foremost = Trainers.Max(trainer => trainer.Step);
        return Trainers.All(trainer => trainer.Step == foremost)
            ? [.. metrics.SelectMany(some => some)]
            : [.. OnEach((share, index) => share.Trainer.Step < foremost ? share.Trainer.TrainTo(foremost) : metrics[index])
                .SelectMany(some => some)];
    }

    /// <summary>Evaluates the test data with the current weights.</summary>
    /// <returns>One entry per seed.</returns>
    public IReadOnlyList<Evaluation> Evaluate() =>
        [.. OnEach((share, _) => share.Trainer.Evaluate(share.Data.Test)).SelectMany(some => some)];

    /// <summary>Evaluates the validation data with the current weights.</summary>
    /// <returns>One entry per seed; <see langword="null"/> where there are no validation data.</returns>
    public IReadOnlyList<Evaluation>? EvaluateValidation() => _shares[0].Data.Validation is null
        ? null
        : [.. OnEach((share, _) => share.Trainer.Evaluate(share.Data.Validation!)).SelectMany(some => some)];

    /// <summary>Reads one replica's parameters, all pending updates applied.</summary>
    public NetworkParameters GetParameters(int replica)
    {
        var share = ShareOf(replica);
        return share.Trainer.GetParameters(replica - share.Begin);
    }

    /// <summary>Overwrites one replica's parameters; optimizer state stays.</summary>
    /// <exception cref="ShapeMismatchException">A size differs from the network's, or the rule's feedback and heads.</exception>
    public void SetParameters(int replica, NetworkParameters parameters)
    {
        var share = ShareOf(replica);
        share.Trainer.SetParameters(replica - share.Begin, parameters);
    }

    /// <summary>Writes everything that one replica's training depends on, as <see cref="Trainer.SaveState"/> does.</summary>
    /// <param name="replica">From 0, as in <see cref="Seeds"/>.</param>
    /// <param name="target">Where to; stays the caller's.</param>
    public void SaveState(int replica, Stream target)
    {
        var share = ShareOf(replica);
        share.Trainer.SaveState(replica - share.Begin, target);
    }

    /// <summary>
    /// Goes on where states were saved, as <see cref="Trainer.RestoreState"/> does; how they were spread then does not matter.
    /// </summary>
    /// <param name="paths">A file per replica, in the order of <see cref="Seeds"/>, all saved after the same step.</param>
    /// <exception cref="ModelFileException">
    /// A file cannot be read, is damaged, or was saved by another training or after another step.
    /// </exception>
    public void RestoreState(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(paths.Count, Seeds.Count);
        foreach (var share in _shares)
        {
            share.Trainer.RestoreState([.. paths.Take(share.Begin..(share.Begin + share.Trainer.Seeds.Count))]);
            if (share.Trainer.Step != Step)
            {
                throw ModelFileException.OfOtherSteps(paths[0], Step, paths[share.Begin], share.Trainer.Step);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _shares.ForEach(share => share.Dispose());

    private Share ShareOf(int replica)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(replica);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(replica, Seeds.Count);
        return _shares.Last(share => share.Begin <= replica);
    }

    /// <summary>
    /// Has every share do its work, each on a thread of its own; waits for all, then fails with the first failure, if there is one.
    /// </summary>
    private T[] OnEach<T>(Func<Share, int, T> work) => _shares.Count == 1
        ? [work(_shares[0], 0)]
        : Task.WhenAll(_shares.Select((share, index) => Task.Factory.StartNew(
            () => work(share, index), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default))).GetAwaiter().GetResult();

    private sealed record Share(int Begin, Trainer Trainer, UploadedData Data) : IDisposable
    {
        public static Share Open(
            IReadOnlyList<ComputeDevice> devices,
            NetworkDescription network,
            TrainingOptions options,
            int begin,
            IReadOnlyList<ulong> seeds,
            Func<ComputeDevice, UploadedData> upload)
        {
            var data = upload(devices[0]);
            try
            {
                return new Share(begin, new Trainer(devices, network, options, data.Training, seeds), data);
            }
            catch
            {
                data.Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            Trainer.Dispose();
            Data.Dispose();
        }
    }

    /// <summary>What the shares report, as one: told on once every share has reported.</summary>
    private sealed class JointProgress(IProgress<TrainingProgress> watcher, IReadOnlyList<int> seeds)
    {
        private readonly TrainingProgress?[] _latest = new TrainingProgress?[seeds.Count];
        private readonly Lock _lock = new();

        public IProgress<TrainingProgress> Of(int share) => seeds.Count == 1 ? watcher : new Reporter(this, share);

        private void Report(int share, TrainingProgress value)
        {
            lock (_lock)
            {
                _latest[share] = value;
                var known = _latest.OfType<TrainingProgress>().ToList();
                if (known.Count == _latest.Length)
                {
                    watcher.Report(value with
                    {
                        Step = known.Min(one => one.Step),
                        Loss = Mean(known.Select(one => one.Loss)),
                        Accuracy = Mean(known.Select(one => one.Accuracy)),
                    });
                }
            }
        }

        private double Mean(IEnumerable<double> ofShares) => ofShares.Zip(seeds, (one, count) => one * count).Sum() / seeds.Sum();

        private sealed class Reporter(JointProgress joint, int share) : IProgress<TrainingProgress>
        {
            public void Report(TrainingProgress value) => joint.Report(share, value);
        }
    }
}
