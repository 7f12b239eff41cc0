using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Networks;

/// <summary>What training a network takes, counted before any of it is allocated.</summary>
internal static class NetworkMemory
{
    /// <summary>Counts.</summary>
    /// <remarks>
    /// Main memory is taken while one replica's parameters go to the device or come back: all in double precision, and the largest block's
    /// once more in single. Twice that: those that went are seldom collected before the first ones come back.
    /// </remarks>
    /// <exception cref="InvalidOptionException">The options ask for what kernels cannot do.</exception>
    /// <exception cref="DeviceException">A buffer is too long to be counted at all.</exception>
    public static MemoryPlan Of(NetworkDescription network, TrainingOptions options, int replicas)
    {
        DeviceSupport.Require(network, options.Rule);
        try
        {
            using var buffers = new NetworkBuffers(new Placement(network, []), network, options, replicas);
            var hostNumbers = Enumerable.Range(1, network.Blocks.Count).Sum(l => HostNumbers(network, options, l));
            var largestBlock = network.Blocks.Max(
                block => block.Channels * Math.Ceiling((block.FanIn + 1.0) / Padding.Unit) * Padding.Unit);
            return new MemoryPlan(
                [
                    .. buffers.Blocks.Select((block, index) => Count(Name(block.Block, index + 1), block.Memory)),
                    Count("input and loss", buffers.Stages[0].Memory),
                ],
                2 * ((hostNumbers * sizeof(double)) + (largestBlock * sizeof(float))));
        }
        catch (OverflowException overflow)
        {
            throw new DeviceException(
                $"The network {network.Topology} with batch size {options.BatchSize} has a buffer that is longer than any device can "
                + "count; make a layer or the batch smaller.",
                overflow);
        }
    }

    /// <summary>Refuses a network that a device has no room for, or whose elements a kernel cannot count.</summary>
    /// <remarks>Input and loss count on every device; what is copied from one to the other, a few activations, on none.</remarks>
    /// <exception cref="DeviceException">It does not fit.</exception>
    public static void RequireFit(IReadOnlyList<ComputeDevice> devices, NetworkDescription network, TrainingOptions options, int replicas)
    {
        var needed = Of(network, options, replicas);
        var placement = new Placement(network, devices);
        for (var share = 0; share < placement.Count; share++)
        {
            var (begin, end) = (placement.BeginOf(share), placement.EndOf(share));
            RequireFit(
                placement.DeviceOf(share)!, needed with { Blocks = [.. needed.Blocks.Take(begin..end), needed.Blocks[^1]] }, network,
                options, replicas);
        }
    }

    private static void RequireFit(
        ComputeDevice device, MemoryPlan needed, NetworkDescription network, TrainingOptions options, int replicas)
    {
        if (needed.FindShortage(device.Info, device.FreeBytes) is { } shortage)
        {
            const int Shown = 8;
            var parts = string.Join(", ", needed.Blocks.OrderByDescending(part => part.Bytes).Take(Shown).Select(part =>
                string.Create(CultureInfo.InvariantCulture, $"{part.Name} takes {part.Bytes / 1e9:0.0} GB")));
            throw new DeviceException(string.Create(
                CultureInfo.InvariantCulture,
                $"Training {network.Topology} with batch size {options.BatchSize} and {replicas} seed(s) needs {shortage}; "
                + $"make a layer or the batch smaller, or train fewer seeds at once: {parts}."));
        }
    }

    private static BlockMemory Count(string name, BufferSet memory) => new(
        name,
        memory.BytesOf(BufferUse.Parameters),
        memory.BytesOf(BufferUse.OptimizerState),
        memory.BytesOf(BufferUse.Feedback),
        memory.BytesOf(BufferUse.Activations))
    {
        LongestBuffer = memory.Longest,
    };

    private static string Name(Block block, int l) => block is ConvolutionBlock convolution
        ? string.Create(CultureInfo.InvariantCulture, $"block {l}: {convolution.Input} → {convolution.Output}")
        : string.Create(CultureInfo.InvariantCulture, $"block {l}: {block.Inputs} → {block.Outputs}");

    private static double HostNumbers(NetworkDescription network, TrainingOptions options, int l)
    {
        var block = network.Blocks[l - 1];
        var (rows, columns) = options.Rule.FeedbackShape(network, l, options.EffectiveSite);
        var head = options.Rule.HasLocalHead(network, l) ? network.OutputSize * (block.Outputs + 1.0) : 0;
        return block.ParameterCount + (2.0 * block.NormalizedChannels) + ((double)rows * columns) + head;
    }
}
