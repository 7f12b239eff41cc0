using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Gpu.Measurement;

/// <summary>How far a device is from the reference for one rule and network.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Case">Network, batch size, optimizer and number of steps.</param>
/// <param name="LargestError">The largest norm-wise relative error over parameters, activations, tangents, deltas and loss.</param>
/// <param name="Tolerance">The bound it is held to.</param>
public sealed record AgreementRow(string Rule, string Case, double LargestError, double Tolerance)
{
    /// <summary>Whether the device agrees. NaN never does.</summary>
    public bool Agrees => LargestError <= Tolerance;
}

/// <summary>Agreement of a device with the double-precision reference.</summary>
public static class AgreementCheck
{
    /// <summary>Bound after one step: single precision's rounding over reductions of up to a thousand terms.</summary>
    public const double OneStepTolerance = 1e-5;

    /// <summary>Bound after fifty steps, over which rounding is amplified.</summary>
    public const double TrajectoryTolerance = 1e-3;

    // A stride, padding and overlapping windows. Without the second padding a shift β of the first block would mostly vanish in the
    // second's normalization: its gradient would be nothing but rounding, and no measure of agreement.
    private const string Convolutions = "5C3/2+1-P3/2-3C3+1-11-10";

    private static readonly ImageShape s_image = new(3, 17, 17);
    private static readonly ActivationFunction[] s_activations = [ActivationFunction.ReLU, ActivationFunction.Tanh];

    /// <summary>
    /// Runs rules on odd sizes, dense and convolutional, with and without batch normalization, for one step and for a trajectory of
    /// fifty, with two seeds.
    /// </summary>
    /// <param name="device">The device to check.</param>
    /// <param name="rules">The rules; null for all.</param>
    /// <param name="isQuick">Only one step of a dense and, where a rule has kernels for it, of a convolutional network.</param>
    /// <param name="cancellation">Ends the check at the next launch, or before the driver builds the next kernel.</param>
    /// <returns>A row for each case, computed when it is asked for.</returns>
    /// <exception cref="OperationCanceledException">Cancelled, while a row was computed.</exception>
    public static IEnumerable<AgreementRow> Run(
        ComputeDevice device, IReadOnlyList<LearningRule>? rules = null, bool isQuick = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        return (rules ?? LearningRule.All)
            .SelectMany(
                rule => isQuick ? Cases(rule).Where(one => one.Steps == 1).DistinctBy(one => one.Network.InputShape is null) : Cases(rule))
            .Select(one => Compare(device, one, cancellation));
    }

    /// <summary>The bound for a trajectory's length.</summary>
    internal static double ToleranceOf(ReferenceTrajectory reference) => reference.Steps == 1 ? OneStepTolerance : TrajectoryTolerance;

    private static IEnumerable<Case> Cases(LearningRule rule)
    {
        // Adam's first step flips where a new B is zero but for rounding, and a delta with it: one step uses the old B.
        var adam = new TrainingOptions { Rule = rule, BatchSize = 21, FeedbackInitialisation = Initialisation.KaimingUniform };
        var averaging = adam with
        {
            BatchSize = 65,
            LearningRate = StableRate(rule),
            FeedbackRate = 0.1,
            WeightOptimizer = OptimizerKind.Sgd,
            FeedbackOptimizer = OptimizerKind.Sgd,
            Loss = LossFunction.MeanSquaredError,
        };
        foreach (var activation in s_activations)
        {
            var network = new NetworkDescription([37, 65, 117, 10], activation);
            yield return new(network, adam with { FeedbackOrder = FeedbackOrder.Simultaneous }, 1);
            yield return new(network, averaging, 1);
            yield return new(network, adam, 50);
            yield return new(network, averaging with { FeedbackOrder = FeedbackOrder.Simultaneous }, 50);
        }

        yield return new(new NetworkDescription([19, 5]), adam, 50);
        foreach (var (name, vary) in Variants(rule))
        {
            // 48 steps end in a partial batch.
            var network = new NetworkDescription([9, 21, 18, 5]);
            yield return new(network, vary(averaging), 1, name);
            yield return new(network, vary(adam), 48, name);
        }

        // Layerwise feedback of convolutions is learned by the reference alone.
        if (rule is { ErrorSignal: ErrorSignal.LayerwiseFeedback, LearnsFeedback: true })
        {
            yield break;
        }

        foreach (var site in new[] { PerturbationSite.BlockOutput, PerturbationSite.BeforePool })
        {
            var network = Topology.Parse(
                Convolutions, ActivationFunction.ReLU, s_image, batchNormalization: site == PerturbationSite.BeforePool);
            var small = adam with { BatchSize = 8, PerturbationSite = site };
            yield return new(network, small with { FeedbackOrder = FeedbackOrder.Simultaneous }, 1, $"at {site}");
            yield return new(network, averaging with { BatchSize = 8, PerturbationSite = site }, 1, $"at {site}");
            yield return new(network, small, 50, $"at {site}");
        }
    }

    /// <summary>
    /// A step of plain SGD that lowers the loss instead of leaving for infinity: forward gradients are larger by the square root of what
    /// they mix.
    /// </summary>
    internal static double StableRate(LearningRule rule) => rule.Injection switch
    {
        Injection.Weights => 1e-5,
        Injection.AllActivations => 1e-3,
        Injection.None or Injection.HiddenActivations => 0.02,
        _ => throw InvalidOptionException.UnknownValue("injection", rule.Injection),
    };

    /// <summary>What a rule can do besides its defaults, with a name for each.</summary>
    internal static IEnumerable<(string Name, Func<TrainingOptions, TrainingOptions> Vary)> Variants(LearningRule rule)
    {
        if (rule.HasTangents)
        {
            yield return ("K = 3", options => options with { Perturbations = 3 });
            yield return (
                "2 antithetic Rademacher",
                options => options with { Perturbations = 2, Antithetic = true, Noise = NoiseDistribution.Rademacher });
        }

        if (rule.Injection == Injection.Weights)
        {
            yield return ("V per sample", options => options with { WeightNoise = WeightNoise.PerSample });
            yield return ("V per sample, K = 3", options => options with { WeightNoise = WeightNoise.PerSample, Perturbations = 3 });
        }

        if (rule.Injection == Injection.AllActivations)
        {
            yield return ("exact output", options => options with { OutputGradient = OutputGradient.Exact });
        }

        if (rule.FeedbackUpdate == FeedbackUpdate.KolenPollack)
        {
            yield return ("feedback decay 0.1", options => options with { FeedbackDecay = 0.1 });
        }
    }

    private static AgreementRow Compare(ComputeDevice device, Case one, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var reference = new ReferenceTrajectory(one.Network, one.Options, one.Steps, 0, 1);

        // It is the device that is to show that it computes.
        device.IsProven = true;
        device.Cancellation = cancellation;
        var largest = DeviceTrajectory.Compare(device, reference)
            .Select(discrepancy => reference.ErrorOf(discrepancy))
            .Aggregate(0.0, (worst, error) => double.IsNaN(worst) || error <= worst ? worst : error);
        var steps = one.Steps == 1 ? "1 step" : $"{one.Steps} steps";
        var variant = one.Variant.Length > 0 ? $", {one.Variant}" : string.Empty;
        return new AgreementRow(
            one.Options.Rule.Name,
            $"{one.Network}, batch {one.Options.BatchSize}, {one.Options.WeightOptimizer}, {steps}{variant}",
            largest,
            ToleranceOf(reference));
    }

    private sealed record Case(NetworkDescription Network, TrainingOptions Options, int Steps, string Variant = "");
}
