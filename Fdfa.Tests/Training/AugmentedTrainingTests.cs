using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>Training on augmented images, and evaluating on whole ones.</summary>
public sealed class AugmentedTrainingTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Count = 19;
    private const int Classes = 4;
    private const int BatchSize = 8;

    private static readonly ulong[] s_seeds = [3, 0x123456789ABCDEF0];
    private static readonly ImageShape s_image = new(3, 5, 5);
    private static readonly ImageAugmentation s_augmentation = new(Side: 7);
    private static readonly NetworkDescription s_network = Network("147-20-18-4");

    /// <summary>Topology, rule, tile program.</summary>
    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            // The first convolution's input has a border.
            cases.Add("6C3+1-P2-12-4", "FDFA", tiles);
            if (tiles is "simd" or "simt")
            {
                cases.Add("147-20-18-4", "FDFA", tiles);
                cases.Add("147-20-18-4", "BP", tiles);
                cases.Add("6C3+1-P2-12-4", "FG-W", tiles);
            }
        }

        return cases;
    }

    /// <summary>Seven steps: two epochs of three, the last of them a partial batch, an evaluation, and one step more.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_and_evaluation_agree_with_the_reference(string topology, string rule, string tiles)
    {
        var network = Network(topology);
        using var data = Data(devices.Open(tiles));
        using var trainer = new Trainer(devices.Open(tiles), network, Options(rule), data, s_seeds);
        trainer.TrainEpoch();
        trainer.TrainEpoch();
        trainer.Evaluate(data);
        trainer.TrainStep();
        var evaluations = trainer.Evaluate(data);

        for (var replica = 0; replica < s_seeds.Length; replica++)
        {
            var reference = TrainReference(network, Options(rule), s_seeds[replica], steps: 7);
            var whole = Inputs([.. Enumerable.Range(0, Count)], _ => ImageCrop.Whole(s_image));
            Assert.Equal(reference.Evaluate(whole, Labels([.. Enumerable.Range(0, Count)])).Loss, evaluations[replica].Loss, 1e-4);
            var parameters = trainer.GetParameters(replica);
            for (var index = 0; index < network.Blocks.Count; index++)
            {
                AssertClose(reference.Parameters.Blocks[index].Weights, parameters.Blocks[index].Weights);
            }
        }
    }

    /// <summary>
    /// Crops of the whole image at its own size, never flipped, are the image: to the last bit, in training and in evaluation.
    /// </summary>
    [Fact]
    public void Augmentation_that_changes_nothing_changes_nothing()
    {
        var device = devices.Open("simd");
        var network = new NetworkDescription([s_image.Size, 20, Classes]);
        var asItIs = new ImageAugmentation(5, SmallestArea: 1, SmallestRatio: 1, LargestRatio: 1, Flips: false);
        using var data = Data(device);
        using var augmented = new Trainer(device, network, Options("FDFA") with { Augmentation = asItIs }, data, s_seeds);
        using var plain = new Trainer(device, network, Options("FDFA") with { Augmentation = null }, data, s_seeds);

        for (var epoch = 0; epoch < 2; epoch++)
        {
            Assert.Equal(plain.TrainEpoch(), augmented.TrainEpoch());
            Assert.Equal(plain.Evaluate(data), augmented.Evaluate(data));
        }

        Assert.Equal(plain.GetParameters(1).Blocks[0].Weights, augmented.GetParameters(1).Blocks[0].Weights);
    }

    [Fact]
    public void A_step_takes_two_launches_more()
    {
        var device = devices.Open("simd");
        using var data = Data(device);
        using var trainer = new Trainer(device, s_network, Options("FDFA"), data, s_seeds);
        trainer.TrainStep();
        var before = device.LaunchCount;
        trainer.TrainStep();
        Assert.Equal(s_network.Blocks.Count + 2, device.LaunchCount - before);
    }

    [Fact]
    public void Crops_are_part_of_the_counted_memory()
    {
        var device = devices.Open("simd");
        var options = Options("FDFA") with { BatchSize = 4000 };
        var before = device.AllocatedBytes;
        using var network = new DeviceNetwork([device], s_network, options, s_seeds, s_image);
        Assert.InRange(device.AllocatedBytes - before - NetworkMemory.Of(s_network, options, s_seeds.Length).DeviceBytes, 0, 4096);
    }

    [Fact]
    public void What_cannot_be_augmented_is_refused()
    {
        var device = devices.Open("simd");
        using var data = Data(device);
        using var withoutShape = new DeviceDataSet(device, Bytes(), [.. Enumerable.Repeat((byte)0, Count)], s_image.Size, Classes);
        using var grey = new DeviceDataSet(device, new byte[75 * 75], new byte[1], 75 * 75, Classes, new ImageShape(1, 75, 75));

        Refusal.Of<ShapeMismatchException>(
            () => new Trainer(device, s_network, Options("BP"), withoutShape, [0]), "shape of its images is not known");
        Refusal.Of<ShapeMismatchException>(() => new Trainer(device, s_network, Options("BP"), grey, [0]), "only enlarges");
        Refusal.Of<ShapeMismatchException>(
            () => new Trainer(device, new NetworkDescription([s_image.Size, Classes]), Options("BP"), data, [0]), "takes 75 inputs",
            "3x7x7, 147 values");
        Refusal.Of<InvalidOptionException>(
            () => new Trainer(device, s_network, Options("BP") with { Augmentation = new ImageAugmentation(0) }, data, [0]), "is 0");
        Refusal.Of<ShapeMismatchException>(
            () => new DeviceDataSet(device, new byte[75], new byte[1], 75, Classes, new ImageShape(3, 5, 6)), "3x5x6", "75 bytes");

        using var trainer = new Trainer(device, s_network, Options("BP"), data, [0]);
        using var smaller = new DeviceDataSet(device, new byte[48], new byte[1], 48, Classes, new ImageShape(3, 4, 4));
        Refusal.Of<ShapeMismatchException>(() => trainer.Evaluate(smaller), "3x4x4", "3x5x5");
    }

    private static TrainingOptions Options(string rule) => new()
    {
        Rule = LearningRule.Parse(rule),
        BatchSize = BatchSize,
        LearningRate = 1e-3,
        FeedbackRate = 1e-3,
        FeedbackInitialisation = Initialisation.KaimingUniform,
        Augmentation = s_augmentation,
    };

    private static NetworkDescription Network(string topology) => Topology.Parse(topology, inputShape: new ImageShape(3, 7, 7));

    private static ReferenceNetwork TrainReference(NetworkDescription description, TrainingOptions options, ulong seed, int steps)
    {
        var network = new ReferenceNetwork(description, options, Initialiser.Create(description, options, seed), seed);
        const int StepsPerEpoch = (Count + BatchSize - 1) / BatchSize;
        for (var step = 0; step < steps; step++)
        {
            var epoch = step / StepsPerEpoch;
            var begin = step % StepsPerEpoch * BatchSize;
            var batch = EpochOrder.Create(Count, seed, epoch)[begin..Math.Min(begin + BatchSize, Count)];
            network.Step(Inputs(batch, row => RandomCrop.Draw(s_augmentation, s_image, seed, (uint)step, row)), Labels(batch), epoch);
        }

        return network;
    }

    private static double[] Inputs(int[] batch, Func<int, ImageCrop> crop) => [.. batch.SelectMany((sample, row) =>
        BilinearResampling.Run(Bytes().AsSpan(sample * s_image.Size, s_image.Size), s_image, crop(row), s_augmentation.Side))];

    private static int[] Labels(int[] batch) => [.. batch.Select(sample => sample % Classes)];

    private static byte[] Bytes()
    {
        var bytes = new byte[Count * s_image.Size];
        new Random(5).NextBytes(bytes);
        return bytes;
    }

    private static DeviceDataSet Data(ComputeDevice device) =>
        new(device, Bytes(), [.. Enumerable.Range(0, Count).Select(i => (byte)(i % Classes))], s_image.Size, Classes, s_image);

    private static void AssertClose(double[] expected, double[] actual)
    {
        var difference = Math.Sqrt(expected.Zip(actual, (a, b) => (a - b) * (a - b)).Sum());
        var scale = Math.Sqrt(expected.Sum(value => value * value));
        Assert.True(difference <= 1e-4 * scale, $"The weights differ by {difference / scale:E2} of their norm.");
    }
}
