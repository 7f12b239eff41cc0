using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>One network's blocks on several devices of one process: CPU accelerators.</summary>
[Collection(OnCpuAccelerators.Name)]
public sealed class LayerParallelTests(CpuAccelerators devices) : IDisposable
{
    private const int Classes = 3;

    private static readonly ImageShape s_image = new(2, 9, 7);
    private static readonly ulong[] s_seeds = [5, ulong.MaxValue];

    /// <summary>Dense blocks; convolutions, pools and a dense block behind them; and both with batch normalization: a boundary at each place.</summary>
    private static readonly (string Topology, bool IsNormalized)[] s_networks =
    [
        ("126-19-17-3", false),
        ("5C3-P3/2-3C3+1-7-3", false),
        ("5C3-P3/2-3C3+1-7-3", true),
        ("126-19-17-3", true),
    ];

    private readonly ComputeDevice[] _others = [ComputeDevice.OpenCpu(TileProgram.Simd(2), 2), ComputeDevice.OpenCpu(TileProgram.Simd(1), 1)];

    /// <summary>Every rule on every network that it has kernels for.</summary>
    public static TheoryData<string, string, bool> RulesOnNetworks()
    {
        var data = new TheoryData<string, string, bool>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var (topology, isNormalized) in s_networks)
            {
                if (Gpu.Networks.DeviceSupport.HasKernels(Topology.Parse(topology, inputShape: s_image, batchNormalization: isNormalized), rule))
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
        var options = new TrainingOptions { Rule = LearningRule.Parse(rule), BatchSize = 7, LearningRate = 1e-3, FeedbackRate = 1e-3 };
        using var first = RandomData(devices.Open("simd"));
        using var alone = new Trainer(devices.Open("simd"), network, options, first, s_seeds);
        var expected = TrainTwoEpochs(alone, first);
        foreach (var count in new[] { 2, 3 })
        {
            using var parallel = new Trainer([devices.Open("simd"), .. _others.Take(count - 1)], network, options, first, s_seeds);
            Assert.Equal(expected, TrainTwoEpochs(parallel, first));
            for (var replica = 0; replica < s_seeds.Length; replica++)
            {
                SameBits.Assert(alone.GetParameters(replica), parallel.GetParameters(replica));
            }
        }
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
        trainer.TrainStep();
        trainer.TrainStep();
        var seen = new List<object>(trainer.Evaluate(data));
        for (var epoch = 0; epoch < 2; epoch++)
        {
            seen.AddRange(trainer.TrainEpoch());
            seen.AddRange(trainer.Evaluate(data));
        }

        return seen;
    }

    private static DeviceDataSet RandomData(ComputeDevice device)
    {
        const int Count = 30;
        var random = new Random(1);
        var samples = new byte[Count * s_image.Size];
        random.NextBytes(samples);
        return new DeviceDataSet(
            device, samples, [.. Enumerable.Range(0, Count).Select(_ => (byte)random.Next(Classes))], s_image.Size, Classes, s_image);
    }
}
