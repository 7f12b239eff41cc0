using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Data;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>The paper's small network and AlexNet learn from real images, with the published code's settings.</summary>
public sealed class ConvolutionLearningTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const string SmallNetwork = "15C5-P2-40C5-P2-128-10";

    [SkippableFact]
    public async Task Two_epochs_on_Fashion_MNIST_bring_FDFA_beside_backpropagation()
    {
        LearningTests.RequireTime();
        Skip.IfNot(Directory.Exists(SharedData.Debian), $"No {SharedData.Debian}; Debian's package dataset-fashion-mnist installs it.");
        using var data = await LearningTests.LoadAsync("fashion-mnist", SharedData.Debian);
        var found = Accuracies(data, 2, "BP", "FDFA", "DFA");

        // The bar of DFA + 3 points or BP − 1.5: the second is the one that holds on any seed.
        Assert.True(found["FDFA"] >= found["BP"] - 0.015, LearningTests.Words(found));
        Assert.True(found["FDFA"] > found["DFA"], LearningTests.Words(found));
        Assert.InRange(found["BP"], 0.85, 0.95);
    }

    [SkippableFact]
    public async Task Ten_epochs_on_a_fifth_of_CIFAR_10_order_the_rules_as_the_paper_does()
    {
        LearningTests.RequireTime();
        using var data = await LearningTests.LoadAsync("cifar-10", SharedData.Folder("cifar-10"));
        var found = Accuracies(data, 10, "BP", "FDFA", "DFA", "DKP", "LG-FG-A", "FG-A", "FG-W");

        Assert.True(found["FDFA"] > found["DFA"], LearningTests.Words(found));
        Assert.True(found["FDFA"] >= found["BP"] - 0.04, LearningTests.Words(found));
        var last = Math.Max(found["FG-A"], found["FG-W"]);
        Assert.All(
            found.Where(pair => pair.Key is not ("FG-A" or "FG-W")), pair => Assert.True(pair.Value > last, LearningTests.Words(found)));
    }

    [SkippableFact]
    public async Task CIFAR_100_loads_with_its_fine_classes()
    {
        using var data = await LearningTests.LoadAsync("cifar-100", SharedData.Folder("cifar-100"));
        Assert.Equal((3 * 32 * 32, 100), (data.Train.SampleSize, data.Train.ClassCount));
        Assert.Equal(100, data.Train.Labels.Distinct().Count());
    }

    [SkippableFact]
    public async Task AlexNets_loss_falls_on_Tiny_ImageNet_in_twenty_steps()
    {
        LearningTests.RequireTime();
        using var data = await LearningTests.LoadAsync("tiny-imagenet", SharedData.Folder("tiny-imagenet"));
        var network = Topology.Parse("alexnet-200", inputShape: new ImageShape(3, 64, 64), batchNormalization: true);
        var options = Preset.PublishedCode.OptionsOn(network, LearningRule.ForwardDirectFeedbackAlignment) with { BatchSize = 32 };
        var device = devices.Open("simd");
        const int Samples = 320;
        using var train = new DeviceDataSet(
            device, data.Train.Samples.Span[..(Samples * data.Train.SampleSize)], data.Train.Labels.AsSpan(0, Samples),
            data.Train.SampleSize, 200);
        using var trainer = new Trainer(device, network, options, train, [0]);

        // Ten steps each, over the same images.
        var first = trainer.TrainEpoch()[0];
        var second = trainer.TrainEpoch()[0];

        Assert.Equal(20, first.Steps + second.Steps);
        Assert.True(second.Loss < first.Loss - 0.2, $"{first.Loss} {second.Loss}");
    }

    /// <summary>What <c>plan</c> prints for the paper's largest network, beside what a step of it leaves allocated.</summary>
    [SkippableFact]
    public void AlexNet_at_224_pixels_takes_the_memory_of_its_plan()
    {
        LearningTests.RequireTime();
        var network = Topology.Parse("alexnet-200", inputShape: new ImageShape(3, 224, 224), batchNormalization: true);
        var options = Preset.PublishedCode.OptionsOn(network, LearningRule.ForwardDirectFeedbackAlignment) with { BatchSize = 128 };
        var plan = Trainer.Plan(network, options, replicas: 1);
        var device = devices.Open("simd");
        Skip.If(plan.FindShortage(device.Info) is not null, $"It takes {plan.DeviceBytes / 1e9:F1} GB, and this machine has less.");
        using var data = new DeviceDataSet(
            device, new byte[options.BatchSize * network.InputSize], new byte[options.BatchSize], network.InputSize, 200);
        var before = device.AllocatedBytes;
        using var trainer = new Trainer(device, network, options, data, [0]);

        trainer.TrainStep();

        Assert.InRange((device.AllocatedBytes - before) / plan.DeviceBytes, 0.95, 1.05);
    }

    private Dictionary<string, double> Accuracies(DataSetPair data, int epochs, params string[] rules) =>
        rules.ToDictionary(name => name, name =>
        {
            var rule = LearningRule.Parse(name);
            var preset = Preset.PublishedCode;
            var network = Topology.Parse(SmallNetwork, preset.ActivationFor(rule), data.Train.Shape, preset.BatchNormalizationFor(rule));
            return LearningTests.Accuracy(devices.Open("simd"), data, network, preset.OptionsOn(network, rule), epochs, 0);
        });
}
