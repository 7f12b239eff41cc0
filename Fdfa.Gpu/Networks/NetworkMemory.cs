using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Networks;

/// <summary>What training a network takes, counted before any of it is allocated.</summary>
/// <remarks>In double precision: a hostile size must be refused, not overflow.</remarks>
/// <param name="DeviceBytes">Device memory of all replicas.</param>
/// <param name="HostBytes">
/// Main memory while one replica's parameters go to the device or come back: all in double precision, and the largest
/// block's once more in single. Twice that: those that went are seldom collected before the first ones come back.
/// </param>
/// <param name="LongestBuffer">Elements of the longest buffer of one replica.</param>
internal sealed record NetworkMemory(double DeviceBytes, double HostBytes, double LongestBuffer)
{
    /// <summary>Counts.</summary>
    /// <exception cref="InvalidOptionException">The options ask for what kernels cannot do.</exception>
    public static NetworkMemory Of(NetworkDescription network, TrainingOptions options, int replicas)
    {
        DeviceSupport.Require(network, options);
        using var buffers = new NetworkBuffers(null, network, options, replicas);
        var blocks = Enumerable.Range(1, network.Blocks.Count).ToList();
        var hostNumbers = blocks.Sum(l => HostNumbers(network, options, l));
        var largestBlock = network.Blocks.Max(block => block.Channels * RoundUp(block.FanIn + 1.0));
        return new NetworkMemory(
            buffers.Parts.Sum(part => Enum.GetValues<BufferUse>().Sum(part.BytesOf)),
            2 * ((hostNumbers * sizeof(double)) + (largestBlock * sizeof(float))),
            buffers.Parts.Max(part => part.Longest));
    }

    /// <summary>Refuses a network that the device has no room for, or whose elements a kernel cannot count.</summary>
    /// <exception cref="DeviceException">It does not fit.</exception>
    public static void RequireFit(ComputeDevice device, NetworkDescription network, TrainingOptions options, int replicas)
    {
        var needed = Of(network, options, replicas);
        var mainMemory = (double)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var sharesMainMemory = device.Info.Kind == DeviceKind.Cpu;
        Require("memory", sharesMainMemory ? needed.DeviceBytes + needed.HostBytes : needed.HostBytes, "this machine", mainMemory);
        if (!sharesMainMemory)
        {
            Require("device memory", needed.DeviceBytes, device.Info.Name, device.Info.MemoryBytes);
        }

        // Kernels index a replica's buffer with 32 bits.
        if (needed.LongestBuffer > Array.MaxLength)
        {
            throw new DeviceException(string.Create(
                CultureInfo.InvariantCulture,
                $"The network {network.Topology} with batch size {options.BatchSize} has a matrix of {needed.LongestBuffer:0} numbers, above the limit of {Array.MaxLength}; make a layer or the batch smaller."));
        }

        void Require(string kind, double bytes, string owner, double available)
        {
            if (bytes > available)
            {
                throw new DeviceException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Training {network.Topology} with batch size {options.BatchSize} and {replicas} seed(s) needs {bytes / 1e9:0.0} GB of {kind}, and {owner} has {available / 1e9:0.0} GB; make a layer or the batch smaller, or train fewer seeds at once."));
            }
        }
    }

    private static double HostNumbers(NetworkDescription network, TrainingOptions options, int l)
    {
        var block = network.Blocks[l - 1];
        var (rows, columns) = options.Rule.FeedbackShape(network, l, options.EffectiveSite);
        var head = options.Rule.HasLocalHead(network, l) ? network.OutputSize * (block.Outputs + 1.0) : 0;
        return block.ParameterCount + (2.0 * block.NormalizedChannels) + ((double)rows * columns) + head;
    }

    private static double RoundUp(double length) => Math.Ceiling(length / Padding.Unit) * Padding.Unit;
}
