using System.Buffers.Binary;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;
using Fdfa.Tests.Mutations;
using Fdfa.Tests.Networks;

namespace Fdfa.Tests.Training;

/// <summary>A state holds all that training depends on: whoever goes on from it arrives at the same bits.</summary>
public sealed class ReplicaStateTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>, IDisposable
{
    private const int BatchSize = 8;

    /// <summary>Steps in an epoch of <see cref="RandomData"/>, the last with a partial batch.</summary>
    private const int StepsPerEpoch = 4;

    private static readonly ulong[] s_seeds = [3, ulong.MaxValue];

    private static readonly NetworkDescription[] s_networks =
    [
        new([21, 33, 18, 4]),
        SmallNetworks.NormalizedDense,
        SmallNetworks.Pooled(isNormalized: false),
        SmallNetworks.Pooled(isNormalized: true),
        Topology.Parse("3C3-P2-A2-5C3+1-A3-4", inputShape: new ImageShape(2, 13, 12), batchNormalization: true),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Rules() => [.. LearningRule.All.Select(rule => rule.Name)];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Training_goes_on_from_a_state_to_the_same_bits(string rule)
    {
        // Within an epoch; at its end; before its last, partial batch; in a later epoch; before the first step: each network sees each,
        // with some options.
        int[] steps = [2, StepsPerEpoch, StepsPerEpoch - 1, StepsPerEpoch + 1, 0];
        var device = devices.Open("simd");
        foreach (var (index, network) in NetworksOf(rule).Index())
        {
            using var data = RandomData(device, network);
            foreach (var (variant, options) in OptionsOf(rule).Index())
            {
                AssertGoesOn(device, network, options, data, steps[(index + variant) % steps.Length]);
            }
        }
    }

    [Fact]
    public void A_damaged_state_is_restored_or_refused_in_one_sentence()
    {
        var device = devices.Open("simd");
        var network = Topology.Parse("21-5-4", batchNormalization: true);
        using var data = RandomData(device, network);
        using var trainer = new Trainer(device, network, new TrainingOptions { BatchSize = BatchSize }, data, [0]);
        trainer.TrainStep();
        using var state = new MemoryStream();
        trainer.SaveState(0, state);
        MutationTests.Check(
            new Parser("a state of training", [state.ToArray()], (input, folder) => trainer.RestoreState([folder.Write("state", input)])));
    }

    [Fact]
    public void Crops_go_on_as_they_would_have()
    {
        var device = devices.Open("simd");
        var image = new ImageShape(2, 8, 8);
        var network = Topology.Parse("3C3-P2-4", inputShape: new ImageShape(2, 10, 10));
        using var data = RandomData(device, network, image);
        AssertGoesOn(
            device, network, StepOptions.WithAdam("FDFA", BatchSize) with { Augmentation = new ImageAugmentation(Side: 10) }, data, 2);
    }

    [Theory]
    [InlineData("simt", "simd")]
    [InlineData("simd", "simt")]
    public void A_state_does_not_depend_on_how_memory_is_laid_out(string saved, string restored)
    {
        var network = SmallNetworks.Pooled(isNormalized: true);
        var options = StepOptions.WithAdam("FDFA", BatchSize);
        using var data = RandomData(devices.Open(saved), network);
        using var trainer = new Trainer(devices.Open(saved), network, options, data, s_seeds);
        trainer.TrainSteps(3);
        var states = Save(trainer);
        using var otherData = RandomData(devices.Open(restored), network);
        using var other = new Trainer(devices.Open(restored), network, options, otherData, s_seeds);

        other.RestoreState(states);

        AssertSameState(states, Save(other));
        SameBits.Assert(trainer, other);
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Each_array_of_the_parameters_lies_under_its_own_name(string rule)
    {
        var device = devices.Open("simd");
        foreach (var network in NetworksOf(rule))
        {
            var options = StepOptions.WithAdam(rule, BatchSize);
            using var data = RandomData(device, network);
            using var trainer = new Trainer(device, network, options, data, s_seeds);
            trainer.TrainSteps(3);
            var path = Save(trainer)[1];
            var parameters = trainer.GetParameters(1);
            using var stream = File.OpenRead(path);
            var header = SafetensorsHeader.Read(path, stream);
            var tensors = ModelTensor.Of(network, options);
            Assert.All(
                tensors, tensor => Assert.Equal(tensor.ValuesOf(parameters.Blocks[tensor.Block]), Floats(stream, header, tensor.Name)));

            // What is trained has moments, and after a few steps they are not zero.
            var trained = tensors.Where(tensor => tensor.Part is not (ModelPart.RunningMean or ModelPart.RunningVariance)
                && (tensor.Part != ModelPart.Feedback || options.Rule.LearnsFeedback));
            Assert.All(trained, tensor =>
            {
                Assert.Contains(Floats(stream, header, $"optimizer.exp_avg.{tensor.Name}"), value => value != 0);
                Assert.Contains(Floats(stream, header, $"optimizer.exp_avg_sq.{tensor.Name}"), value => value > 0);
            });
            Assert.Equal((3 * trained.Count()) + tensors.Except(trained).Count() + 1, header.Entries.Count);
        }
    }

    [Fact]
    public void A_state_of_another_training_is_refused_and_nothing_changes()
    {
        var device = devices.Open("simd");
        var network = s_networks[0];
        var options = StepOptions.WithAdam("FDFA", BatchSize);
        using var data = RandomData(device, network);
        using var trainer = new Trainer(device, network, options, data, s_seeds);
        trainer.TrainSteps(2);
        var states = Save(trainer);
        using var later = new Trainer(device, network, options, data, s_seeds);
        later.TrainSteps(3);
        var laterStates = Save(later);

        AssertRefused(options, s_seeds, [states[0], laterStates[1]], "after different steps, 2 and 3");
        AssertRefused(options, s_seeds, [states[1], states[0]], "its seed is 18446744073709551615, not 3");
        AssertRefused(options with { Rule = LearningRule.Parse("DFA") }, s_seeds, states, "its rule is FDFA, not DFA");
        AssertRefused(options with { BatchSize = 4 }, s_seeds, states, "its steps_per_epoch is 4, not 7");
        AssertRefused(
            options with { WeightOptimizer = OptimizerKind.Sgd }, s_seeds, states,
            "'optimizer.exp_avg.layers.0.bias' is not part of the network");
        AssertRefused(options, s_seeds, [_folder.File("nothing"), states[1]], "cannot be read");
        File.WriteAllBytes(states[1], File.ReadAllBytes(states[1])[..^4]);
        AssertRefused(options, s_seeds, states, "tensor 'epoch.metrics' ends at byte");

        void AssertRefused(TrainingOptions otherOptions, ulong[] seeds, string[] files, string expected)
        {
            using var other = new Trainer(device, network, otherOptions, data, seeds);
            other.TrainSteps(1);
            var before = Save(other);
            Refusal.Of<ModelFileException>(() => other.RestoreState(files), expected);
            Assert.Equal(1, other.Step);
            AssertSameState(before, Save(other));
        }
    }

    private static IEnumerable<NetworkDescription> NetworksOf(string rule) =>
        SmallNetworks.ChannelRules.Contains(rule) ? s_networks : s_networks.Take(1);

    private static IEnumerable<TrainingOptions> OptionsOf(string rule)
    {
        var adam = StepOptions.WithAdam(rule, BatchSize);
        return [StepOptions.Averaging(rule, BatchSize), adam, .. SmallNetworks.Variants(rule).Select(variant => variant.Vary(adam))];
    }

    /// <summary>
    /// Trains undisturbed, with a state saved on the way, from that state, and from it with a trainer that was elsewhere before.
    /// </summary>
    private void AssertGoesOn(ComputeDevice device, NetworkDescription network, TrainingOptions options, DeviceDataSet data, int steps)
    {
        using var undisturbed = new Trainer(device, network, options, data, s_seeds);
        undisturbed.TrainSteps(steps);
        var expected = undisturbed.TrainEpoch();
        undisturbed.TrainSteps(2);
        var end = Save(undisturbed);

        using var saved = new Trainer(device, network, options, data, s_seeds);
        saved.TrainSteps(steps);
        var states = Save(saved);
        using var restored = new Trainer(device, network, options, data, s_seeds);
        using var strayed = new Trainer(device, network, options, data, s_seeds);
        strayed.TrainSteps(1);
        restored.RestoreState(states);
        strayed.RestoreState(states);
        foreach (var trainer in new[] { saved, restored, strayed })
        {
            Assert.Equal(expected, trainer.TrainEpoch());
            trainer.TrainSteps(2);
            AssertSameState(end, Save(trainer));
        }
    }

    private string[] Save(Trainer trainer)
    {
        const int MostWords = 8000;
        var states = SomeSamples.SaveStates(s_seeds, trainer.SaveState, _folder.File);
        Assert.All(states, state => Assert.InRange(
            s_seeds.Length * new FileInfo(state).Length, trainer.StateBytes, trainer.StateBytes + (s_seeds.Length * MostWords)));
        return states;
    }

    private static void AssertSameState(string[] expected, string[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(File.ReadAllBytes(pair.First), File.ReadAllBytes(pair.Second)));

    private static double[] Floats(FileStream stream, SafetensorsHeader header, string name)
    {
        var entry = header.Entries[name];
        var bytes = new byte[entry.End - entry.Begin];
        stream.Position = header.DataStart + entry.Begin;
        stream.ReadExactly(bytes);
        return [.. Enumerable.Range(0, bytes.Length / sizeof(float))
            .Select(index => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(index * sizeof(float))))];
    }

    private static DeviceDataSet RandomData(ComputeDevice device, NetworkDescription network, ImageShape? image = null) =>
        SomeSamples.On(device, (BatchSize * (StepsPerEpoch - 1)) + 3, network, image);
}
