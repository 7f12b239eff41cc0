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

/// <summary>Every buffer of K replicas of a network; or, without a device, their sizes.</summary>
internal sealed class NetworkBuffers : IDisposable
{
    public NetworkBuffers(ComputeDevice? device, NetworkDescription network, TrainingOptions options, int replicas)
    {
        SampleCapacity = checked(options.BatchSize + Padding.Unit - 1) / Padding.Unit * Padding.Unit;
        Shared = new BufferSet(device, replicas);
        var count = network.Blocks.Count;
        var blocks = new List<BlockBuffers>();
        var heads = new List<HeadBuffers?>();
        for (var l = 1; l <= count; l++)
        {
            var memory = new BufferSet(device, replicas);
            blocks.Add(ChannelBlockBuffers.Holds(network.Blocks[l - 1], l == count, options)
                ? new ChannelBlockBuffers(memory, network, l, options, SampleCapacity)
                : new DenseBlockBuffers(memory, network, l, options, SampleCapacity));
            heads.Add(options.Rule.HasLocalHead(network, l)
                ? new HeadBuffers(
                    DenseBlockBuffers.OfHead(memory, network, l, options, SampleCapacity),
                    new LossBuffers(memory, network.OutputSize, options, SampleCapacity))
                : null);
        }

        Blocks = blocks;
        Heads = heads;
        Loss = new LossBuffers(Shared, network.OutputSize, options, SampleCapacity);
        HeadMetrics = Shared.Allocate(2);
        Inputs = new InputBuffers(Shared, network.Blocks[0], SampleCapacity);
        Crops = Shared.Allocate<uint>(options.Augmentation is null ? 0 : CropDraw.Rows * SampleCapacity, BufferUse.Activations);
        Seeds = Shared.Allocate<uint>(2, BufferUse.Activations);
    }

    /// <summary>Samples that a step can take.</summary>
    public int SampleCapacity { get; }

    /// <summary>Where what belongs to no block lies.</summary>
    public BufferSet Shared { get; }

    public IReadOnlyList<BlockBuffers> Blocks { get; }

    /// <summary>The heads of blocks with a loss of their own; they lie with their blocks.</summary>
    public IReadOnlyList<HeadBuffers?> Heads { get; }

    public LossBuffers Loss { get; }

    /// <summary>Where heads' metrics go: nobody reads them.</summary>
    public ArrayView<float> HeadMetrics { get; }

    public InputBuffers Inputs { get; }

    /// <summary>Per replica, the crops of a batch of augmented images; empty where they are not augmented.</summary>
    public ArrayView<uint> Crops { get; }

    /// <summary>Per replica: low and high word of the seed.</summary>
    public ArrayView<uint> Seeds { get; }

    /// <summary>All parts: the blocks, then what they share.</summary>
    public IEnumerable<BufferSet> Parts => Blocks.Select(block => block.Memory).Append(Shared);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in Parts)
        {
            part.Dispose();
        }
    }
}
