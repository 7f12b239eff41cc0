using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.CommandLine;

/// <summary>Does something in the middle of a training, on its thread.</summary>
internal sealed class TrainingObserver : ProgressDisplay
{
    /// <summary>Given the number of epochs that are done.</summary>
    public Action<int>? OnEpoch { get; set; }

    public Action? OnReport { get; set; }

    /// <summary>What <see cref="CommandLineRun.Tiny"/> asks for.</summary>
    public static RunRequest Tiny(int epochs, params ulong[] seeds) => new(
        Topology.Parse("784-8-10"), new TrainingOptions { BatchSize = 16 }, Preset.Paper.Name, epochs, seeds, "embedded", null, Limit: 64);

    /// <summary>Trains in this process, on the CPU.</summary>
    public static RunResult Train(
        RunRequest request, string path, Action<ComputeDevice, TrainingObserver> observe, CancellationToken cancellation = default)
    {
        using RunFolder folder = RunFolder.Create(path, verbose: false);
        using LoadedData data = DataSource.Load(request, output: null, CancellationToken.None);
        using ComputeDevice device = ComputeDevice.Open("cpu");
        using var run = new TrainingRun(RunConfiguration.Describe(request, data.Description, [device.Info]), data, [device], folder);
        var observer = new TrainingObserver();
        observe(device, observer);
        return run.Execute(observer, cancellation);
    }

    public override void Begin(string label, int epochs, int stepsPerEpoch)
    {
    }

    public override void Report(TrainingProgress value) => OnReport?.Invoke();

    public override void EpochDone(int epoch, string result) => OnEpoch?.Invoke(epoch);
}
