using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>K replicas of a dense network in device memory, and the launches that make a step of it.</summary>
/// <remarks>
/// A step leaves its update pending; the next step's launches apply it block by block, each before its forward pass.
/// Launches per step: L. With a backward chain 2L − 1, because each link waits for the one above; with local heads 2L − 2,
/// because a head needs all rows of its block, which many groups share. One more gathers the batch where no step before has: in an epoch's
/// first step, after an evaluation, and always where L = 1. Augmented images take two for that, in every step: their crops are drawn first.
/// </remarks>
internal sealed class DenseNetwork : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly TrainingOptions _options;
    private readonly DenseKernels _kernels;
    private readonly DenseBlockBuffers[] _blocks;
    private readonly InputBuffers _inputs;
    private readonly AugmentedInputs? _augmented;
    private readonly LossBuffers _loss;
    private readonly Head?[] _heads;
    private readonly DeviceBuffer<float> _headMetrics;
    private readonly DeviceBuffer<uint> _seeds;
    private readonly int _replicas;
    private long _step;
    private bool _gathered;
    private Update _pending;
    private int _pendingSamples;
    private uint _pendingNoiseStep;

    /// <param name="device">Where to train.</param>
    /// <param name="network">What to train.</param>
    /// <param name="options">How to train.</param>
    /// <param name="seeds">One per replica.</param>
    /// <param name="image">The shape of the data's images, where the options augment them.</param>
    public DenseNetwork(
        ComputeDevice device, NetworkDescription network, TrainingOptions options, IReadOnlyList<ulong> seeds, ImageShape image = default)
    {
        _device = device;
        _options = options;
        _replicas = seeds.Count;
        SampleCapacity = Padding.RoundUp(options.BatchSize);
        _kernels = new DenseKernels(device, network.HiddenActivation, options);
        var blocks = Enumerable.Range(1, network.Blocks.Count);
        _blocks = [.. blocks.Select(l => new DenseBlockBuffers(device, network, l, options, SampleCapacity, _replicas))];
        _loss = new LossBuffers(device, network.OutputSize, options, SampleCapacity, _replicas);
        _heads = [.. blocks.Select(l => options.Rule.HasLocalHead(network, l)
            ? new Head(
                DenseBlockBuffers.OfHead(device, network, l, options, SampleCapacity, _replicas),
                new LossBuffers(device, network.OutputSize, options, SampleCapacity, _replicas))
            : null)];
        _headMetrics = new DeviceBuffer<float>(device, 2L * _replicas);
        _inputs = new InputBuffers(device, network.InputSize, SampleCapacity, _replicas);
        _seeds = new DeviceBuffer<uint>(device, 2L * _replicas);
        _seeds.View.SubView(0, 2L * _replicas).CopyFromCPU(seeds.SelectMany(seed => new[] { (uint)seed, (uint)(seed >> 32) }).ToArray());
        _augmented = options.Augmentation is { } augmentation
            ? new AugmentedInputs(device, augmentation, image, SampleCapacity, _seeds.View, _replicas)
            : null;
    }

    /// <summary>Samples that a step can take.</summary>
    public int SampleCapacity { get; }

    /// <summary>The blocks' memory, for tests and checks.</summary>
    public IReadOnlyList<DenseBlockBuffers> Blocks => _blocks;

    private int LastIndex => _blocks.Length - 1;

    /// <summary>One training step on a batch: applies the pending update, then computes activations, tangents, loss and error.</summary>
    /// <param name="batch">The step's batch.</param>
    /// <param name="next">The batch after it, gathered on the way; <see langword="null"/> where it is not known yet.</param>
    /// <param name="metrics">Where loss and accuracy go.</param>
    /// <param name="update">The optimizers' numbers of this step, applied by the next one.</param>
    /// <param name="noiseStep">Counter of the noise.</param>
    public void Train(in Batch batch, in Batch? next, in MetricsTarget metrics, in Update update, uint noiseStep)
    {
        if (!_gathered)
        {
            Gather(batch, noiseStep);
        }

        var following = LastIndex > 0 && _augmented is null ? next : null;
        Launch(Pass(batch.Samples, noiseStep, _blocks[0].Directions), Gathering(following, _step + 1), metrics);
        _gathered = following is not null;
        if (_options.Rule.HasBackwardChain)
        {
            for (var index = LastIndex - 1; index >= 0; index--)
            {
                Backward(index, batch.Samples);
            }
        }

        _pending = update;
        _pendingSamples = batch.Samples;
        _pendingNoiseStep = noiseStep;
        _step++;
    }

    /// <summary>Loss and accuracy of a batch with the current weights; pending updates must have been flushed.</summary>
    public void Evaluate(in Batch batch, in MetricsTarget metrics)
    {
        Gather(batch, noiseStep: null);
        _gathered = false;
        Launch(Pass(batch.Samples, noiseStep: 0, directions: 0), Gathering(null, 0), metrics);
    }

    /// <summary>Applies the pending update, if there is one.</summary>
    public void Flush()
    {
        if (_pendingSamples > 0)
        {
            Launch(default, Gathering(null, 0), default);
        }
    }

    /// <summary>Reads a replica's parameters; pending updates must have been flushed.</summary>
    public NetworkParameters Read(int replica) => new([.. _blocks.Zip(_heads, (block, head) => head is null
        ? block.Read(replica)
        : block.Read(replica) with { Head = head.Read(replica) })]);

    /// <summary>Overwrites a replica's parameters; pending updates must have been flushed.</summary>
    public void Write(int replica, NetworkParameters parameters)
    {
        for (var index = 0; index < _blocks.Length; index++)
        {
            _blocks[index].Write(replica, parameters.Blocks[index]);
            if (_heads[index] is { } head && parameters.Blocks[index].Head is { } values)
            {
                head.Block.Write(replica, new BlockParameters(values.Weights, values.Biases, []));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            block.Dispose();
        }

        foreach (var head in _heads)
        {
            head?.Dispose();
        }

        _inputs.Dispose();
        _augmented?.Dispose();
        _loss.Dispose();
        _headMetrics.Dispose();
        _seeds.Dispose();
    }

    private ForwardPass Pass(int samples, uint noiseStep, int directions) => new()
    {
        Samples = samples,
        Directions = directions,
        Noise = Noise(noiseStep),
    };

    private PerturbationNoise Noise(uint step) => new()
    {
        Step = step,
        IsRademacher = _options.Noise == NoiseDistribution.Rademacher ? 1 : 0,
        IsAntithetic = _options.Antithetic ? 1 : 0,
    };

    private void Launch(in ForwardPass pass, in BatchGather gather, in MetricsTarget metrics)
    {
        var stream = _device.Accelerator.DefaultStream;
        var isEvaluation = pass.Samples > 0 && pass.Directions == 0;
        for (var index = 0; index < LastIndex; index++)
        {
            var arguments = Arguments(index, pass);
            var configuration = _device.Launch(_blocks[index].Tiles, _replicas);
            if (index == 0)
            {
                _kernels.First(stream, configuration, arguments, gather);
            }
            else
            {
                _kernels.Hidden(stream, configuration, arguments);
            }

            if (_heads[index] is { } head && !isEvaluation)
            {
                var target = new MetricsTarget(_headMetrics.View, 1, 0);
                _kernels.Output(stream, _device.Launch(1, _replicas), HeadArguments(head, index, pass), LossArguments(head.Loss, pass, target));
            }
        }

        _kernels.Output(stream, _device.Launch(1, _replicas), Arguments(LastIndex, pass), LossArguments(_loss, pass, metrics));
        _pendingSamples = 0;
    }

    private LossArguments LossArguments(LossBuffers loss, in ForwardPass pass, in MetricsTarget metrics) => new()
    {
        InverseSamples = pass.Samples > 0 ? 1f / pass.Samples : 0f,
        InverseDirections = pass.Directions > 0 ? 1f / pass.Directions : 0f,
        BatchLabels = _inputs.Labels(_step),
        SampleMetrics = loss.SampleMetrics.View,
        Metrics = metrics.View,
        MetricsCapacity = metrics.Capacity,
        MetricsIndex = metrics.Index,
        Targets = View(loss.Targets),
    };

    private DenseBlockArguments Arguments(int index, in ForwardPass pass)
    {
        var block = _blocks[index];
        var isHidden = index < LastIndex;
        var loss = _heads[index]?.Loss ?? _loss;
        var inputHasTangents = pass.Directions > 0 && index > 0 && _heads[index - 1] is null;
        return Arguments(block, index, loss, pass, inputHasTangents) with
        {
            FeedbackRows = block.FeedbackRows,
            Feedback = block.Feedback,
            Deltas = block.Deltas,
            Perturbations = block.Perturbations,
            ArrivingTangents = block.ArrivingTangents,
            OutputError = isHidden && _loss.Targets is { } targets ? targets.View : _loss.Error.View,
        };
    }

    private DenseBlockArguments HeadArguments(Head head, int index, in ForwardPass pass) =>
        Arguments(head.Block, index + 1, head.Loss, pass, inputHasTangents: pass.Directions > 0) with { OutputError = head.Loss.Error.View };

    /// <summary>What every block and head has; <paramref name="index"/> says whose input it shares.</summary>
    private DenseBlockArguments Arguments(DenseBlockBuffers block, int index, LossBuffers loss, in ForwardPass pass, bool inputHasTangents) => new()
    {
        Inputs = block.Block.Inputs,
        Outputs = block.Block.Outputs,
        SampleCapacity = SampleCapacity,
        InputStride = block.InputStride,
        OutputStride = block.OutputStride,
        DeltaStride = block.DeltaStride,
        InputFeatureStride = index == 0 ? SampleCapacity : _blocks[index - 1].OutputFeatureStride,
        OutputFeatureStride = block.OutputFeatureStride,
        RowsPerGroup = block.RowsPerGroup,
        Weights = block.Weights,
        Seeds = _seeds.View,
        Block = index + 1,
        HasWeightNoisePerSample = _options.WeightNoise == WeightNoise.PerSample ? 1 : 0,
        Pending = new PendingUpdate
        {
            Samples = _pendingSamples,
            Directions = block.Directions,
            IsPerturbed = block.IsPerturbed ? 1 : 0,
            Noise = Noise(_pendingNoiseStep),
            FeedbackFirst = _options.UpdatesFeedbackFirst ? 1 : 0,
            Inputs = index == 0 ? _inputs.SampleMajor(_step - 1) : _blocks[index - 1].Outputs[(_step + 1) % 2],
            WeightStep = _pending.Weights,
            FeedbackStep = _pending.Feedback,
            FeedbackGradient = FeedbackGradient(index),
        },
        Forward = pass with
        {
            IsPerturbed = block.IsPerturbed && pass.Directions > 0 ? 1 : 0,
            InputHasTangents = inputHasTangents ? 1 : 0,
            InputFeatures = index == 0 ? _inputs.FeatureMajor(_step) : _blocks[index - 1].OutputFeatures,
            Outputs = block.Outputs[_step % 2],
        },
        OutputFeatures = block.OutputFeatures,
        DirectionalDerivatives = View(loss.Derivatives),
        BatchDerivatives = View(loss.BatchDerivatives),
    };

    private FeedbackGradient FeedbackGradient(int index)
    {
        var rule = _options.Rule;
        if (!rule.LearnsFeedback || index >= LastIndex)
        {
            return default;
        }

        var block = _blocks[index];
        if (rule.FeedbackUpdate == FeedbackUpdate.KolenPollack)
        {
            return new FeedbackGradient
            {
                Source = _loss.Error.View,
                SourceLength = block.FeedbackRows * SampleCapacity,
                SourceStride = SampleCapacity,
                Inputs = block.Outputs[(_step + 1) % 2],
                InputRows = SampleCapacity,
                Depth = _pendingSamples,
                Scale = 1f,
                Keep = (float)_options.FeedbackDecay,
            };
        }

        var gradient = new FeedbackGradient
        {
            Inputs = block.Perturbations,
            InputRows = block.Directions * SampleCapacity,
            Depth = ((block.Directions - 1) * SampleCapacity) + _pendingSamples,
            Scale = _pendingSamples > 0 ? -1f / (block.Directions * _pendingSamples) : 0f,
            Keep = 1f,
        };
        if (rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && index + 1 < LastIndex)
        {
            var next = _blocks[index + 1];
            gradient.Source = next.ArrivingTangents;
            gradient.SourceStride = next.Directions * SampleCapacity;
            gradient.SourceLength = next.Block.Outputs * gradient.SourceStride;
            return gradient;
        }

        // The output is linear and not perturbed: its tangents are those that arrive.
        var output = _blocks[LastIndex];
        gradient.Source = output.OutputFeatures;
        gradient.SourceLength = (output.Block.Outputs + 1) * output.OutputFeatureStride;
        gradient.SourceOffset = SampleCapacity;
        gradient.SourceStride = output.OutputFeatureStride;
        return gradient;
    }

    private void Backward(int index, int samples)
    {
        var block = _blocks[index];
        var next = _blocks[index + 1];
        var hasFeedback = _options.Rule.HasFeedback;
        var projection = new DeltaProjection
        {
            Outputs = block.Block.Outputs,
            ErrorRows = next.Block.Outputs,
            Matrix = hasFeedback ? block.Feedback.Values : next.Weights.Values,
            MatrixStride = hasFeedback ? block.OutputStride : next.InputStride,
            Error = index + 1 == LastIndex ? _loss.Error.View : next.Deltas,
            OutputFeatures = block.OutputFeatures,
            OutputFeatureStride = block.OutputFeatureStride,
            Deltas = block.Deltas,
            SampleCapacity = SampleCapacity,
            Samples = samples,
        };
        _kernels.Backward(_device.Accelerator.DefaultStream, _device.Launch(block.Tiles, _replicas), projection, block.RowsPerGroup);
    }

    private void Gather(in Batch batch, uint? noiseStep)
    {
        var gather = Gathering(batch, _step);
        if (_augmented is { } augmented)
        {
            augmented.Gather(gather, _blocks[0].Tiles, noiseStep);
        }
        else
        {
            _kernels.Gather(_device.Accelerator.DefaultStream, _device.Launch(_blocks[0].Tiles, _replicas), gather);
        }
    }

    private BatchGather Gathering(in Batch? batch, long step) => batch is not { } known ? default : new BatchGather
    {
        Samples = known.Samples,
        SampleCapacity = SampleCapacity,
        Inputs = _blocks[0].Block.Inputs,
        InputStride = _inputs.Stride,
        OrderBegin = known.OrderBegin,
        OrderStride = known.OrderStride,
        Data = known.Data,
        Labels = known.Labels,
        Order = known.Order,
        SampleMajorTarget = _inputs.SampleMajor(step),
        FeatureMajorTarget = _inputs.FeatureMajor(step),
        BatchLabels = _inputs.Labels(step),
    };

    private static ArrayView<float> View(DeviceBuffer<float>? buffer) => buffer?.View ?? ArrayView<float>.Empty;

    /// <summary>A linear output with a loss of its own after a hidden block.</summary>
    private sealed record Head(DenseBlockBuffers Block, LossBuffers Loss) : IDisposable
    {
        public LocalHead Read(int replica)
        {
            var parameters = Block.Read(replica);
            return new LocalHead(parameters.Weights, parameters.Biases);
        }

        public void Dispose()
        {
            Block.Dispose();
            Loss.Dispose();
        }
    }
}

/// <summary>A batch: a stretch of an order of samples on the device.</summary>
internal readonly record struct Batch(
    int Samples, ArrayView<byte> Data, ArrayView<byte> Labels, ArrayView<int> Order, int OrderBegin, int OrderStride);

/// <summary>Where a step's loss and accuracy go.</summary>
internal readonly record struct MetricsTarget(ArrayView<float> View, int Capacity, int Index);

/// <summary>The optimizers' numbers of a step.</summary>
internal readonly record struct Update(OptimizerStep Weights, OptimizerStep Feedback);
