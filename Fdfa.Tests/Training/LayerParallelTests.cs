using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>One network's blocks on several devices of one process: CPU accelerators.</summary>
public sealed class LayerParallelTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>, IDisposable
{
    private const int Classes = 3;

    private static readonly ImageShape s_image = new(2, 9, 7);
    private static readonly ulong[] s_seeds = [5, ulong.MaxValue];

    /// <summary>
    /// Dense blocks; convolutions, pools and a dense block behind them; and both with batch normalization: a boundary at each place.
    /// </summary>
    private static readonly (string Topology, bool IsNormalized)[] s_networks =
    [
        ("126-19-17-3", false),
        ("5C3-P3/2-3C3+1-7-3", false),
        ("5C3-P3/2-3C3+1-7-3", true),
        ("126-19-17-3", true),
    ];

    private readonly ComputeDevice[] _others =
        [ComputeDevice.OpenCpu(TileProgram.Simd(2), 2), ComputeDevice.OpenCpu(TileProgram.Simd(1), 1)];

    /// <summary>Every rule on every network that it has kernels for.</summary>
    public static TheoryData<string, string, bool> RulesOnNetworks()
    {
        var data = new TheoryData<string, string, bool>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var (topology, isNormalized) in s_networks)
            {
                if (Gpu.Networks.DeviceSupport.HasKernels(
                    Topology.Parse(topology, inputShape: s_image, batchNormalization: isNormalized), rule))
                {
                    data.Add(rule.Name, topology, isNormalized);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(RulesOnNetworks))]
    public void Blocks_on_several_devices_have_the_bits_of_one(string rule, string topology, bool isNormalized)
    {
        var network = Topology.Parse(topology, inputShape: s_image, batchNormalization: isNormalized);
        var options = new TrainingOptions { BatchSize = 7, LearningRate = 1e-3, FeedbackRate = 1e-3 }.WithRule(LearningRule.Parse(rule));
        using var first = RandomData(devices.Open("simd"));
        using var alone = new Trainer(devices.Open("simd"), network, options, first, s_seeds);
        var expected = TrainTwoEpochs(alone, first);
        foreach (var count in new[] { 2, 3 })
        {
            var launches = _others.Select(device => device.LaunchCount).ToArray();
            using var parallel = new Trainer([devices.Open("simd"), .. _others.Take(count - 1)], network, options, first, s_seeds);
            Assert.Equal(expected, TrainTwoEpochs(parallel, first));
            Assert.Equal(count - 1, _others.Where((device, index) => device.LaunchCount > launches[index]).Count());
            SameBits.Assert(alone, parallel);
        }
    }

    /// <summary>Saved in the middle of an epoch, a boundary with a link in both directions of travel.</summary>
    [Theory]
    [InlineData("FDFA", "5C3-P3/2-3C3+1-7-3")]
    [InlineData("BP", "5C3-P3/2-3C3+1-7-3")]
    [InlineData("FA", "5C3-P3/2-3C3+1-7-3")]
    [InlineData("L-FDFA", "126-19-17-3")]
    public void A_state_goes_on_on_other_devices_than_it_was_saved_on(string rule, string topology)
    {
        var network = Topology.Parse(topology, inputShape: s_image);
        var options = new TrainingOptions { BatchSize = 7, LearningRate = 1e-3, FeedbackRate = 1e-3 }.WithRule(LearningRule.Parse(rule));
        using var temporary = new TemporaryFolder();
        using var data = RandomData(devices.Open("simd"));
        ComputeDevice[] one = [devices.Open("simd")];
        ComputeDevice[] several = [devices.Open("simd"), .. _others];
        using var straight = new Trainer(one, network, options, data, s_seeds);
        straight.TrainEpoch();
        straight.TrainEpoch();
        foreach (var (before, after) in new[] { (one, several), (several, one) })
        {
            using var interrupted = new Trainer(before, network, options, data, s_seeds);
            interrupted.TrainSteps(3);
            using var resumed = new Trainer(after, network, options, data, s_seeds);
            resumed.RestoreState(SomeSamples.SaveStates(s_seeds, interrupted.SaveState, temporary.File));
            resumed.TrainEpoch();
            resumed.TrainEpoch();
            SameBits.Assert(straight, resumed);
        }
    }

    /// <summary>
    /// Perturbations side by side, drawn in pairs; the other order of updates; noise per sample; targets in the place of e.
    /// </summary>
    [Theory]
    [InlineData("FDFA")]
    [InlineData("FG-A")]
    [InlineData("FG-W")]
    [InlineData("L-FDFA")]
    public void So_have_several_perturbations(string rule)
    {
        var network = new NetworkDescription([126, 19, 17, 3]);
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            BatchSize = 7,
            Perturbations = 4,
            Antithetic = true,
            FeedbackOrder = FeedbackOrder.Simultaneous,
            WeightNoise = WeightNoise.PerSample,
        };
        using var data = RandomData(devices.Open("simd"));
        using var alone = new Trainer(devices.Open("simd"), network, options, data, s_seeds);
        using var parallel = new Trainer([devices.Open("simd"), _others[0]], network, options, data, s_seeds);
        Assert.Equal(TrainTwoEpochs(alone, data), TrainTwoEpochs(parallel, data));
        SameBits.Assert(alone, parallel);
    }

    /// <summary>
    /// A device's launches: an update and a forward pass for each of its blocks, but on the first device both in one; and links where their
    /// weights or feedback lie.
    /// </summary>
    [Theory]
    [InlineData("FDFA", 1, 4)]
    [InlineData("BP", 1, 6)]
    [InlineData("L-FDFA", 2, 5)]
    public void The_first_device_fuses_and_the_others_update_while_they_wait(string rule, int onFirst, int onSecond)
    {
        var network = new NetworkDescription([126, 19, 17, 3]);
        var options = new TrainingOptions { BatchSize = 7 }.WithRule(LearningRule.Parse(rule));
        using var data = RandomData(devices.Open("simd"));
        using var trainer = new Trainer([devices.Open("simd"), _others[0]], network, options, data, s_seeds);
        trainer.TrainStep();
        var (first, second) = (devices.Open("simd").LaunchCount, _others[0].LaunchCount);
        trainer.TrainStep();
        Assert.Equal((onFirst, onSecond), ((int)(devices.Open("simd").LaunchCount - first), (int)(_others[0].LaunchCount - second)));
    }

    [Fact]
    public void More_devices_than_blocks_are_refused()
    {
        using var data = RandomData(devices.Open("simd"));
        var refusal = Assert.Throws<InvalidOptionException>(() => new Trainer(
            [devices.Open("simd"), .. _others], new NetworkDescription([126, 5, 3]), new TrainingOptions(), data, s_seeds));
        Assert.Equal("The network 126-5-3 has 2 block(s), too few for 3 devices; name fewer devices.", refusal.Message);
    }

    public void Dispose()
    {
        foreach (var device in _others)
        {
            device.Dispose();
        }
    }

    /// <summary>With an evaluation in the middle of an epoch, which then goes on.</summary>
    private static List<object> TrainTwoEpochs(Trainer trainer, DeviceDataSet data)
    {
        trainer.TrainSteps(2);
        var seen = new List<object>(trainer.Evaluate(data));
        for (var epoch = 0; epoch < 2; epoch++)
        {
            seen.AddRange(trainer.TrainEpoch());
            seen.AddRange(trainer.Evaluate(data));
        }

        return seen;
    }

    private static DeviceDataSet RandomData(ComputeDevice device) =>
        SomeSamples.On(device, 30, new NetworkDescription([s_image.Size, Classes]), s_image, seed: 1);
}
