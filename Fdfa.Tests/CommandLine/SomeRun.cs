using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
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

    /// <summary>Metrics of it.</summary>
    public static MetricsRow[] Rows(int epochs, int seeds) =>
    [
        .. Enumerable.Range(1, epochs).SelectMany(epoch => Enumerable.Range(0, seeds).Select(seed => new MetricsRow(
            (ulong)seed, epoch, 0.5 / epoch, 0.9 + 0.01 * seed, 0.6 / epoch, 0.85 + 0.01 * seed, 1e-4, 1e-4, 1.5))),
    ];

    /// <summary>What <c>train</c> makes of its arguments.</summary>
    public static RunRequest Read(params string[] arguments)
    {
        var command = new TrainCommand();
        return command.Read(command.Parse(arguments));
    }
}
