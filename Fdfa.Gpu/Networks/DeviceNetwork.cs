using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>K replicas of a network in device memory, and the launches that make a step of it.</summary>
/// <remarks>
/// A step leaves its update pending; the next step's launches apply it block by block, each before its forward pass.
/// Launches per step: L. With a backward chain 2L − 1, because each link waits for the one above; with local heads 2L − 2,
/// because a head needs all rows of its block, which many groups share. One more gathers the batch where no step before has: in an epoch's
/// first step, after an evaluation, and always where L = 1. Augmented images take two for that, in every step: their crops are drawn first.
///
/// On several devices a block of a later stage takes two: its update needs nothing but what the output sent, and starts at once on all
/// devices, while its forward pass waits for the block below. One host thread is enough for that, because it does not wait for a GPU's
/// launches; those of two CPU accelerators follow one another, but these would share the same cores.
/// </remarks>
internal sealed partial class DeviceNetwork : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly Dictionary<Stage, NetworkKernels> _kernels;
    private readonly NetworkBuffers _buffers;
    private readonly AugmentedInputs? _augmented;
    private readonly int _replicas;
    private long _step;
    private bool _gathered;
    private Update _pending;
    private uint _pendingNoiseStep;

    /// <param name="devices">Where to train, from the input to the output; each takes consecutive blocks.</param>
    /// <param name="network">What to train.</param>
    /// <param name="options">How to train.</param>
    /// <param name="seeds">One per replica.</param>
    /// <param name="image">The shape of the data's images, where the options augment them.</param>
    public DeviceNetwork(
        IReadOnlyList<ComputeDevice> devices,
        NetworkDescription network,
        TrainingOptions options,
        IReadOnlyList<ulong> seeds,
        ImageShape image = default)
    {
        _options = options;
        _replicas = seeds.Count;
        _buffers = new NetworkBuffers(new Placement(network, devices), network, options, _replicas);
        _kernels = Stages.ToDictionary(
            stage => stage, stage => new NetworkKernels(stage.Device, stage.Tiles, network.HiddenActivation, options));
        foreach (var stage in Stages)
        {
            stage.Seeds.SubView(0, 2L * _replicas)
                .CopyFromCPU(seeds.SelectMany(seed => new[] { (uint)seed, (uint)(seed >> 32) }).ToArray());
        }

        _augmented = options.Augmentation is { } augmentation
            ? new AugmentedInputs(devices[0], Stages[0].Tiles, augmentation, image, _buffers.Crops, Stages[0].Seeds, _replicas)
            : null;
    }

    /// <summary>The blocks' memory, for tests and checks.</summary>
    public IReadOnlyList<BlockBuffers> Blocks => _buffers.Blocks;

    /// <summary>The step whose outputs the blocks hold, for tests and checks.</summary>
    public long LastStep => _step - 1;

    private int SampleCapacity => _buffers.SampleCapacity;

    private int LastIndex => Blocks.Count - 1;

    private IReadOnlyList<Stage> Stages => _buffers.Stages;

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

        // The stages that wait for the first one's outputs meanwhile apply what is pending.
        for (var index = 1; index < Stages.Count; index++)
        {
            Flush(Stages[index]);
        }

        var following = LastIndex > 0 && _augmented is null ? next : null;
        Launch(Pass(batch.Samples, noiseStep, Blocks[0].Directions), isTraining: true, Gathering(following, _step + 1), metrics);
        _gathered = following is not null;
        for (var index = 0; index < Stages.Count; index++)
        {
            Stages[index].FetchOutput();
        }

        if (_options.Rule.HasBackwardChain)
        {
            for (var index = LastIndex - 1; index >= 0; index--)
            {
                Backward(index, batch.Samples);
            }
        }

        _pending = update;
        _pendingNoiseStep = noiseStep;
        for (var index = 0; index < Stages.Count; index++)
        {
            Stages[index].PendingSamples = batch.Samples;
        }

        _step++;
    }

    /// <summary>Loss and accuracy of a batch with the current weights; pending updates must have been flushed.</summary>
    public void Evaluate(in Batch batch, in MetricsTarget metrics)
    {
        Gather(batch, noiseStep: null);
        _gathered = false;
        Launch(Pass(batch.Samples, noiseStep: 0, directions: 0), isTraining: false, Gathering(null, 0), metrics);
    }

    /// <summary>Applies the pending update, if there is one.</summary>
    public void Flush()
    {
        for (var index = 0; index < Stages.Count; index++)
        {
            Flush(Stages[index]);
        }
    }

    /// <summary>Forgets the batch that was gathered ahead: the next step will be of another.</summary>
    public void ForgetGathered() => _gathered = false;

    /// <summary>Where an array of parameters lies; pending updates must have been flushed before it is read.</summary>
    public DeviceTensor Locate(ModelTensor tensor) => tensor.Part switch
    {
        ModelPart.HeadWeights => _buffers.Heads[tensor.Block]!.Block.Locate(ModelPart.Weights),
        ModelPart.HeadBiases => _buffers.Heads[tensor.Block]!.Block.Locate(ModelPart.Biases),
        var part => Blocks[tensor.Block].Locate(part),
    };

    /// <summary>Reads a replica's parameters; pending updates must have been flushed.</summary>
    public NetworkParameters Read(int replica) => new([.. Blocks.Zip(_buffers.Heads, (block, head) => head is null
        ? block.Read(replica)
        : block.Read(replica) with { Head = head.Read(replica) })]);

    /// <summary>Overwrites a replica's parameters; pending updates must have been flushed.</summary>
    public void Write(int replica, NetworkParameters parameters)
    {
        for (var index = 0; index < Blocks.Count; index++)
        {
            Blocks[index].Write(replica, parameters.Blocks[index]);
            if (_buffers.Heads[index] is { } head && parameters.Blocks[index].Head is { } values)
            {
                head.Block.Write(replica, new BlockParameters(values.Weights, values.Biases, []));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _buffers.Dispose();

    private ForwardPass Pass(int samples, uint noiseStep, int directions) => new()
    {
        Samples = samples,
        Directions = directions,
        Noise = Noise(noiseStep),
    };

    private PerturbationNoise Noise(uint step) => new()
    {
        Step = step,
        IsRademacher = _options.Noise switch
        {
            NoiseDistribution.Normal => 0,
            NoiseDistribution.Rademacher => 1,
            _ => throw InvalidOptionException.UnknownValue("noise distribution", _options.Noise),
        },
        IsAntithetic = _options.Antithetic ? 1 : 0,
    };

    private void Flush(Stage stage)
    {
        if (stage.PendingSamples > 0)
        {
            Launch(stage, default, isTraining: false, Gathering(null, 0), default);
        }
    }

    private void Launch(in ForwardPass pass, bool isTraining, in BatchGather gather, in MetricsTarget metrics)
    {
        for (var index = 0; index < Stages.Count; index++)
        {
            Stages[index].FetchBelow(_step);
            Launch(Stages[index], pass, isTraining, gather, metrics);
        }
    }

    private void Launch(Stage stage, in ForwardPass pass, bool isTraining, in BatchGather gather, in MetricsTarget metrics)
    {
        var kernels = _kernels[stage];
        var stream = stage.Device.Accelerator.DefaultStream;
        for (var index = stage.Begin; index < stage.End && index < LastIndex; index++)
        {
            var configuration = stage.Launch(Blocks[index].Groups);
            if (Blocks[index] is ChannelBlockBuffers channels)
            {
                var arguments = ChannelArguments(stage, channels, index, pass, isTraining);
                if (index == 0)
                {
                    kernels.FirstChannels(stream, configuration, arguments, gather);
                }
                else
                {
                    kernels.Channels(stream, configuration, arguments);
                }
            }
            else
            {
                var arguments = DenseArguments(stage, (DenseBlockBuffers)Blocks[index], index, pass);
                if (index == 0)
                {
                    kernels.FirstDense(stream, configuration, arguments, gather);
                }
                else
                {
                    kernels.Dense(stream, configuration, arguments);
                }
            }

            if (_buffers.Heads[index] is { } head && (isTraining || pass.Samples == 0))
            {
                var target = new MetricsTarget(stage.HeadMetrics, 1, 0);
                kernels.Output(
                    stream, stage.Launch(1), HeadArguments(stage, head, index, pass), LossArguments(stage, head.Loss, pass, target));
            }
        }

        if (stage.End > LastIndex)
        {
            kernels.Output(
                stream,
                stage.Launch(1),
                DenseArguments(stage, (DenseBlockBuffers)Blocks[LastIndex], LastIndex, pass),
                LossArguments(stage, stage.Loss, pass, metrics));
        }

        stage.PendingSamples = 0;
    }

    /// <summary>A link of a backward chain, into a block from the one above.</summary>
    private void Backward(int index, int samples)
    {
        var own = _buffers.StageOf(index);
        var above = _buffers.StageOf(index + 1);
        var stage = _options.Rule.LearnsFeedback ? own : above;
        if (stage != above)
        {
            stage.FetchAbove();
        }

        var next = Blocks[index + 1];
        var error = index + 1 == LastIndex ? stage.Loss.Error : stage == above ? next.Deltas : stage.DeltasAbove;
        var hasFeedback = _options.Rule.HasFeedback;
        var matrix = hasFeedback ? Blocks[index].Feedback.Values : next.Weights.Values;
        var matrixStride = hasFeedback ? Blocks[index].FeedbackStride : next.WeightStride;
        if (Blocks[index] is ChannelBlockBuffers channels)
        {
            var link = Link(next, matrix, matrixStride, error, samples);
            if (stage != own)
            {
                BackwardInto(stage, channels, link);
                stage.SendLink();
                link = new ChannelLink { Samples = samples };
            }

            _kernels[own].ChannelBackward(
                own.Device.Accelerator.DefaultStream,
                own.Launch(channels.Groups),
                ChannelArguments(own, channels, index, default, isTraining: true),
                link);
            return;
        }

        var block = (DenseBlockBuffers)Blocks[index];
        var rowsPerGroup = stage == own ? block.RowsPerGroup : stage.Tiles.RowsPerGroup(block.Block.Outputs);
        var projection = new DeltaProjection
        {
            Outputs = block.Block.Outputs,
            ErrorRows = next.Block.Outputs,
            Matrix = matrix,
            MatrixStride = matrixStride,
            Error = error,
            OutputFeatures = stage == own ? block.Features(_step) : stage.FeaturesBelow[_step & 1],
            OutputFeatureStride = block.OutputFeatureStride,
            Deltas = stage == own ? block.Deltas : stage.DeltasBelow,
            SampleCapacity = SampleCapacity,
            Samples = samples,
        };
        _kernels[stage].DenseBackward(
            stage.Device.Accelerator.DefaultStream,
            stage.Launch((block.Block.Outputs + rowsPerGroup - 1) / rowsPerGroup),
            projection,
            rowsPerGroup);
        if (stage != own)
        {
            stage.SendLink();
        }
    }

    private ChannelLink Link(BlockBuffers next, ArrayView<float> matrix, int matrixStride, ArrayView<float> error, int samples)
    {
        var link = new ChannelLink
        {
            Matrix = matrix,
            MatrixStride = matrixStride,
            Error = error,
            ErrorStride = SampleCapacity,
            Channels = next.Block.Channels,
            Samples = samples,
        };
        if (next is ChannelBlockBuffers { Convolution: { } convolution } above)
        {
            link.Kernel = convolution.Kernel;
            link.Filters = above.TransposedFilters;
            link.FilterStride = above.TransposedStride;
            link.Geometry = new TapGeometry
            {
                Inputs = above.SpreadDeltas,
                Taps = above.TransposedTaps,
                Count = convolution.Filters * convolution.Kernel * convolution.Kernel,
                Positions = convolution.Input.Positions,
                MapWidth = convolution.Input.Width,
                RowStep = above.Spread.FullWidth * SampleCapacity,
                ColumnStep = SampleCapacity,
            };
        }

        return link;
    }

    /// <summary>The half of a link that lies with the block above: δ for a block of another stage.</summary>
    private void BackwardInto(Stage stage, ChannelBlockBuffers below, in ChannelLink link)
    {
        var channelsPerGroup = stage.Tiles.ChannelsPerGroup(below.Block.Channels);
        var arguments = new ChannelBlockArguments
        {
            Channels = below.Block.Channels,
            ChannelsPerGroup = channelsPerGroup,
            Output = new OutputMap { Height = below.OutputShape.Height, Width = below.OutputShape.Width },
            DeltaStride = below.DeltaStride,
            SiteDeltas = stage.DeltasBelow,
        };
        _kernels[stage].ChannelBackward(
            stage.Device.Accelerator.DefaultStream,
            stage.Launch((below.Block.Channels + channelsPerGroup - 1) / channelsPerGroup),
            arguments,
            link);
    }

    private void Gather(in Batch batch, uint? noiseStep)
    {
        var gather = Gathering(batch, _step);
        if (_augmented is { } augmented)
        {
            augmented.Gather(gather, Blocks[0].Groups, noiseStep);
        }
        else
        {
            var stage = Stages[0];
            _kernels[stage].Gather(stage.Device.Accelerator.DefaultStream, stage.Launch(Blocks[0].Groups), gather);
        }
    }

    private BatchGather Gathering(in Batch? batch, long step) => batch is not { } known ? default : new BatchGather
    {
        Samples = known.Samples,
        SampleCapacity = SampleCapacity,
        Inputs = Blocks[0].Block.Inputs,
        InputStride = _buffers.Inputs.Stride,
        OrderBegin = known.OrderBegin,
        OrderStride = known.OrderStride,
        Data = known.Data,
        Labels = known.Labels,
        Order = known.Order,
        SampleMajorTarget = _buffers.Inputs.SampleMajor(step),
        FeatureMajorTarget = _buffers.Inputs.FeatureMajor(step),
        FeatureRows = _buffers.Inputs.Rows + 1,
        Border = _buffers.Inputs.Border,
        BatchLabels = _buffers.Inputs.Labels(step),
    };
}

/// <summary>A batch: a stretch of an order of samples on the device.</summary>
internal readonly record struct Batch(
    int Samples, ArrayView<byte> Data, ArrayView<byte> Labels, ArrayView<int> Order, int OrderBegin, int OrderStride);

/// <summary>Where a step's loss and accuracy go.</summary>
internal readonly record struct MetricsTarget(ArrayView<float> View, int Capacity, int Index);

/// <summary>The optimizers' numbers of a step.</summary>
internal readonly record struct Update(OptimizerStep Weights, OptimizerStep Feedback);
