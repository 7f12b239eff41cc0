using System.Diagnostics;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Networks;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fdfa.Gpu.Training;

/// <summary>Trains K replicas of one network, one per seed, in the same launches; each is bit-identical to its seed alone.</summary>
/// <remarks>
/// Every rule runs the same step. Nothing crosses the bus in a step; an epoch uploads an order of samples per replica, and
/// metrics are read about ten times a second while somebody watches, else once per epoch.
/// </remarks>
public sealed class Trainer : IDisposable
{
    private const int EvaluationChunk = 256;
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);

    private readonly ComputeDevice _inputDevice;
    private readonly NetworkDescription _description;
    private readonly TrainingOptions _options;
    private readonly bool _canNormalize;
    private readonly DeviceDataSet _data;
    private readonly DeviceBuffer<int> _order;
    private readonly CPUMemoryBuffer _nextOrder;
    private readonly MetricsBuffer _trainingMetrics;
    private readonly MetricsBuffer _evaluationMetrics;
    private readonly ReplicaState _state;

    /// <summary>Allocates the networks, initialises them from their seeds and loads the kernels.</summary>
    /// <param name="device">Where to train.</param>
    /// <param name="network">What to train.</param>
    /// <param name="options">How to train.</param>
    /// <param name="trainingData">What to train on; stays the caller's.</param>
    /// <param name="seeds">One per replica, at least one.</param>
    /// <exception cref="ShapeMismatchException">The data does not fit the network.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range, or nothing would be learned.</exception>
    /// <exception cref="DeviceException">
    /// The network needs more memory than there is, or the device does not compute what the reference computes: see
    /// <see cref="ComputeDevice.Open"/>.
    /// </exception>
    public Trainer(
        ComputeDevice device, NetworkDescription network, TrainingOptions options, DeviceDataSet trainingData, IReadOnlyList<ulong> seeds)
        : this([device], network, options, trainingData, seeds)
    {
    }

    /// <summary>The same on several devices: consecutive blocks on each, and every bit as on one of that kind.</summary>
    /// <param name="devices">Where to train, from the input to the output; at most as many as the network has blocks.</param>
    /// <param name="network">What to train.</param>
    /// <param name="options">How to train.</param>
    /// <param name="trainingData">What to train on, on the first device; stays the caller's.</param>
    /// <param name="seeds">One per replica, at least one.</param>
    /// <exception cref="ShapeMismatchException">The data does not fit the network.</exception>
    /// <exception cref="InvalidOptionException">
    /// An option is out of its range, nothing would be learned, or there are more devices than blocks.
    /// </exception>
    /// <exception cref="DeviceException">
    /// The network needs more memory than there is, or the device does not compute what the reference computes: see
    /// <see cref="ComputeDevice.Open"/>.
    /// </exception>
    public Trainer(
        IReadOnlyList<ComputeDevice> devices,
        NetworkDescription network,
        TrainingOptions options,
        DeviceDataSet trainingData,
        IReadOnlyList<ulong> seeds)
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentOutOfRangeException.ThrowIfZero(devices.Count);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(trainingData);
        ArgumentNullException.ThrowIfNull(seeds);
        options.Validate(network);
        if (seeds.Count == 0)
        {
            throw new InvalidOptionException("There is no seed to train; give at least one.");
        }

        DeviceSupport.Require(network, options.Rule);
        RequireFit(devices[0], network, options, trainingData);
        _inputDevice = devices[0];
        _description = network;

        // A batch larger than the data is the data.
        _options = options with { BatchSize = Math.Min(options.BatchSize, trainingData.Count) };
        _canNormalize = network.CanNormalize(_options.BatchSize);
        NetworkMemory.RequireFit(devices, network, _options, seeds.Count);
        foreach (var device in devices)
        {
            SelfTest.Require(device, device.Tiles.For(TileProblem.Of(network, _options, seeds.Count)));
        }

        _data = trainingData;
        Seeds = [.. seeds];
        StepsPerEpoch = (trainingData.Count + _options.BatchSize - 1) / _options.BatchSize;
        Network = new DeviceNetwork(devices, network, _options, Seeds, trainingData.Image ?? default);
        _order = new DeviceBuffer<int>(_inputDevice, (long)OrderStride * Seeds.Count);
        _nextOrder = CPUMemoryBuffer.Create(_inputDevice.Accelerator, OrderStride, sizeof(int));
        _trainingMetrics = new MetricsBuffer(devices[^1], StepsPerEpoch, Seeds.Count);
        _evaluationMetrics = new MetricsBuffer(devices[^1], EvaluationChunk, Seeds.Count);
        _state = new ReplicaState(Network, _trainingMetrics, network, _options, StepsPerEpoch);
        for (var replica = 0; replica < Seeds.Count; replica++)
        {
            Network.Write(replica, Initialiser.Create(network, _options, Seeds[replica]));
        }
    }

    /// <summary>The seeds, one per replica.</summary>
    public IReadOnlyList<ulong> Seeds { get; }

    /// <summary>Whole epochs done.</summary>
    public int Epoch => (int)(Step / StepsPerEpoch);

    /// <summary>Steps done over the whole run.</summary>
    public long Step { get; private set; }

    /// <summary>Steps in an epoch: samples / batch size, rounded up.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>The network's memory, for tests and checks.</summary>
    internal DeviceNetwork Network { get; }

    private int StepInEpoch => (int)(Step % StepsPerEpoch);

    private int OrderStride => _data.Count + Padding.Unit;

    /// <summary>Counts the memory that training would take, without a device.</summary>
    /// <param name="network">What to train.</param>
    /// <param name="options">How to train; the batch size as a data set at least that large would leave it.</param>
    /// <param name="replicas">Seeds in the same launches, at least 1.</param>
    /// <exception cref="InvalidOptionException">An option is out of its range, or nothing would be learned.</exception>
    /// <exception cref="DeviceException">A buffer is too long to be counted at all.</exception>
    public static MemoryPlan Plan(NetworkDescription network, TrainingOptions options, int replicas)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(network);
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return NetworkMemory.Of(network, options, replicas);
    }

    /// <summary>Trains one step. Allocates no managed memory of its own, and on the CPU none at all.</summary>
    /// <remarks>Metrics stay on the device until <see cref="TrainEpoch"/> reads them.</remarks>
    /// <exception cref="InvalidOptionException">See <see cref="NetworkDescription.RequireNormalizable"/>.</exception>
    public void TrainStep()
    {
        if (!_canNormalize)
        {
            _description.RequireNormalizable(_options.BatchSize);
        }

        var index = StepInEpoch;
        if (index == 0)
        {
            UploadOrders();
        }

        var next = index + 1 < StepsPerEpoch ? BatchAt(index + 1) : default(Batch?);
        Network.Train(BatchAt(index), next, _trainingMetrics.At(index), NextUpdate(), (uint)Step);
        Step++;
    }

    /// <summary>Trains to the end of the current epoch, or until cancelled: the step under way is finished.</summary>
    /// <param name="progress">Told about ten times a second how far the epoch is.</param>
    /// <param name="cancellation">Ends training after the current step; the next call goes on from there.</param>
    /// <returns>One entry per seed, over all the epoch's steps so far.</returns>
    /// <exception cref="DivergenceException">The loss became NaN or infinite.</exception>
    /// <exception cref="InvalidOptionException">Batch normalization leaves nothing of a step.</exception>
    public IReadOnlyList<EpochMetrics> TrainEpoch(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        var epoch = Epoch;
        var clock = Stopwatch.StartNew();
        var reported = TimeSpan.Zero;
        while (Epoch == epoch && !cancellation.IsCancellationRequested)
        {
            TrainStep();
            if (progress is not null && clock.Elapsed - reported > ProgressInterval)
            {
                reported = clock.Elapsed;
                progress.Report(Progress(ReadEpochMetrics(epoch)));
            }
        }

        var metrics = ReadEpochMetrics(epoch);
        progress?.Report(Progress(metrics));
        return metrics;
    }

    /// <summary>Trains on to a step that others have reached.</summary>
    /// <param name="step">Within the current epoch, or its end.</param>
    /// <returns>One entry per seed, over all the epoch's steps so far.</returns>
    /// <exception cref="DivergenceException">The loss became NaN or infinite.</exception>
    internal IReadOnlyList<EpochMetrics> TrainTo(long step)
    {
        var epoch = Epoch;
        while (Step < step)
        {
            TrainStep();
        }

        return ReadEpochMetrics(epoch);
    }

    /// <summary>Evaluates with the current weights.</summary>
    /// <param name="data">What to evaluate on.</param>
    /// <returns>One entry per seed.</returns>
    /// <exception cref="ShapeMismatchException">The data does not fit the network.</exception>
    public IReadOnlyList<Evaluation> Evaluate(DeviceDataSet data)
    {
        ArgumentNullException.ThrowIfNull(data);
        RequireFit(_inputDevice, _description, _options, data);
        if (_options.Augmentation is not null && data.Image != _data.Image)
        {
            throw new ShapeMismatchException(
                $"The data has images of {data.Image}, but the network trains on images of {_data.Image}; "
                + "evaluate on images of the same shape.");
        }

        Network.Flush();
        var totals = new MetricTotals[Seeds.Count];
        var batches = (data.Count + _options.BatchSize - 1) / _options.BatchSize;
        for (var first = 0; first < batches; first += EvaluationChunk)
        {
            var count = Math.Min(EvaluationChunk, batches - first);
            for (var index = 0; index < count; index++)
            {
                var begin = (first + index) * _options.BatchSize;
                Network.Evaluate(data.InOrder(begin, Math.Min(_options.BatchSize, data.Count - begin)), _evaluationMetrics.At(index));
            }

            _evaluationMetrics.AddTo(
                totals, count, index => Math.Min(_options.BatchSize, data.Count - ((first + index) * _options.BatchSize)));
        }

        return [.. totals.Select(total => new Evaluation(total.Loss, total.Accuracy))];
    }

    /// <summary>Reads one replica's parameters, all pending updates applied.</summary>
    public NetworkParameters GetParameters(int replica)
    {
        RequireReplica(replica);
        Network.Flush();
        return Network.Read(replica);
    }

    /// <summary>Overwrites one replica's parameters; optimizer state stays.</summary>
    /// <exception cref="ShapeMismatchException">A size differs from the network's, or the rule's feedback and heads.</exception>
    public void SetParameters(int replica, NetworkParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        RequireReplica(replica);
        parameters.RequireFit(_description, _options.Rule, _options.EffectiveSite);
        Network.Flush();
        Network.Write(replica, parameters);
    }

    /// <summary>Bytes that <see cref="SaveState"/> writes for all replicas, but for what describes them in a few kilobytes.</summary>
    public long StateBytes => Seeds.Count * _state.BytesAt(Step);

    /// <summary>
    /// Writes everything that one replica's training depends on: a safetensors file, which <see cref="RestoreState"/> reads.
    /// </summary>
    /// <remarks>Tensors go from the device to the stream in pieces. Training goes on afterwards as if nothing had been saved.</remarks>
    /// <param name="replica">From 0, as in <see cref="Seeds"/>.</param>
    /// <param name="target">Where to; stays the caller's.</param>
    public void SaveState(int replica, Stream target)
    {
        ArgumentNullException.ThrowIfNull(target);
        RequireReplica(replica);
        Network.Flush();
        _state.Save(target, replica, Seeds[replica], Step);
    }

    /// <summary>
    /// Goes on where states were saved: on the same kind of device, every later step is bit-identical to what it would have been then.
    /// </summary>
    /// <param name="paths">A file per replica, in the order of <see cref="Seeds"/>, all saved after the same step.</param>
    /// <exception cref="ModelFileException">
    /// A file cannot be read, is damaged, or was saved by another training: nothing has changed then, unless a file could be read only in
    /// part.
    /// </exception>
    public void RestoreState(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(paths.Count, Seeds.Count);
        var steps = paths.Zip(Seeds, _state.Check).ToList();
        if (steps.FindIndex(step => step != steps[0]) is var other and >= 0)
        {
            throw ModelFileException.OfOtherSteps(paths[0], steps[0], paths[other], steps[other]);
        }

        Network.Flush();
        Network.ForgetGathered();
        for (var replica = 0; replica < Seeds.Count; replica++)
        {
            _state.Load(paths[replica], replica, Seeds[replica]);
        }

        Step = steps[0];
        if (StepInEpoch > 0)
        {
            UploadOrders();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Network.Dispose();
        _order.Dispose();
        _nextOrder.Dispose();
        _trainingMetrics.Dispose();
        _evaluationMetrics.Dispose();
    }

    private Batch BatchAt(int step) => _data.InOrder(_order.View, OrderStride, step * _options.BatchSize, SamplesAt(step));

    private int SamplesAt(int step) => Math.Min(_options.BatchSize, _data.Count - (step * _options.BatchSize));

    private Update NextUpdate() => new(
        OptimizerNumbers(_options.WeightOptimizer, _options.LearningRateAt(Epoch)),
        OptimizerNumbers(_options.FeedbackOptimizer, _options.FeedbackRateAt(Epoch)));

    private OptimizerStep OptimizerNumbers(OptimizerKind optimizer, double rate) =>
        KernelChoice.StepOf(optimizer, new OptimizerSettings(rate, Step + 1, _options.Momentum, _options.WeightDecay));

    private EpochMetrics[] ReadEpochMetrics(int epoch)
    {
        var first = (long)epoch * StepsPerEpoch;
        var steps = (int)(Step - first);
        var totals = new MetricTotals[Seeds.Count];
        _trainingMetrics.AddTo(totals, steps, SamplesAt);
        for (var replica = 0; replica < totals.Length; replica++)
        {
            if (totals[replica].FirstNonFinite is { } step)
            {
                throw new DivergenceException(first + step, Seeds[replica], _options.Rule);
            }
        }

        return [.. totals.Select(total => new EpochMetrics(epoch, steps, total.Loss, total.Accuracy))];
    }

    private TrainingProgress Progress(EpochMetrics[] metrics) => new(
        metrics[0].Epoch, metrics[0].Steps, StepsPerEpoch, metrics.Average(one => one.Loss), metrics.Average(one => one.Accuracy));

    private unsafe void UploadOrders()
    {
        var order = new Span<int>(_nextOrder.NativePtr.ToPointer(), OrderStride);

        // A last, partial tile reads past the end: it must find indices of samples there.
        order[_data.Count..].Clear();
        for (var replica = 0; replica < Seeds.Count; replica++)
        {
            EpochOrder.Create(order[.._data.Count], Seeds[replica], Epoch);
            _order.View.SubView((long)replica * OrderStride, OrderStride).CopyFrom(_nextOrder.AsArrayView<int>(0, OrderStride));
            _inputDevice.Accelerator.DefaultStream.Synchronize();
        }
    }

    private void RequireReplica(int replica)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(replica);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(replica, Seeds.Count);
    }

    private static void RequireFit(ComputeDevice device, NetworkDescription network, TrainingOptions options, DeviceDataSet data)
    {
        if (data.Device != device)
        {
            throw new ShapeMismatchException(
                $"The data lies on {data.Device.Info.Selector}, the network on another device ({device.Info.Selector}); "
                + "upload the data to the device that trains.");
        }

        if (options.Augmentation is { } augmentation)
        {
            RequireFit(network, augmentation, data);
            return;
        }

        if (network.InputSize != data.SampleSize || network.OutputSize != data.ClassCount)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"The network {network.Topology} takes {network.InputSize} inputs and gives {network.OutputSize} outputs, but the data has "
                + $"{data.SampleSize} values per sample and {data.ClassCount} classes; "
                + $"give a topology that starts with {data.SampleSize} and ends with {data.ClassCount}."));
        }
    }

    private static void RequireFit(NetworkDescription network, ImageAugmentation augmentation, DeviceDataSet data)
    {
        if (data.Image is not { } image)
        {
            throw new ShapeMismatchException(
                "The data cannot be augmented, because the shape of its images is not known; give it with the data.");
        }

        var input = augmentation.InputOf(image);
        if (network.InputSize != input.Size || (network.InputShape ?? input) != input || network.OutputSize != data.ClassCount)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"The network {network.Topology} takes {network.InputSize} inputs and gives {network.OutputSize} outputs, but the data's "
                + $"images of {image} are augmented to {input}, {input.Size} values, of {data.ClassCount} classes; "
                + $"give a topology for {input} that ends with {data.ClassCount}."));
        }
    }
}
