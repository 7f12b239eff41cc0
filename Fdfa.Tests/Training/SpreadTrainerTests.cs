using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>Replicas on two devices of one process: two CPU accelerators.</summary>
public sealed class SpreadTrainerTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>, IDisposable
{
    private static readonly ImageShape s_image = new(1, 6, 5);
    private static readonly ulong[] s_seeds = [5, 6, ulong.MaxValue];

    private readonly ComputeDevice _second = ComputeDevice.OpenCpu(TileProgram.Simd(2), 2);

    /// <summary>Every rule on a dense network and, where it has the kernels, one with a convolution.</summary>
    public static TheoryData<string, string> RulesOnNetworks()
    {
        var data = new TheoryData<string, string>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var topology in new[] { "30-19-3", "3C3-P2-7-3" })
            {
                if (topology == "30-19-3" || rule.Name != "L-FDFA")
                {
                    data.Add(rule.Name, topology);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(RulesOnNetworks))]
    public void A_replica_is_bit_identical_to_its_seed_on_one_device(string rule, string topology)
    {
        using var spread = Spread(rule, topology, s_seeds, devices.Open("simd"), _second);
        using var alone = Spread(rule, topology, s_seeds, devices.Open("simd"));
        Assert.Equal([1, 2], spread.Trainers.Select(trainer => trainer.Seeds.Count));
        for (var epoch = 0; epoch < 2; epoch++)
        {
            Assert.Equal(alone.TrainEpoch(), spread.TrainEpoch());
            Assert.Equal(alone.Evaluate(), spread.Evaluate());
        }

        AssertSameBits(alone, spread);
    }

    [Fact]
    public void Interrupted_devices_stand_at_one_step_and_go_on_from_there()
    {
        using var spread = Spread("FDFA", "30-19-3", s_seeds, devices.Open("simd"), _second);
        using var straight = Spread("FDFA", "30-19-3", s_seeds, devices.Open("simd"));

        // As if the interrupt had found one device ahead of the other.
        spread.Trainers.First().TrainSteps(2);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.All(spread.TrainEpoch(cancellation: cancelled.Token), metrics => Assert.Equal(2, metrics.Steps));
        Assert.All(spread.Trainers, trainer => Assert.Equal(2, trainer.Step));

        Assert.Equal(straight.TrainEpoch(), spread.TrainEpoch());
        AssertSameBits(straight, spread);
    }

    [Fact]
    public void States_go_on_however_the_seeds_are_spread()
    {
        using var folder = new TemporaryFolder();
        using var spread = Spread("FDFA", "30-19-3", s_seeds, devices.Open("simd"), _second);
        using var alone = Spread("FDFA", "30-19-3", s_seeds, devices.Open("simd"));
        spread.TrainEpoch();
        var states = SomeSamples.SaveStates(s_seeds, spread.SaveState, folder.File);

        alone.RestoreState(states);

        Assert.Equal(spread.TrainEpoch(), alone.TrainEpoch());
        Assert.Equal(2, alone.Epoch);
        AssertSameBits(spread, alone);

        // The second device's share of other states, saved before the first step.
        using var fresh = Spread("FDFA", "30-19-3", s_seeds, devices.Open("simd"));
        states[0] = SomeSamples.SaveStates(s_seeds, fresh.SaveState, folder.File)[0];
        Refusal.Of<ModelFileException>(() => spread.RestoreState(states), "were saved after different steps, 0 and 5");
    }

    [Fact]
    public void Progress_is_of_all_devices()
    {
        var heard = new Heard<TrainingProgress>();
        using var spread = Spread("FDFA", "30-19-3", s_seeds, devices.Open("simd"), _second);
        var metrics = spread.TrainEpoch(heard);
        var last = heard.Reports[^1];
        Assert.Equal((0, spread.StepsPerEpoch, spread.StepsPerEpoch), (last.Epoch, last.Step, last.StepsPerEpoch));
        Assert.Equal(metrics.Average(one => one.Loss), last.Loss, 1e-12);
        Assert.Equal(metrics.Average(one => one.Accuracy), last.Accuracy, 1e-12);
    }

    [Fact]
    public void A_device_that_diverges_ends_the_run_with_its_own_sentence()
    {
        using var spread = Spread("BP", "30-19-3", [1, 2], devices.Open("simd"), _second);
        var broken = spread.GetParameters(1);
        broken.Blocks[0].Weights[0] = double.NaN;
        spread.SetParameters(1, broken);
        var failure = Assert.Throws<DivergenceException>(() => spread.TrainEpoch());
        Assert.Equal("The loss became NaN or infinite at step 0 (seed 2); try a smaller learning rate.", failure.Message);
    }

    [Fact]
    public void More_devices_than_seeds_leave_some_idle()
    {
        using var spread = Spread("BP", "30-19-3", [1], devices.Open("simd"), _second);
        Assert.Single(spread.Trainers);
        Assert.Single(spread.TrainEpoch());
        Assert.Throws<InvalidOptionException>(() => Spread("BP", "30-19-3", [], devices.Open("simd"), _second));
    }

    [Fact]
    public void Devices_are_opened_by_name_each_once()
    {
        using (var all = DeviceSet.Open("all", most: 2))
        {
            Assert.Equal(ComputeDevice.Survey().Devices[0].Selector, all.Devices[0].Info.Selector);
        }

        using (var one = DeviceSet.Open("cpu", most: 1))
        {
            Assert.Equal("cpu", Assert.Single(one.Devices).Info.Selector);
            Assert.Equal(one.Devices[0].Info.Name, one.Names);
        }

        Refusal.Of<DeviceException>(() => DeviceSet.Open("cpu, CPU", most: 2), "twice");
        Refusal.Of<DeviceException>(() => DeviceSet.Open("cpu,cuda:7", most: 1), "name fewer");
        Refusal.Of<DeviceException>(() => DeviceSet.Open("cpu,cuda:997", most: 2), "'cuda:997'");
    }

    public void Dispose() => _second.Dispose();

    private static void AssertSameBits(SpreadTrainer expected, SpreadTrainer actual)
    {
        for (var replica = 0; replica < expected.Seeds.Count; replica++)
        {
            SameBits.Assert(expected.GetParameters(replica), actual.GetParameters(replica));
        }
    }

    private static SpreadTrainer Spread(string rule, string topology, IReadOnlyList<ulong> seeds, params IReadOnlyList<ComputeDevice> on)
    {
        var network = Topology.Parse(topology, inputShape: s_image);
        var options = new TrainingOptions { BatchSize = 7, LearningRate = 1e-3, FeedbackRate = 1e-3 }.WithRule(LearningRule.Parse(rule));
        return new SpreadTrainer(
            on,
            network,
            options,
            seeds,
            device => new UploadedData(SomeSamples.On(device, 30, network, s_image, 1), SomeSamples.On(device, 11, network, s_image, 2)));
    }
}
