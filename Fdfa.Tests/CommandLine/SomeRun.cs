using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.CommandLine;

/// <summary>A run that never took place, the same on every machine.</summary>
internal static class SomeRun
{
    public static RunRequest Request { get; } = new(
        Topology.Parse("784-30-10", ActivationFunction.Tanh),
        Preset.PublishedCode.OptionsFor(LearningRule.ForwardDirectFeedbackAlignment) with { BatchSize = 32, LearningRate = 1.0 / 3000 },
        Preset.PublishedCode.Name,
        Epochs: 3,
        Seeds: [0, 1, 2],
        DataName: "embedded",
        DataDirectory: "a folder/with 'quotes'",
        Limit: 100);

    public static RunConfiguration Configuration { get; } =
        RunConfiguration.Describe(
            Request,
            new DataDescription("embedded", Request.DataDirectory, "memory", 100, 100, 2000, 784, 10),
            new DeviceInfo("cpu", DeviceKind.Cpu, "Some processor", 8L << 30, "2 cores"));
}
