using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Experiments.Benchmarks;

/// <summary>A step that is timed.</summary>
/// <param name="Preset">Whose options.</param>
/// <param name="Network">What trains.</param>
/// <param name="Options">How it trains; the rule is among them.</param>
/// <param name="Replicas">Seeds in the same launches.</param>
internal sealed record BenchmarkCase(Preset Preset, NetworkDescription Network, TrainingOptions Options, int Replicas)
{
    /// <summary>What tells it from other steps; the variants of a peer are one.</summary>
    public object Step => (Options.Rule, Network.Topology, Network.InputShape, Network.IsNormalized(), Preset, Options.BatchSize, Replicas);

    /// <summary>The step that an entry timed.</summary>
    /// <exception cref="FdfaException">This program cannot time such a step.</exception>
    public static BenchmarkCase Of(BenchmarkEntry entry)
    {
        LearningRule rule = LearningRule.Parse(entry.Rule);
        Preset preset = Preset.Parse(entry.Preset);
        ImageShape? input = entry.Input is not { } text ? null : OptionText.ParseShape(text)
            ?? throw new InvalidOptionException($"The input '{text}' is not channels, height and width, such as 1x28x28.");
        NetworkDescription network = Topology.Parse(entry.Network, preset.ActivationFor(rule), input, entry.BatchNormalization);
        if (entry.Replicas is < 1 or > RunRequest.MostSeeds)
        {
            throw new InvalidOptionException($"The number of replicas is {entry.Replicas}; it can be 1 to {RunRequest.MostSeeds}.");
        }

        TrainingOptions options = preset.OptionsOn(network, rule) with { BatchSize = entry.BatchSize };
        options.Validate(network);
        return new BenchmarkCase(preset, network, options, entry.Replicas);
    }
}

/// <summary>
/// The time of a step: an item of <c>results</c> in a <see cref="BenchmarkFile"/>. What only fdfa counts, others leave out.
/// </summary>
internal sealed record BenchmarkEntry
{
    /// <summary>The rule's name.</summary>
    public required string Rule { get; init; }

    /// <summary>The topology, as <c>--network</c> takes it.</summary>
    public required string Network { get; init; }

    /// <summary>The shape of a sample, such as "1x28x28"; absent where the topology states the input's size.</summary>
    public string? Input { get; init; }

    /// <summary>Whether every hidden block is normalized over its batch; AlexNet's convolutions are in any case.</summary>
    public required bool BatchNormalization { get; init; }

    /// <summary>Whose options.</summary>
    public required string Preset { get; init; }

    /// <summary>N.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Networks trained at once.</summary>
    public required int Replicas { get; init; }

    /// <summary>How another program ran the step, such as "eager" or "graph"; fdfa has one way.</summary>
    public string? Variant { get; init; }

    /// <summary>Median of the runs, seconds per step.</summary>
    public required double MedianSeconds { get; init; }

    /// <summary>10th percentile of the runs, seconds per step.</summary>
    public required double LowSeconds { get; init; }

    /// <summary>90th percentile of the runs, seconds per step.</summary>
    public required double HighSeconds { get; init; }

    /// <summary>Operations at peak rate or bytes at peak bandwidth, whichever takes longer.</summary>
    public double? FloorSeconds { get; init; }

    /// <summary>Median over floor.</summary>
    public double? Ratio { get; init; }

    /// <summary>Kernel launches per step.</summary>
    public double? LaunchesPerStep { get; init; }

    /// <summary>Floating-point operations that the step's matrix products need.</summary>
    public double? Operations { get; init; }

    /// <summary>Bytes of weights, feedback and optimizer state that a step must read and write.</summary>
    public double? Bytes { get; init; }

    /// <summary>Perturbations drawn per step.</summary>
    public double? Normals { get; init; }

    /// <summary>Managed bytes allocated per step.</summary>
    public double? AllocatedBytesPerStep { get; init; }

    /// <summary>Multiply-add peak measured beside the step, operations per second.</summary>
    public double? PeakOperationsPerSecond { get; init; }

    /// <summary>Memory bandwidth measured beside the step, bytes per second.</summary>
    public double? PeakBytesPerSecond { get; init; }

    /// <summary>Perturbations per second that a loop doing nothing else draws.</summary>
    public double? PeakNormalsPerSecond { get; init; }

    /// <summary>The entry of a measurement.</summary>
    public static BenchmarkEntry Of(BenchmarkCase timed, BenchmarkResult result) => new()
    {
        Rule = result.Rule,
        Network = result.Network,
        Input = result.Input,
        BatchNormalization = timed.Network.IsNormalized(),
        Preset = timed.Preset.Name,
        BatchSize = result.BatchSize,
        Replicas = result.Replicas,
        MedianSeconds = result.MedianSeconds,
        LowSeconds = result.LowSeconds,
        HighSeconds = result.HighSeconds,
        FloorSeconds = result.FloorSeconds,
        Ratio = result.Ratio,
        LaunchesPerStep = result.LaunchesPerStep,
        Operations = result.Operations,
        Bytes = result.Bytes,
        Normals = result.Normals,
        AllocatedBytesPerStep = result.AllocatedBytesPerStep,
        PeakOperationsPerSecond = result.PeakOperationsPerSecond,
        PeakBytesPerSecond = result.PeakBytesPerSecond,
        PeakNormalsPerSecond = result.PeakNormalsPerSecond,
    };
}
