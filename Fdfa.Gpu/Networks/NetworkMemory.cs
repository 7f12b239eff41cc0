using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Networks;

/// <summary>What training a dense network takes, counted before any of it is allocated.</summary>
/// <remarks>
/// Agrees with what <see cref="DenseNetwork"/> allocates. In double precision: a hostile size must be refused, not overflow.
/// </remarks>
/// <param name="DeviceBytes">Device memory of all replicas.</param>
/// <param name="HostBytes">
/// Main memory while one replica's parameters go to the device or come back: all in double precision, and the largest
/// block's once more in single. Twice that: those that went are seldom collected before the first ones come back.
/// </param>
/// <param name="LongestBuffer">Elements of the longest buffer of one replica.</param>
internal sealed record NetworkMemory(double DeviceBytes, double HostBytes, double LongestBuffer)
{
    /// <summary>Counts.</summary>
    public static NetworkMemory Of(NetworkDescription network, TrainingOptions options, int replicas)
    {
        var capacity = RoundUp(options.BatchSize);
        var injects = options.Rule.Injection != Injection.None;
        var tangents = injects ? 2.0 : 1.0;
        var deviceFloats = 0.0;
        var hostFloats = 0.0;
        var largestBlock = 0.0;
        var longest = 0.0;
        for (var index = 0; index < network.Blocks.Count; index++)
        {
            var block = network.Blocks[index];
            var outputStride = RoundUp(block.Outputs + 1.0);
            var weights = block.Outputs * RoundUp(block.Inputs + 1.0);
            Add(weights, Copies(options.WeightOptimizer));
            Add((block.Outputs + 1.0) * capacity * tangents, 1);
            hostFloats += block.ParameterCount;
            largestBlock = Math.Max(largestBlock, weights);
            if (index == network.Blocks.Count - 1)
            {
                break;
            }

            Add(capacity * outputStride, injects ? 3 : 2);
            Add(block.Outputs * capacity, 1);
            if (options.Rule.HasFeedback)
            {
                Add(network.OutputSize * outputStride, Copies(options.FeedbackOptimizer));
                hostFloats += (double)network.OutputSize * block.Outputs;
            }
        }

        Add(capacity * RoundUp(network.InputSize + 1.0), 3);
        Add((network.InputSize + 1.0) * capacity, 2);
        Add(network.OutputSize * capacity, 1);
        Add(capacity, 4);
        Add(2, 1);
        return new NetworkMemory(
            deviceFloats * replicas * sizeof(float), 2 * ((hostFloats * sizeof(double)) + (largestBlock * sizeof(float))), longest);

        void Add(double length, int copies)
        {
            deviceFloats += length * copies;
            longest = Math.Max(longest, length);
        }
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

    private static int Copies(OptimizerKind optimizer) => optimizer == OptimizerKind.Adam ? 3 : 1;

    private static double RoundUp(double length) => Math.Ceiling(length / Padding.Unit) * Padding.Unit;
}
