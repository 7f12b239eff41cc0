using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Kernels;
using Fdfa.Tests.Networks;

namespace Fdfa.Tests.Training;

/// <summary>The memory that a network is refused for is the memory that it would have taken.</summary>
public sealed class NetworkMemoryTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    /// <summary>A cache line per buffer, so that each can start on one, and a block has some twenty.</summary>
    private const int MostAlignment = 24 * 64;

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
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            BatchSize = batchSize,
            WeightOptimizer = optimizer,
            FeedbackOptimizer = optimizer,
            Perturbations = 3,
        };
        AssertCounted(Topology.Parse(topology), options, replicas);
    }

    /// <summary>Padding, pools, heads and blocks behind convolutions, with each site and with and without batch normalization.</summary>
    [Theory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void Counted_memory_of_convolutions_is_allocated_memory(string rule)
    {
        foreach (var (index, shape) in NetworkShape.WithConvolutions.Index())
        {
            foreach (PerturbationSite site in Enum.GetValues<PerturbationSite>())
            {
                var options = new TrainingOptions
                {
                    Rule = LearningRule.Parse(rule),
                    BatchSize = 17,
                    Perturbations = 1 + index,
                    PerturbationSite = site,
                };
                AssertCounted(shape.Describe(isNormalized: false), options, 1);
                AssertCounted(shape.Describe(isNormalized: true), options, 1);
            }
        }
    }

    /// <summary>
    /// Added up by hand from torchvision's layers, to 5 % each: rows are padded to 16 numbers, and small buffers are left out here.
    /// </summary>
    [Fact]
    public void The_plan_of_AlexNet_is_what_its_layers_add_up_to()
    {
        const int Batch = 128;
        const int Classes = 200;
        var rule = LearningRule.ForwardDirectFeedbackAlignment;
        NetworkDescription alexNet = Topology.Parse("alexnet-200", inputShape: new ImageShape(3, 224, 224), batchNormalization: true);
        MemoryPlan plan = Trainer.Plan(alexNet, Preset.PublishedCode.OptionsFor(rule) with { BatchSize = Batch }, replicas: 1);

        double weights = (64.0 * 3 * 11 * 11) + (192.0 * 64 * 5 * 5) + (384.0 * 192 * 3 * 3) + (256.0 * 384 * 3 * 3) + (256.0 * 256 * 3 * 3)
            + (4096.0 * 9216) + (4096.0 * 4096) + (Classes * 4096.0);
        double maps = (64 * 55 * 55) + (192 * 27 * 27) + (384 * 13 * 13) + (256 * 13 * 13) + (256 * 13 * 13) + 4096 + 4096;
        double outputs = (64 * 27 * 27) + (192 * 13 * 13) + (384 * 13 * 13) + (256 * 13 * 13) + (256 * 6 * 6) + 4096 + 4096;
        double pooled = (64 * 27 * 27) + (192 * 13 * 13) + (256 * 6 * 6);

        // With the zeros that the next convolution wants around them.
        double bordered = (64 * 31 * 31) + (192 * 15 * 15) + (384 * 15 * 15) + (256 * 15 * 15) + (256 * 6 * 6) + 4096 + 4096;

        // Per sample: z and its tangents; ∂z; what a pool chose and the error behind it; u; outputs and their tangents, of two steps; three
        // inputs.
        double activations = Batch * ((2 * maps) + maps + (2 * pooled) + outputs + (4 * bordered) + (3 * 3 * 228 * 228));
        double feedback = Classes * outputs;
        AssertNear(weights, plan.Blocks.Sum(block => block.Parameters));
        AssertNear(feedback, plan.Blocks.Sum(block => block.Feedback));
        AssertNear(2 * (weights + feedback), plan.Blocks.Sum(block => block.OptimizerState));
        AssertNear(activations, plan.Blocks.Sum(block => block.Activations));
        AssertNear((3 * (weights + feedback)) + activations, plan.DeviceBytes);
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
            [device], Topology.Parse(topology), new TrainingOptions { BatchSize = batchSize }, replicas));

        Assert.Matches(
            @"needs \d+\.\d GB of memory, and this machine has \d+\.\d GB; make .*: ((block \d: \d+ → \d+|input and loss) takes \d+\.\d "
            + @"GB(, |\.$))+|longer than any device can count; make a layer or the batch smaller\.$",
            refusal.Message);
        Assert.Equal(before, device.AllocatedBytes);
    }

    [Fact]
    public void Memory_that_others_have_taken_is_not_counted_on()
    {
        MemoryPlan plan = NetworkMemory.Of(Topology.Parse("784-800-10"), new TrainingOptions(), 1);
        var gpu = new DeviceInfo("cuda:0", DeviceKind.Cuda, "Some GPU", 80_000_000_000, "");

        Assert.Null(plan.FindShortage(gpu));
        Assert.Null(plan.FindShortage(gpu, freeBytes: 1_000_000_000));
        Assert.Matches(@"^0\.0 GB of device memory, and Some GPU has 0\.0 GB free$", plan.FindShortage(gpu, freeBytes: 1000));
    }

    private static void AssertNear(double numbers, double bytes) => Assert.InRange(bytes / (sizeof(float) * numbers), 0.95, 1.05);

    private void AssertCounted(NetworkDescription description, TrainingOptions options, int replicas)
    {
        double one = Uncounted(description, options, replicas);

        Assert.InRange(one, 0, (description.Blocks.Count + 1) * MostAlignment);

        // There are as many buffers for one replica more: not a byte of it is uncounted.
        Assert.Equal(one, Uncounted(description, options, replicas + 1));
    }

    private double Uncounted(NetworkDescription description, TrainingOptions options, int replicas)
    {
        ComputeDevice device = devices.Open("simd");
        long before = device.AllocatedBytes;
        using var network = new DeviceNetwork(
            [device], description, options, [.. Enumerable.Range(0, replicas).Select(seed => (ulong)seed)]);
        return device.AllocatedBytes - before - NetworkMemory.Of(description, options, replicas).DeviceBytes;
    }
}
