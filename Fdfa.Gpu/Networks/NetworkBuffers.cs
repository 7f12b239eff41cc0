using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Augmentation;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>A linear output with a loss of its own after a hidden block.</summary>
internal sealed record HeadBuffers(DenseBlockBuffers Block, LossBuffers Loss)
{
    public LocalHead Read(int replica)
    {
        var parameters = Block.Read(replica);
        return new LocalHead(parameters.Weights, parameters.Biases);
    }
}

/// <summary>Every buffer of K replicas of a network; or, without devices, their sizes.</summary>
internal sealed class NetworkBuffers : IDisposable
{
    private readonly Stage[] _stageOf;

    public NetworkBuffers(Placement placement, NetworkDescription network, TrainingOptions options, int replicas)
    {
        SampleCapacity = checked(options.BatchSize + Padding.Unit - 1) / Padding.Unit * Padding.Unit;
        var count = network.Blocks.Count;
        var problem = TileProblem.Of(network, options, replicas);
        var blocks = new List<BlockBuffers>();
        var heads = new List<HeadBuffers?>();
        for (var l = 1; l <= count; l++)
        {
            var memory = new BufferSet(placement.DeviceOf(placement.ShareOf(l - 1)), problem, replicas)
            {
                // Fixed layerwise feedback stands for the weights above it, and lies where they do.
                FeedbackDevice = placement.DeviceOf(placement.ShareOf(
                    options.Rule is { HasBackwardChain: true, LearnsFeedback: false } && l < count ? l : l - 1)),
            };
            blocks.Add(ChannelBlockBuffers.Holds(network.Blocks[l - 1], l == count, options)
                ? new ChannelBlockBuffers(
                    memory, network, l, options, SampleCapacity, blocks.Count > 0 ? blocks[^1].OutputFeatureStride : SampleCapacity)
                : new DenseBlockBuffers(memory, network, l, options, SampleCapacity));
            heads.Add(options.Rule.HasLocalHead(network, l)
                ? new HeadBuffers(
                    DenseBlockBuffers.OfHead(memory, network, l, options, SampleCapacity),
                    new LossBuffers(memory, network.OutputSize, options, SampleCapacity))
                : null);
        }

        Blocks = blocks;
        Heads = heads;
        Stages = [.. Enumerable.Range(0, placement.Count).Select(share => new Stage(
            new BufferSet(placement.DeviceOf(share), problem, replicas), placement, share, network, options, SampleCapacity))];
        _stageOf = [.. Enumerable.Range(0, count).Select(index => Stages[placement.ShareOf(index)])];
        Inputs = new InputBuffers(Stages[0].Memory, network.Blocks[0], SampleCapacity);
        Crops = Stages[0].Memory.Allocate<uint>(options.Augmentation is null ? 0 : CropDraw.Rows * SampleCapacity, BufferUse.Activations);
        Join(options.Rule);
    }

    /// <summary>Samples that a step can take.</summary>
    public int SampleCapacity { get; }

    /// <summary>The devices' parts of the network.</summary>
    public IReadOnlyList<Stage> Stages { get; }

    public IReadOnlyList<BlockBuffers> Blocks { get; }

    /// <summary>The heads of blocks with a loss of their own; they lie with their blocks.</summary>
    public IReadOnlyList<HeadBuffers?> Heads { get; }

    public InputBuffers Inputs { get; }

    /// <summary>Per replica, the crops of a batch of augmented images; empty where they are not augmented.</summary>
    public ArrayView<uint> Crops { get; }

    /// <summary>The stage that a block is in.</summary>
    public Stage StageOf(int index) => _stageOf[index];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var block in Blocks)
        {
            block.Memory.Dispose();
        }

        foreach (var stage in Stages)
        {
            stage.Dispose();
        }
    }

    private void Join(LearningRule rule)
    {
        Stages[0].HoldInputs(Inputs);
        Stages[^1].HoldOutput(Blocks[^1]);
        for (var index = 1; index < Stages.Count; index++)
        {
            var stage = Stages[index];
            stage.Join(Stages[index - 1], Blocks[stage.Begin - 1], Blocks[stage.Begin], rule);
            Stages[index - 1].Listen(Stages[^1], rule);
        }
    }
}
