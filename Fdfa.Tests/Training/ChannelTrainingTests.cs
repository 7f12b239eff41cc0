using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Kernels;
using Fdfa.Tests.Networks;

namespace Fdfa.Tests.Training;

/// <summary>What a user may rely on of the trainer, for networks of convolutions and batch normalization.</summary>
public sealed class ChannelTrainingTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int BatchSize = 16;

    private static readonly NetworkDescription s_network = SmallNetworks.Pooled(isNormalized: true);

    /// <summary>Topology of the network, rule, and launches per step.</summary>
    public static TheoryData<string, string, int> LaunchesPerStep()
    {
        var data = new TheoryData<string, string, int>();
        foreach (var (topology, blocks) in new[] { ("4C3-3", 2), ("5C3-P3/2-3C3+1-7-3", 4), ("4C3-P2-8-6-3", 4) })
        {
            foreach (var rule in SmallNetworks.ChannelRules)
            {
                data.Add(topology, rule, rule switch
                {
                    "BP" or "FA" => (2 * blocks) - 1,
                    "LG-FG-A" => (2 * blocks) - 2,
                    _ => blocks,
                });
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(LaunchesPerStep))]
    public void A_step_takes_one_launch_per_block_and_one_per_link_of_a_chain_or_local_head(string topology, string rule, int launches)
    {
        var device = devices.Open("simd");
        var network = Topology.Parse(topology, inputShape: s_network.InputShape, batchNormalization: true);
        using var data = RandomData(device, 4 * BatchSize);
        using var trainer = new Trainer(device, network, Options(rule), data, [0, 1]);
        trainer.TrainStep();
        var before = device.LaunchCount;
        trainer.TrainStep();
        Assert.Equal(launches, device.LaunchCount - before);
    }

    [Theory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void A_replica_is_bit_identical_to_its_seed_alone(string rule)
    {
        foreach (var tiles in new[] { "simd", "simt" })
        {
            var device = devices.Open(tiles);
            using var data = RandomData(device, (2 * BatchSize) + 9);
            ulong[] seeds = [5, 6, ulong.MaxValue];
            using var together = new Trainer(device, s_network, Options(rule), data, seeds);
            together.TrainEpoch();
            var all = together.TrainEpoch();
            for (var replica = 0; replica < seeds.Length; replica++)
            {
                using var alone = new Trainer(device, s_network, Options(rule), data, [seeds[replica]]);
                alone.TrainEpoch();
                Assert.Equal(all[replica], Assert.Single(alone.TrainEpoch()));
                SameBits.Assert(alone.GetParameters(0), together.GetParameters(replica));
            }
        }
    }

    [Theory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void Looking_does_not_disturb_training(string rule)
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, (2 * BatchSize) + 9);
        using var watched = new Trainer(device, s_network, Options(rule), data, [1]);
        using var undisturbed = new Trainer(device, s_network, Options(rule), data, [1]);
        for (var step = 0; step < 2 * watched.StepsPerEpoch; step++)
        {
            watched.TrainStep();
            undisturbed.TrainStep();
            watched.Evaluate(data);
            watched.GetParameters(0);
        }

        SameBits.Assert(undisturbed.GetParameters(0), watched.GetParameters(0));
    }

    [Theory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void A_step_allocates_nothing(string rule)
    {
        // Epochs begin and end among the steps, with a partial batch.
        var device = devices.Open("simd");
        using var data = RandomData(device, (BatchSize * 20) + 9);
        using var trainer = new Trainer(device, s_network, Options(rule), data, [0, 1]);
        const int Steps = 60;
        for (var step = 0; step < Steps; step++)
        {
            trainer.TrainStep();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var step = 0; step < Steps; step++)
        {
            trainer.TrainStep();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("simd")]
    [InlineData("simt")]
    public void Evaluation_normalizes_by_the_running_statistics_whatever_shares_a_batch(string tiles)
    {
        var device = devices.Open(tiles);
        const int Count = (2 * BatchSize) + 1;
        using var data = RandomData(device, Count);
        using var trainer = new Trainer(device, s_network, Options("FDFA"), data, [1]);
        trainer.TrainEpoch();
        var learned = trainer.GetParameters(0);
        AssertAsReference();
        SameBits.Assert(learned, trainer.GetParameters(0));

        // No batch has such statistics.
        foreach (var block in learned.Blocks.SkipLast(1))
        {
            Array.Fill(block.Normalization!.RunningMean, 0.5);
            Array.Fill(block.Normalization!.RunningVariance, 3);
        }

        trainer.SetParameters(0, learned);
        AssertAsReference();

        // The last sample is alone in its batch, where a dense block's own statistics would leave nothing of it.
        void AssertAsReference()
        {
            var (samples, labels) = RandomBytes(Count);
            var reference = new ReferenceNetwork(s_network, Options("FDFA"), trainer.GetParameters(0), 1)
                .Evaluate([.. samples.Select(value => (value * 2.0 / 255) - 1)], [.. labels.Select(label => (int)label)]);
            var evaluation = Assert.Single(trainer.Evaluate(data));
            Assert.Equal(reference.Loss, evaluation.Loss, 1e-5 * reference.Loss);
            Assert.Equal(reference.Correct / (double)Count, evaluation.Accuracy, 1e-12);
        }
    }

    private static TrainingOptions Options(string rule) => StepOptions.WithAdam(rule, BatchSize);

    private static (byte[] Samples, byte[] Labels) RandomBytes(int count)
    {
        var random = new Random(7);
        var samples = new byte[count * s_network.InputSize];
        random.NextBytes(samples);
        return (samples, [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(s_network.OutputSize))]);
    }

    private static DeviceDataSet RandomData(ComputeDevice device, int count)
    {
        var (samples, labels) = RandomBytes(count);
        return new DeviceDataSet(device, samples, labels, s_network.InputSize, s_network.OutputSize);
    }
}
