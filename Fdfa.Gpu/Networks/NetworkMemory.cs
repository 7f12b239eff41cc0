using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Networks;

/// <summary>What training a dense network takes, counted before any of it is allocated.</summary>
/// <remarks>
/// Agrees with what <see cref="DenseNetwork"/> allocates. In double precision: a hostile size must be refused, not overflow.
/// </remarks>
/// <param name="Plan">
/// Device memory by block; and main memory while one replica's parameters go to the device or come back: all in double precision, and
/// the largest block's once more in single. Twice that: those that went are seldom collected before the first ones come back.
/// </param>
/// <param name="LongestBuffer">Elements of the longest buffer of one replica.</param>
internal sealed record NetworkMemory(MemoryPlan Plan, double LongestBuffer)
{
    /// <summary>Device memory of all replicas.</summary>
    public double DeviceBytes => Plan.DeviceBytes;

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
        var hostFloats = 0.0;
        var largestBlock = 0.0;
        var longest = 0.0;
        var blocks = new List<BlockMemory>();
        for (var index = 0; index < network.Blocks.Count; index++)
        {
            var block = network.Blocks[index];
            var isOutput = index == network.Blocks.Count - 1;
            var outputStride = RoundUp(block.Outputs + 1.0);
            var (parameters, optimizerState, feedback, activations) = (0.0, 0.0, 0.0, 0.0);
            AddLinear(block.Inputs, block.Outputs);
            if (options.HasDeltas(isOutput))
            {
                activations += Bytes(block.Outputs * capacity * (rule.FollowsPerturbations ? directions : 1), 1);
            }

            if (!isOutput)
            {
                activations += Bytes(capacity * outputStride, 2);
                if (rule.HasFeedback)
                {
                    double rows = rule.FeedbackRows(network, index + 1);
                    feedback += Bytes(rows * outputStride, 1);
                    optimizerState += Bytes(rows * outputStride, rule.LearnsFeedback ? Moments(options.FeedbackOptimizer) : 0);
                    hostFloats += rows * block.Outputs;
                }

                if (rule.FeedbackUpdate == FeedbackUpdate.ForwardGradient)
                {
                    activations += Bytes(directions * capacity * outputStride, 1);
                    activations += Bytes(rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && index > 0 ? block.Outputs * directions * capacity : 0, 1);
                }

                if (rule.HasLocalHead(network, index + 1))
                {
                    AddLinear(block.Outputs, network.OutputSize);
                    losses++;
                }
            }

            blocks.Add(new BlockMemory(
                string.Create(CultureInfo.InvariantCulture, $"block {index + 1}: {block.Inputs} → {block.Outputs}"),
                parameters, optimizerState, feedback, activations));

            void AddLinear(double inputs, double outputs)
            {
                var weights = outputs * RoundUp(inputs + 1);
                parameters += Bytes(weights, 1);
                optimizerState += Bytes(weights, Moments(options.WeightOptimizer));
                activations += Bytes((outputs + 1) * capacity * (1 + directions), 1);
                hostFloats += outputs * (inputs + 1);
                largestBlock = Math.Max(largestBlock, weights);
            }
        }

        var shared = Bytes(network.OutputSize * capacity, rule.ErrorSignal == ErrorSignal.DirectTargets ? 2 : losses)
            + Bytes(2 * capacity, losses)
            + Bytes(rule.FollowsPerturbations ? directions * capacity : 0, losses)
            + Bytes(rule.Injection == Injection.Weights ? RoundUp(directions) : 0, 1)
            + Bytes(2, 1)
            + Bytes(capacity * RoundUp(network.InputSize + 1.0), 3)
            + Bytes((network.InputSize + 1.0) * capacity, 2)
            + Bytes(capacity, 2)
            + Bytes(2, 1);
        blocks.Add(new BlockMemory("input and loss", 0, 0, 0, shared));
        return new NetworkMemory(
            new MemoryPlan(blocks, 2 * ((hostFloats * sizeof(double)) + (largestBlock * sizeof(float)))), longest);

        double Bytes(double length, int copies)
        {
            longest = Math.Max(longest, length);
            return length * copies * replicas * sizeof(float);
        }
    }

    /// <summary>Refuses a network that the device has no room for, or whose elements a kernel cannot count.</summary>
    /// <exception cref="DeviceException">It does not fit.</exception>
    public static void RequireFit(ComputeDevice device, NetworkDescription network, TrainingOptions options, int replicas)
    {
        var needed = Of(network, options, replicas);
        if (needed.Plan.FindShortage(device.Info) is { } shortage)
        {
            var largest = needed.Plan.Largest;
            throw new DeviceException(string.Create(
                CultureInfo.InvariantCulture,
                $"Training {network.Topology} with batch size {options.BatchSize} and {replicas} seed(s) needs {shortage}; make a layer or the batch smaller, or train fewer seeds at once: {largest.Name} takes most, {largest.Bytes / 1e9:0.0} GB."));
        }

        needed.RequireCountable(network, options);
    }

    /// <summary>Refuses buffers that no device can have: kernels index a replica's buffer with 32 bits.</summary>
    /// <exception cref="DeviceException">One is longer.</exception>
    public void RequireCountable(NetworkDescription network, TrainingOptions options)
    {
        if (LongestBuffer > Array.MaxLength)
        {
            throw new DeviceException(string.Create(
                CultureInfo.InvariantCulture,
                $"The network {network.Topology} with batch size {options.BatchSize} has a matrix of {LongestBuffer:0} numbers, above the limit of {Array.MaxLength}; make a layer or the batch smaller."));
        }
    }

    /// <summary>What an optimizer remembers per parameter.</summary>
    private static int Moments(OptimizerKind optimizer) => optimizer == OptimizerKind.Adam ? 2 : 0;

    private static double RoundUp(double length) => Math.Ceiling(length / Padding.Unit) * Padding.Unit;
}
