using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Augmentation;
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
    /// <exception cref="TopologyException">The network has convolutions or batch normalization.</exception>
    /// <exception cref="InvalidOptionException">The options ask for what kernels cannot do.</exception>
    public static NetworkMemory Of(NetworkDescription network, TrainingOptions options, int replicas)
    {
        DeviceSupport.Require(network, options);
        var capacity = RoundUp(options.BatchSize);
        var rule = options.Rule;
        var directions = rule.HasTangents ? (double)options.Perturbations : 0;
        var losses = 1;
        var deviceFloats = 0.0;
        var hostFloats = 0.0;
        var largestBlock = 0.0;
        var longest = 0.0;
        for (var index = 0; index < network.Blocks.Count; index++)
        {
            var block = network.Blocks[index];
            var isOutput = index == network.Blocks.Count - 1;
            var outputStride = RoundUp(block.Outputs + 1.0);
            AddLinear(block.Inputs, block.Outputs);
            if (options.HasDeltas(isOutput))
            {
                Add(block.Outputs * capacity * (rule.FollowsPerturbations ? directions : 1), 1);
            }

            if (isOutput)
            {
                break;
            }

            Add(capacity * outputStride, 2);
            if (rule.HasFeedback)
            {
                double rows = rule.FeedbackRows(network, index + 1);
                Add(rows * outputStride, rule.LearnsFeedback ? Copies(options.FeedbackOptimizer) : 1);
                hostFloats += rows * block.Outputs;
            }

            if (rule.FeedbackUpdate == FeedbackUpdate.ForwardGradient)
            {
                Add(directions * capacity * outputStride, 1);
                Add(rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && index > 0 ? block.Outputs * directions * capacity : 0, 1);
            }

            if (rule.HasLocalHead(network, index + 1))
            {
                AddLinear(block.Outputs, network.OutputSize);
                losses++;
            }
        }

        Add(network.OutputSize * capacity, rule.ErrorSignal == ErrorSignal.DirectTargets ? 2 : losses);
        Add(2 * capacity, losses);
        Add(rule.FollowsPerturbations ? directions * capacity : 0, losses);
        Add(rule.Injection == Injection.Weights ? RoundUp(directions) : 0, 1);
        Add(2, 1);
        Add(capacity * RoundUp(network.InputSize + 1.0), 3);
        Add((network.InputSize + 1.0) * capacity, 2);
        Add(capacity, 2);
        Add(options.Augmentation is null ? 0 : CropDraw.Rows * capacity, 1);
        Add(2, 1);
        return new NetworkMemory(
            deviceFloats * replicas * sizeof(float), 2 * ((hostFloats * sizeof(double)) + (largestBlock * sizeof(float))), longest);

        void AddLinear(double inputs, double outputs)
        {
            var weights = outputs * RoundUp(inputs + 1);
            Add(weights, Copies(options.WeightOptimizer));
            Add((outputs + 1) * capacity * (1 + directions), 1);
            hostFloats += outputs * (inputs + 1);
            largestBlock = Math.Max(largestBlock, weights);
        }

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
