using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Measurement;

/// <summary>The time of a training step beside the least it could take on this machine.</summary>
public sealed record BenchmarkResult
{
    /// <summary>The rule's name.</summary>
    public required string Rule { get; init; }

    /// <summary>The network's topology.</summary>
    public required string Network { get; init; }

    /// <summary>N.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Replicas trained in the same launches.</summary>
    public required int Replicas { get; init; }

    /// <summary>The device's name.</summary>
    public required string Device { get; init; }

    /// <summary>Median seconds per step over the timed runs.</summary>
    public required double MedianSeconds { get; init; }

    /// <summary>10th percentile of the runs, seconds per step.</summary>
    public required double LowSeconds { get; init; }

    /// <summary>90th percentile of the runs, seconds per step.</summary>
    public required double HighSeconds { get; init; }

    /// <summary>Kernel launches per step.</summary>
    public required double LaunchesPerStep { get; init; }

    /// <summary>Managed bytes allocated per step, ILGPU's own launch objects included.</summary>
    public required double AllocatedBytesPerStep { get; init; }

    /// <summary>Floating-point operations the rule's matrix products need per step.</summary>
    public required double Operations { get; init; }

    /// <summary>Bytes of weights, feedback and optimizer state that must be read and written per step.</summary>
    public required double Bytes { get; init; }

    /// <summary>Peak FMA rate measured in this run, operations per second.</summary>
    public required double PeakOperationsPerSecond { get; init; }

    /// <summary>Memory bandwidth measured in this run, bytes per second.</summary>
    public required double PeakBytesPerSecond { get; init; }

    /// <summary>The floor: operations at peak rate, or bytes at peak bandwidth, whichever takes longer.</summary>
    public double FloorSeconds => Math.Max(Operations / PeakOperationsPerSecond, Bytes / PeakBytesPerSecond);

    /// <summary>Median over floor.</summary>
    public double Ratio => MedianSeconds / FloorSeconds;
}

/// <summary>Times training steps.</summary>
public static class StepBenchmark
{
    /// <summary>Times steps on synthetic data.</summary>
    /// <param name="device">Where.</param>
    /// <param name="network">What.</param>
    /// <param name="options">Rule, batch size and optimizers.</param>
    /// <param name="replicas">Seeds trained in the same launches.</param>
    /// <param name="progress">Told what is being measured, in a few words.</param>
    /// <param name="cancellation">Ends the measurement early.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static BenchmarkResult Run(
        ComputeDevice device,
        NetworkDescription network,
        TrainingOptions options,
        int replicas = 1,
        IProgress<string>? progress = null,
        CancellationToken cancellation = default) => throw new NotImplementedException();
}
