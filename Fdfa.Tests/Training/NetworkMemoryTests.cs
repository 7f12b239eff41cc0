using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>The memory that a network is refused for is the memory that it would have taken.</summary>
[Collection(OnCpuAccelerators.Name)]
public sealed class NetworkMemoryTests(CpuAccelerators devices)
{
    /// <summary>A cache line per buffer, so that each can start on one.</summary>
    private const int MostAlignment = 4096;

    /// <summary>Every rule, with each optimizer.</summary>
    public static TheoryData<string, OptimizerKind, string, int, int> Networks()
    {
        var networks = new TheoryData<string, OptimizerKind, string, int, int>();
        foreach (var rule in LearningRule.All)
        {
            networks.Add(rule.Name, OptimizerKind.Adam, "37-130-65-40-10", 70, 3);
            networks.Add(rule.Name, OptimizerKind.Sgd, "300-200", 1000, 1);
        }

        return networks;
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Counted_memory_is_allocated_memory(string rule, OptimizerKind optimizer, string topology, int batchSize, int replicas)
    {
        ComputeDevice device = devices.Open("simd");
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            BatchSize = batchSize,
            WeightOptimizer = optimizer,
            FeedbackOptimizer = optimizer,
            Perturbations = 3,
        };
        NetworkDescription description = Topology.Parse(topology);
        long before = device.AllocatedBytes;
        using var network = new DeviceNetwork(device, description, options, [.. Enumerable.Range(0, replicas).Select(seed => (ulong)seed)]);

        double counted = NetworkMemory.Of(description, options, replicas).DeviceBytes;

        Assert.InRange(device.AllocatedBytes - before - counted, 0, MostAlignment);
    }

    [Theory]
    [InlineData("1000000-1000000-1000000", int.MaxValue, 1000)]
    [InlineData("784-10", int.MaxValue, 1)]
    [InlineData("784-1000000-1000000-10", 64, 1)]
    public void An_impossible_network_is_refused_with_what_it_needs_and_what_there_is(string topology, int batchSize, int replicas)
    {
        ComputeDevice device = devices.Open("simd");
        long before = device.AllocatedBytes;

        var refusal = Assert.Throws<DeviceException>(() => NetworkMemory.RequireFit(
            device, Topology.Parse(topology), new TrainingOptions { BatchSize = batchSize }, replicas));

        Assert.Matches(
            @"needs \d+\.\d GB of memory, and this machine has \d+\.\d GB; make .*: (block \d: \d+ → \d+|input and loss) takes most, \d+\.\d GB\.$|longer than any device can count; make a layer or the batch smaller\.$",
            refusal.Message);
        Assert.Equal(before, device.AllocatedBytes);
    }
}
