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
/// Launches per step: L; with a backward chain 2L − 1. One more gathers the batch where no step before has: in an epoch's
/// first step, after an evaluation, and always where L = 1.
/// </remarks>
internal sealed class DenseNetwork : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly TrainingOptions _options;
    private readonly DenseKernels _kernels;
    private readonly DenseBlockBuffers[] _blocks;
    private readonly InputBuffers _inputs;
    private readonly DeviceBuffer<float> _outputError;
    private readonly DeviceBuffer<float> _sampleMetrics;
    private readonly DeviceBuffer<uint> _seeds;
    private readonly int _replicas;
    private long _step;
    private bool _gathered;
    private Update _pending;
    private int _pendingSamples;

    public DenseNetwork(ComputeDevice device, NetworkDescription network, TrainingOptions options, IReadOnlyList<ulong> seeds)
    {
        _device = device;
        _options = options;
        _replicas = seeds.Count;
        SampleCapacity = Padding.RoundUp(options.BatchSize);
        _kernels = new DenseKernels(device, network.HiddenActivation, options);
        _blocks = [.. network.Blocks.Select((block, index) => new DenseBlockBuffers(
            device, block, index == network.Blocks.Count - 1, network.OutputSize, options, SampleCapacity, _replicas))];
        _inputs = new InputBuffers(device, network.InputSize, SampleCapacity, _replicas);
        _outputError = new DeviceBuffer<float>(device, (long)network.OutputSize * SampleCapacity * _replicas);
        _sampleMetrics = new DeviceBuffer<float>(device, 2L * SampleCapacity * _replicas);
        _seeds = new DeviceBuffer<uint>(device, 2L * _replicas);
        _seeds.View.SubView(0, 2L * _replicas).CopyFromCPU(seeds.SelectMany(seed => new[] { (uint)seed, (uint)(seed >> 32) }).ToArray());
    }

    /// <summary>Samples that a step can take.</summary>
    public int SampleCapacity { get; }

    /// <summary>The blocks' memory, for tests and checks.</summary>
    public IReadOnlyList<DenseBlockBuffers> Blocks => _blocks;

    private int LastIndex => _blocks.Length - 1;

    private bool HasTangents => _options.Rule.Injection != Injection.None;

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
            Gather(batch, _step);
        }

        var isDeep = LastIndex > 0;
        Launch(Pass(batch.Samples, noiseStep, HasTangents), Gathering(isDeep ? next : null, _step + 1), metrics);
        _gathered = isDeep && next is not null;
        if (_options.Rule.ErrorSignal == ErrorSignal.BackwardChain)
        {
            for (var index = LastIndex - 1; index >= 0; index--)
            {
                Backward(index, batch.Samples);
            }
        }

        _pending = update;
        _pendingSamples = batch.Samples;
        _step++;
    }

    /// <summary>Loss and accuracy of a batch with the current weights; pending updates must have been flushed.</summary>
    public void Evaluate(in Batch batch, in MetricsTarget metrics)
    {
        Gather(batch, _step);
        _gathered = false;
        Launch(Pass(batch.Samples, noiseStep: 0, withTangents: false), Gathering(null, 0), metrics);
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
    public NetworkParameters Read(int replica) => new([.. _blocks.Select(block => block.Read(replica))]);

    /// <summary>Overwrites a replica's parameters; pending updates must have been flushed.</summary>
    public void Write(int replica, NetworkParameters parameters)
    {
        for (var index = 0; index < _blocks.Length; index++)
        {
            _blocks[index].Write(replica, parameters.Blocks[index]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            block.Dispose();
        }

        _inputs.Dispose();
        _outputError.Dispose();
        _sampleMetrics.Dispose();
        _seeds.Dispose();
    }

    private static ForwardPass Pass(int samples, uint noiseStep, bool withTangents) => new()
    {
        Samples = samples,
        Step = noiseStep,
        WithTangents = withTangents ? 1 : 0,
    };

    private void Launch(in ForwardPass pass, in BatchGather gather, in MetricsTarget metrics)
    {
        var stream = _device.Accelerator.DefaultStream;
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
        }

        _kernels.Output(stream, _device.Launch(1, _replicas), Arguments(LastIndex, pass), new LossArguments
        {
            InverseSamples = pass.Samples > 0 ? 1f / pass.Samples : 0f,
            BatchLabels = _inputs.Labels(_step),
            SampleMetrics = _sampleMetrics.View,
            Metrics = metrics.View,
            MetricsCapacity = metrics.Capacity,
            MetricsIndex = metrics.Index,
        });
        _pendingSamples = 0;
    }

    private DenseBlockArguments Arguments(int index, in ForwardPass pass)
    {
        var block = _blocks[index];
        var output = _blocks[LastIndex];
        return new DenseBlockArguments
        {
            Inputs = block.Block.Inputs,
            Outputs = block.Block.Outputs,
            Classes = block.Classes,
            SampleCapacity = SampleCapacity,
            InputStride = block.InputStride,
            OutputStride = block.OutputStride,
            InputFeatureStride = index == 0 ? SampleCapacity : _blocks[index - 1].OutputFeatureStride,
            OutputFeatureStride = block.OutputFeatureStride,
            RowsPerGroup = block.RowsPerGroup,
            Weights = block.Weights,
            Feedback = block.Feedback,
            Seeds = _seeds.View,
            Block = index + 1,
            Pending = new PendingUpdate
            {
                Samples = _pendingSamples,
                InverseSamples = _pendingSamples > 0 ? 1f / _pendingSamples : 0f,
                FeedbackFirst = _options.FeedbackOrder == FeedbackOrder.FeedbackFirst ? 1 : 0,
                Inputs = index == 0 ? _inputs.SampleMajor(_step - 1) : _blocks[index - 1].Outputs[(_step + 1) % 2],
                WeightStep = _pending.Weights,
                FeedbackStep = _pending.Feedback,
            },
            Forward = pass with
            {
                InputHasTangents = pass.WithTangents != 0 && index > 0 ? 1 : 0,
                InputFeatures = index == 0 ? _inputs.FeatureMajor(_step) : _blocks[index - 1].OutputFeatures,
                Outputs = block.Outputs[_step % 2],
            },
            OutputFeatures = block.OutputFeatures,
            Deltas = block.Deltas,
            Perturbations = block.Perturbations,
            OutputError = _outputError.View,
            NetworkOutputFeatures = output.OutputFeatures,
        };
    }

    private void Backward(int index, int samples)
    {
        var block = _blocks[index];
        var next = _blocks[index + 1];
        var projection = new DeltaProjection
        {
            Outputs = block.Block.Outputs,
            ErrorRows = next.Block.Outputs,
            Matrix = next.Weights.Values,
            MatrixStride = next.InputStride,
            Error = index + 1 == LastIndex ? _outputError.View : next.Deltas,
            OutputFeatures = block.OutputFeatures,
            OutputFeatureStride = block.OutputFeatureStride,
            Deltas = block.Deltas,
            SampleCapacity = SampleCapacity,
            Samples = samples,
        };
        _kernels.Backward(_device.Accelerator.DefaultStream, _device.Launch(block.Tiles, _replicas), projection, block.RowsPerGroup);
    }

    private void Gather(in Batch batch, long step) =>
        _kernels.Gather(_device.Accelerator.DefaultStream, _device.Launch(_blocks[0].Tiles, _replicas), Gathering(batch, step));

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
}

/// <summary>A batch: a stretch of an order of samples on the device.</summary>
internal readonly record struct Batch(
    int Samples, ArrayView<byte> Data, ArrayView<byte> Labels, ArrayView<int> Order, int OrderBegin, int OrderStride);

/// <summary>Where a step's loss and accuracy go.</summary>
internal readonly record struct MetricsTarget(ArrayView<float> View, int Capacity, int Index);

/// <summary>The optimizers' numbers of a step.</summary>
internal readonly record struct Update(OptimizerStep Weights, OptimizerStep Feedback);
