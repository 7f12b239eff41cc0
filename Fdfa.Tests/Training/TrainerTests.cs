using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text;
using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;
using Fdfa.Tests.Networks;

namespace Fdfa.Tests.Training;

/// <summary>The trainer on the CPU accelerator: what a user may rely on whatever the device.</summary>
public sealed class TrainerTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int SampleSize = 21;
    private const int Classes = 4;

    private static readonly NetworkDescription s_network = new([SampleSize, 33, 18, Classes]);

    // Convolutions, overlapping windows, batch normalization, and a dense block after them.
    private static readonly NetworkDescription s_channels = SmallNetworks.Pooled(isNormalized: true);

    /// <summary>Rule, and whether on a network with channels.</summary>
    public static TheoryData<string, bool> RulesOnNetworks()
    {
        var data = new TheoryData<string, bool>();
        foreach (var rule in LearningRule.All)
        {
            data.Add(rule.Name, false);
            if (SmallNetworks.ChannelRules.Contains(rule.Name))
            {
                data.Add(rule.Name, true);
            }
        }

        return data;
    }

    /// <summary>The same; what other tile programs than the CPU's do themselves, FDFA asks for.</summary>
    public static TheoryData<string, bool, string> RulesOnTilePrograms()
    {
        var data = new TheoryData<string, bool, string>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            foreach (var row in RulesOnNetworks().Where(row => tiles == "simd" || (string)row[0] == "FDFA"))
            {
                data.Add((string)row[0], (bool)row[1], tiles);
            }
        }

        return data;
    }

    /// <summary>Rule, topology, blocks.</summary>
    public static TheoryData<string, string, int> Topologies()
    {
        var data = new TheoryData<string, string, int>();
        foreach (var rule in LearningRule.All)
        {
            data.Add(rule.Name, $"{SampleSize}-{Classes}", 1);
            data.Add(rule.Name, $"{SampleSize}-20-{Classes}", 2);
            data.Add(rule.Name, $"{SampleSize}-20-20-20-{Classes}", 4);
            if (SmallNetworks.ChannelRules.Contains(rule.Name))
            {
                data.Add(rule.Name, "4C3-3", 2);
                data.Add(rule.Name, "5C3-P3/2-3C3+1-7-3", 4);
                data.Add(rule.Name, "4C3-P2-8-6-3", 4);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Topologies))]
    public void A_step_takes_one_launch_per_block_and_one_per_link_of_a_chain_or_local_head(string rule, string topology, int blocks)
    {
        var device = devices.Open("simd");
        var network = topology.Contains('C', StringComparison.Ordinal)
            ? Topology.Parse(topology, inputShape: s_channels.InputShape, batchNormalization: true)
            : Topology.Parse(topology);
        using var data = RandomData(device, 40, network);
        using var trainer = new Trainer(device, network, Options(rule), data, [0, 1]);
        trainer.TrainStep();
        var before = device.LaunchCount;
        trainer.TrainStep();

        var expected = rule switch
        {
            "DFA" or "DKP" or "FDFA" or "DRTP" or "FG-A" or "FG-W" => blocks,

            // A link waits for the link above it.
            "BP" or "FA" or "L-FDFA" => (2 * blocks) - 1,

            // A head needs all rows of its block, which many groups share; the last hidden block has none.
            "LG-FG-A" => blocks + Math.Max(blocks - 2, 0),
            _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "How many launches does it take?"),
        };

        // Without a hidden block there is no launch that could gather the next batch on the way.
        Assert.Equal(expected + (blocks == 1 ? 1 : 0), device.LaunchCount - before);
    }

    [Theory]
    [MemberData(nameof(RulesOnTilePrograms))]
    public void A_replica_is_bit_identical_to_its_seed_alone(string rule, bool hasChannels, string tiles)
    {
        var device = devices.Open(tiles);
        var network = hasChannels ? s_channels : s_network;
        using var data = RandomData(device, 30, network);
        ulong[] seeds = [5, ulong.MaxValue];
        using var together = new Trainer(device, network, Options(rule), data, seeds);
        var all = TrainTwoEpochs(together, data);
        for (var replica = 0; replica < seeds.Length; replica++)
        {
            using var alone = new Trainer(device, network, Options(rule), data, [seeds[replica]]);
            var one = TrainTwoEpochs(alone, data);
            Assert.Equal(all.Metrics[replica], one.Metrics[0]);
            SameBits.Assert(together.GetParameters(replica), alone.GetParameters(0));
        }
    }

    [Theory]
    [MemberData(nameof(RulesOnTilePrograms))]
    public void Two_runs_give_the_same_bits(string rule, bool hasChannels, string tiles)
    {
        var device = devices.Open(tiles);
        var network = hasChannels ? s_channels : s_network;
        using var data = RandomData(device, 30, network);
        using var first = new Trainer(device, network, Options(rule), data, [1]);
        using var second = new Trainer(device, network, Options(rule), data, [1]);
        Assert.Equal(TrainTwoEpochs(first, data).Metrics, TrainTwoEpochs(second, data).Metrics);
        SameBits.Assert(first, second);
    }

    [SkippableFact]
    public void Vector_widths_give_the_same_bits()
    {
        Skip.IfNot(Vector512.IsHardwareAccelerated, "This processor has one vector width only.");
        using var wideData = RandomData(devices.Open("simd"), 30);
        using var nativeData = RandomData(devices.Open("simd-native"), 30);
        using var wide = new Trainer(devices.Open("simd"), s_network, Options("FDFA"), wideData, [1]);
        using var native = new Trainer(devices.Open("simd-native"), s_network, Options("FDFA"), nativeData, [1]);
        TrainTwoEpochs(wide, wideData);
        TrainTwoEpochs(native, nativeData);
        SameBits.Assert(wide, native);
    }

    [Theory]
    [MemberData(nameof(RulesOnNetworks))]
    public void Looking_does_not_disturb_training(string rule, bool hasChannels)
    {
        var device = devices.Open("simd");
        var network = hasChannels ? s_channels : s_network;
        using var data = RandomData(device, 30, network);
        using var watched = new Trainer(device, network, Options(rule), data, [1]);
        using var undisturbed = new Trainer(device, network, Options(rule), data, [1]);
        for (var step = 0; step < watched.StepsPerEpoch; step++)
        {
            watched.TrainStep();
            undisturbed.TrainStep();
            watched.Evaluate(data);
            watched.GetParameters(0);
        }

        SameBits.Assert(undisturbed, watched);
    }

    [Theory]
    [MemberData(nameof(CpuAccelerators.Names), MemberType = typeof(CpuAccelerators))]
    public void Evaluation_agrees_with_the_reference(string tiles)
    {
        // More samples than a chunk of metrics holds batches, and a partial batch at the end.
        const int Count = (260 * 2) + 1;
        var device = devices.Open(tiles);
        using var data = RandomData(device, Count);
        using var trainer = new Trainer(device, s_network, Options("FDFA") with { BatchSize = 2 }, data, [1]);
        AssertEvaluatesAsReference(trainer, data, Count);
    }

    [Theory]
    [InlineData("simd")]
    [InlineData("simt")]
    public void Evaluation_normalizes_by_the_running_statistics_whatever_shares_a_batch(string tiles)
    {
        // The last sample is alone in its batch, where a dense block's own statistics would leave nothing of it.
        const int Count = (2 * 7) + 1;
        var device = devices.Open(tiles);
        using var data = RandomData(device, Count, s_channels);
        using var trainer = new Trainer(device, s_channels, Options("FDFA"), data, [1]);
        trainer.TrainEpoch();
        var learned = trainer.GetParameters(0);
        AssertEvaluatesAsReference(trainer, data, Count);
        SameBits.Assert(learned, trainer.GetParameters(0));

        // No batch has such statistics.
        foreach (var block in learned.Blocks.SkipLast(1))
        {
            Array.Fill(block.Normalization!.RunningMean, 0.5);
            Array.Fill(block.Normalization!.RunningVariance, 3);
        }

        trainer.SetParameters(0, learned);
        AssertEvaluatesAsReference(trainer, data, Count);
    }

    [Theory]
    [MemberData(nameof(RulesOnNetworks))]
    public void A_step_allocates_nothing(string rule, bool hasChannels)
    {
        // Epochs begin and end among the steps, with a partial batch.
        var device = devices.Open("simd");
        var network = hasChannels ? s_channels : s_network;
        using var data = RandomData(device, (7 * 20) + 3, network);
        using var trainer = new Trainer(device, network, Options(rule), data, [0, 1]);
        trainer.TrainSteps(60);

        var before = GC.GetAllocatedBytesForCurrentThread();
        trainer.TrainSteps(60);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_diverging_run_names_the_step()
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, 70);
        var options = Options("BP") with { WeightOptimizer = OptimizerKind.Sgd, LearningRate = 1e30 };
        using var trainer = new Trainer(device, s_network, options, data, [3]);
        var failure = Assert.Throws<DivergenceException>(() => trainer.TrainEpoch());
        Assert.InRange(failure.Step, 1, trainer.StepsPerEpoch - 1);
        Assert.Contains($"step {failure.Step.ToString(CultureInfo.InvariantCulture)}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("seed 3", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_finishes_the_step_and_keeps_what_was_done()
    {
        // Long enough that a report, which cancels, comes before the epoch ends.
        var device = devices.Open("simd");
        using var data = RandomData(device, 7 * 30_000);
        using var trainer = new Trainer(device, s_network, Options("FDFA"), data, [0]);
        using var cancellation = new CancellationTokenSource();
        var metrics = Assert.Single(
            trainer.TrainEpoch(new Heard<TrainingProgress> { OnReport = _ => cancellation.Cancel() }, cancellation.Token));
        Assert.InRange(metrics.Steps, 1, trainer.StepsPerEpoch - 1);
        Assert.Equal(trainer.Step, metrics.Steps);
        Assert.True(double.IsFinite(metrics.Loss));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_epoch_goes_on_where_it_was_left(int stepsDone)
    {
        // After three steps the batch gathered ahead is the partial one.
        var device = devices.Open("simd");
        using var data = RandomData(device, (3 * 20) + 5);
        var options = Options("BP") with { BatchSize = 20 };
        using var straight = new Trainer(device, s_network, options, data, [0]);
        using var interrupted = new Trainer(device, s_network, options, data, [0]);
        interrupted.TrainSteps(stepsDone);

        Assert.Equal(straight.TrainEpoch(), interrupted.TrainEpoch());
        Assert.Equal(1, interrupted.Epoch);
        SameBits.Assert(straight, interrupted);
    }

    [Fact]
    public void Evaluating_in_the_middle_of_an_epoch_leaves_its_metrics_alone()
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, 7 * 300);
        using var watched = new Trainer(device, s_network, Options("FDFA"), data, [0]);
        using var undisturbed = new Trainer(device, s_network, Options("FDFA"), data, [0]);
        Assert.Equal(undisturbed.TrainEpoch(), watched.TrainEpoch(new Heard<TrainingProgress> { OnReport = _ => watched.Evaluate(data) }));
    }

    [Fact]
    public void A_NaN_output_shows_in_the_loss_whatever_the_label()
    {
        var device = devices.Open("simd");
        using var data = new DeviceDataSet(device, [1, 2], [2], 2, 3);
        var network = new NetworkDescription([2, 3]);
        using var trainer = new Trainer(device, network, Options("BP"), data, [0]);
        for (var broken = 0; broken < 3; broken++)
        {
            var parameters = Initialiser.Create(network, Options("BP"), 0);
            parameters.Blocks[0].Biases[broken] = double.NaN;
            trainer.SetParameters(0, parameters);
            Assert.True(double.IsNaN(trainer.Evaluate(data)[0].Loss));
        }
    }

    [Fact]
    public void A_batch_larger_than_the_data_is_the_data()
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, 5);
        using var trainer = new Trainer(device, s_network, Options("FDFA") with { BatchSize = 64 }, data, [0]);
        Assert.Equal(1, trainer.StepsPerEpoch);
        Assert.Equal(1, Assert.Single(trainer.TrainEpoch()).Steps);
    }

    [Fact]
    public void Parameters_come_back_as_they_were_set()
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, 5);
        using var trainer = new Trainer(device, s_network, Options("FDFA"), data, [0, 1]);
        var other = Initialiser.Create(s_network, Options("FDFA"), 99);
        trainer.SetParameters(1, other);
        SameBits.Assert(other, trainer.GetParameters(1));
        SameBits.Assert(Initialiser.Create(s_network, Options("FDFA"), 0), trainer.GetParameters(0));

        var foreign = Initialiser.Create(new NetworkDescription([SampleSize, Classes]), Options("FDFA"), 0);
        Assert.Throws<ShapeMismatchException>(() => trainer.SetParameters(0, foreign));
    }

    [Fact]
    public void What_does_not_fit_is_refused_before_anything_is_launched()
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, 5);
        Assert.Throws<InvalidOptionException>(() => new Trainer(
            device, Topology.Parse($"{SampleSize}-4-{Classes}", batchNormalization: true), Options("L-FDFA"), data, [0]));
        Assert.Throws<ShapeMismatchException>(
            () => new Trainer(device, new NetworkDescription([SampleSize + 1, Classes]), Options("BP"), data, [0]));
        Assert.Throws<ShapeMismatchException>(
            () => new Trainer(device, new NetworkDescription([SampleSize, Classes + 1]), Options("BP"), data, [0]));
        Assert.Throws<InvalidOptionException>(() => new Trainer(device, s_network, Options("BP"), data, []));
        Assert.Throws<InvalidOptionException>(() => new Trainer(device, s_network, Options("BP") with { BatchSize = 0 }, data, [0]));
        Assert.Throws<ShapeMismatchException>(() => new DeviceDataSet(device, new byte[SampleSize], [Classes], SampleSize, Classes));
        Assert.Throws<ShapeMismatchException>(() => new DeviceDataSet(device, new byte[SampleSize - 1], [0], SampleSize, Classes));
        Assert.Throws<ShapeMismatchException>(() => new DeviceDataSet(device, [], [], SampleSize, Classes));
        Assert.All([0, -1, 257, 300], classes => Assert.Contains(
            $"The data have {classes} classes, but labels are bytes; give a number of classes from 1 to 256.",
            Assert.Throws<ShapeMismatchException>(() => new DeviceDataSet(device, new byte[SampleSize], [0], SampleSize, classes)).Message,
            StringComparison.Ordinal));
        new DeviceDataSet(device, new byte[SampleSize], [255], SampleSize, 256).Dispose();
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(5, 1)]
    public void Steps_of_which_batch_normalization_leaves_nothing_are_refused(int samples, int batchSize)
    {
        var device = devices.Open("simd");
        using var data = RandomData(device, samples);
        var network = Topology.Parse($"{SampleSize}-4-{Classes}", batchNormalization: true);
        using var trainer = new Trainer(device, network, Options("FDFA") with { BatchSize = batchSize }, data, [0]);
        Assert.True(double.IsFinite(trainer.Evaluate(data)[0].Loss));
        Assert.Contains(
            "Block 1 of the network 21-4-4 cannot be normalized",
            Assert.Throws<InvalidOptionException>(trainer.TrainStep).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, trainer.Step);
    }

    [Fact]
    public void Twenty_steps_match_the_snapshot() => Snapshot.Match(Trajectory(devices.Open("simd")), "trajectory");

    /// <summary>Twenty steps of every rule, in numbers.</summary>
    internal static string Trajectory(ComputeDevice device)
    {
        using var data = RandomData(device, 7 * 20);
        var text = new StringBuilder();
        foreach (var rule in LearningRule.All)
        {
            using var trainer = new Trainer(device, s_network, Options(rule.Name), data, [1]);
            text.AppendLine(CultureInfo.InvariantCulture, $"{rule.Name} {s_network.Topology}: loss, |W1|, |W3|, |B1|");
            for (var step = 0; step < 20; step++)
            {
                trainer.TrainStep();
                var blocks = trainer.GetParameters(0).Blocks;
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"{step,2} {trainer.Evaluate(data)[0].Loss:G5} {Norm(blocks[0].Weights):G5} {Norm(blocks[2].Weights):G5} "
                    + $"{Norm(blocks[0].Feedback):G5}");
            }
        }

        return text.ToString();
    }

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));

    private static TrainingOptions Options(string rule) =>
        new TrainingOptions { BatchSize = 7, LearningRate = 1e-3, FeedbackRate = 1e-3 }.WithRule(LearningRule.Parse(rule));

    private static void AssertEvaluatesAsReference(Trainer trainer, DeviceDataSet data, int count)
    {
        var network = data.SampleSize == SampleSize ? s_network : s_channels;
        var (samples, labels) = SomeSamples.Of(count, network.InputSize, network.OutputSize);
        var reference = new ReferenceNetwork(network, Options("FDFA"), trainer.GetParameters(0), 1)
            .Evaluate([.. samples.Select(value => (value * 2.0 / 255) - 1)], [.. labels.Select(label => (int)label)]);
        var evaluation = Assert.Single(trainer.Evaluate(data));
        Assert.Equal(reference.Loss, evaluation.Loss, 1e-5 * reference.Loss);
        Assert.Equal(reference.Correct / (double)count, evaluation.Accuracy, 1e-12);
    }

    private static DeviceDataSet RandomData(ComputeDevice device, int count, NetworkDescription? network = null) =>
        SomeSamples.On(device, count, network ?? s_network);

    private static (IReadOnlyList<EpochMetrics> Metrics, IReadOnlyList<Evaluation> Evaluations) TrainTwoEpochs(
        Trainer trainer, DeviceDataSet data)
    {
        trainer.TrainEpoch();
        return (trainer.TrainEpoch(), trainer.Evaluate(data));
    }
}
