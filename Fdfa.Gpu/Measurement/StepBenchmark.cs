using System.Diagnostics;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;

namespace Fdfa.Gpu.Measurement;

/// <summary>The time of a training step beside the least it could take on this machine.</summary>
public sealed record BenchmarkResult
{
    /// <summary>The rule's name.</summary>
    public required string Rule { get; init; }

    /// <summary>The network's topology.</summary>
    public required string Network { get; init; }

    /// <summary>The shape of a sample, such as "1x28x28"; null where the topology states the input's size.</summary>
    public string? Input { get; init; }

    /// <summary>Whether any block is normalized over its batch.</summary>
    public bool HasBatchNormalization { get; init; }

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

    /// <summary>Managed bytes allocated per step by all threads, in ILGPU too; on the CPU there are none.</summary>
    public required double AllocatedBytesPerStep { get; init; }

    /// <summary>Floating-point operations the rule's matrix products need per step.</summary>
    public required double Operations { get; init; }

    /// <summary>Bytes of weights, feedback and optimizer state that must be read and written per step.</summary>
    public required double Bytes { get; init; }

    /// <summary>Peak FMA rate measured in this run, operations per second.</summary>
    public required double PeakOperationsPerSecond { get; init; }

    /// <summary>Memory bandwidth measured in this run, bytes per second.</summary>
    public required double PeakBytesPerSecond { get; init; }

    /// <summary>Perturbations drawn per step; FG-W draws one per weight twice.</summary>
    public required double Normals { get; init; }

    /// <summary>Perturbations per second that a loop doing nothing else draws, measured in this run.</summary>
    public required double PeakNormalsPerSecond { get; init; }

    /// <summary>What drawing alone takes, on top of the floor.</summary>
    public double DrawingSeconds => Normals / PeakNormalsPerSecond;

    /// <summary>The floor: operations at peak rate, or bytes at peak bandwidth, whichever takes longer.</summary>
    public double FloorSeconds => Math.Max(Operations / PeakOperationsPerSecond, Bytes / PeakBytesPerSecond);

    /// <summary>Median over floor.</summary>
    public double Ratio => MedianSeconds / FloorSeconds;
}

/// <summary>Times training steps.</summary>
public static class StepBenchmark
{
    private const int Runs = 21;
    private const long MostDataBytes = 1L << 30;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeastRun = TimeSpan.FromMilliseconds(100);

    /// <summary>Times steps on synthetic data: runs of at least 100 ms each, after a warm-up, peaks measured before and after.</summary>
    /// <param name="device">Where.</param>
    /// <param name="network">What.</param>
    /// <param name="options">Rule, batch size and optimizers.</param>
    /// <param name="replicas">Seeds trained in the same launches.</param>
    /// <param name="progress">Told what is being measured, in a few words.</param>
    /// <param name="cancellation">Ends the measurement early.</param>
    /// <exception cref="DeviceException">The network needs more memory than there is.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static BenchmarkResult Run(
        ComputeDevice device,
        NetworkDescription network,
        TrainingOptions options,
        int replicas = 1,
        IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(network);
        NetworkMemory.RequireFit([device], network, options, replicas);
        progress?.Report("measuring the peak rates");
        var before = PeakRates.Measure(device);
        using var data = Noise(device, network, options.BatchSize);
        using var trainer = new Trainer(device, network, options, data, [.. Enumerable.Range(0, replicas).Select(seed => (ulong)seed)]);

        progress?.Report("warming up");
        var steps = new StepSequence(device, trainer, cancellation);
        steps.RunFor(WarmUp);
        var stepsPerRun = Math.Max(1, steps.RunFor(LeastRun));

        progress?.Report($"timing {Runs} runs of {stepsPerRun} steps");
        var seconds = new double[Runs];
        var launches = device.LaunchCount;
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        for (var run = 0; run < Runs; run++)
        {
            seconds[run] = steps.Time(stepsPerRun) / stepsPerRun;
        }

        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        launches = device.LaunchCount - launches;
        var after = PeakRates.Measure(device);
        Array.Sort(seconds);
        var cost = StepCost.Of(network, options);
        return new BenchmarkResult
        {
            Rule = options.Rule.Name,
            Network = network.Topology,
            Input = network.InputShape?.ToString(),
            HasBatchNormalization = network.HasBatchNormalization,
            BatchSize = options.BatchSize,
            Replicas = replicas,
            Device = $"{device.Info.Name} ({device.Info.Details})",
            MedianSeconds = seconds[Runs / 2],
            LowSeconds = seconds[Runs / 10],
            HighSeconds = seconds[Runs - 1 - (Runs / 10)],
            LaunchesPerStep = launches / (double)(Runs * stepsPerRun),
            AllocatedBytesPerStep = allocated / (double)(Runs * stepsPerRun),
            Operations = cost.Operations * replicas,
            Bytes = cost.Bytes * replicas,
            Normals = cost.Normals * replicas,
            PeakOperationsPerSecond = Math.Max(before.OperationsPerSecond, after.OperationsPerSecond),
            PeakBytesPerSecond = Math.Max(before.BytesPerSecond, after.BytesPerSecond),
            PeakNormalsPerSecond = Math.Max(before.NormalsPerSecond, after.NormalsPerSecond),
        };
    }

    /// <summary>Random images with labels in turn.</summary>
    internal static DeviceDataSet Noise(ComputeDevice device, NetworkDescription network, int batchSize)
    {
        // Enough batches that an epoch's first step, which gathers in a launch of its own, hardly shows.
        var count = batchSize * (int)Math.Clamp(MostDataBytes / ((long)batchSize * network.InputSize), 1, 200);
        var samples = new byte[(long)count * network.InputSize];
        var labels = new byte[count];
        new Random(0).NextBytes(samples);
        for (var i = 0; i < count; i++)
        {
            labels[i] = (byte)(i % Math.Min(network.OutputSize, 256));
        }

        return new DeviceDataSet(device, samples, labels, network.InputSize, network.OutputSize);
    }

    private sealed class StepSequence(ComputeDevice device, Trainer trainer, CancellationToken cancellation)
    {
        public double Time(int count)
        {
            var start = Stopwatch.GetTimestamp();
            for (var step = 0; step < count; step++)
            {
                Next();
            }

            device.Accelerator.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public int RunFor(TimeSpan time)
        {
            var start = Stopwatch.GetTimestamp();
            var count = 0;
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                Next();
                device.Accelerator.Synchronize();
                count++;
            }

            return count;
        }

        private void Next()
        {
            cancellation.ThrowIfCancellationRequested();
            trainer.TrainStep();
        }
    }
}
