using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Experiments.Figures;

/// <summary>How many samples stand for E_x, and how often each is perturbed.</summary>
/// <param name="Samples">Single samples.</param>
/// <param name="Draws">Perturbations of each, at least 2.</param>
internal sealed record VarianceScale(int Samples, int Draws)
{
    /// <summary>"10 iterations of the MNIST dataset" (Figures 4 and 5): each of its samples, perturbed ten times.</summary>
    public static VarianceScale Paper { get; } = new(60_000, 10);
}

/// <summary>
/// z₂ of a two-layer network's hidden weights, E_x[Var_v[g(w) | x]] of the average weight (Eq. 18), and what theory says of it.
/// </summary>
/// <param name="network">Two dense blocks without batch normalization.</param>
/// <param name="options">The rule.</param>
/// <param name="parameters">Where to measure.</param>
/// <param name="sampleAt">A single sample by its number.</param>
/// <param name="samples">How many there are.</param>
internal sealed class EstimationVariance(
    NetworkDescription network, TrainingOptions options, NetworkParameters parameters, Func<int, LabelledBatch> sampleAt, int samples)
{
    private int Weights => network.Blocks[0].Inputs * network.Blocks[0].Outputs;

    /// <summary>Measures z₂ from draws, with the reference in double precision on all cores.</summary>
    /// <remarks>
    /// With sᵢ² the estimate of sample i of n, tᵢ the closed form there and R = Σs²/Σt, the mean's standard error is that of the mean of
    /// sᵢ² − R tᵢ: samples differ in their variances, which is no error of theirs.
    /// </remarks>
    /// <param name="draws">Perturbations of each sample, at least 2; two are all that a rule without perturbations takes.</param>
    /// <param name="seed">Decides the perturbations, with the sample's number.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public MeasuredVariance Measure(int draws, ulong seed, CancellationToken cancellation)
    {
        var measured = new double[samples];
        var theory = new double[samples];
        Func<LabelledBatch, double> theoryOf = Theory();
        Parallel.For(0, samples, new ParallelOptions { CancellationToken = cancellation }, index =>
        {
            LabelledBatch sample = sampleAt(index);
            var estimator = new GradientEstimator(network, options, parameters, (seed << 32) | (uint)index);
            measured[index] = GradientVariance.Measure(estimator, [sample], draws)[0].EstimationVariancePerWeight;
            theory[index] = theoryOf(sample);
        });
        (double value, double expected) = (measured.Average(), theory.Average());
        double ratio = expected == 0 ? 0 : value / expected;
        double squares = measured.Zip(theory, (one, of) => (one - (ratio * of)) * (one - (ratio * of))).Sum();
        return new MeasuredVariance(value, expected, Math.Sqrt(squares / Math.Max(1, samples - 1) / samples));
    }

    /// <summary>What the propositions say it is, from exact derivatives.</summary>
    /// <remarks>
    /// With one sample, g = ∂L/∂θ, δ = e W⁽²⁾ and σ' at the hidden block, the mean over i and j of
    /// <code>
    /// FG-W   g_ij² + ‖g‖²                          Eq. G.1, the norm over all that is perturbed: the output's weights and the biases too
    /// FG-A   (δ_i² + ‖δ‖²)(σ'_i x_j)²              Eq. H.1, for an output that is not perturbed
    /// FDFA   α² (δ_i² + ‖δ‖²)(σ'_i x_j)²           Eq. 19 with the e that Eq. 21 still has: one step of Eq. 8 from B = W⁽²⁾
    /// BP, DFA   0
    /// </code>
    /// </remarks>
    private Func<LabelledBatch, double> Theory() => options.Rule.Name switch
    {
        "FG-W" => WeightPerturbed,
        "FG-A" => ActivityPerturbed,
        "FDFA" => sample => options.FeedbackRate * options.FeedbackRate * ActivityPerturbed(sample),
        "BP" or "DFA" => _ => 0,
        _ => throw new NotSupportedException($"The propositions say nothing of {options.Rule}."),
    };

    private double WeightPerturbed(LabelledBatch sample)
    {
        IReadOnlyList<BlockGradient> gradient = new GradientEstimator(network, options, parameters, seed: 0).TrueGradient(sample);
        return (SquaredNorm(gradient[0].Weights) / Weights) + gradient.Sum(block => SquaredNorm(block.Weights) + SquaredNorm(block.Biases));
    }

    private double ActivityPerturbed(LabelledBatch sample)
    {
        ForwardPass forward = NetworkForward.Run(network, parameters, sample.Inputs, batchSize: 1);
        var e = new double[network.OutputSize];
        LossCatalogue.Find(options.Loss).Evaluate(forward.Outputs, sample.Labels, e);
        double[] a = forward.Preactivations[0];
        double[] delta = [.. a.Select((_, i) => e.Select((error, o) => error * parameters.Blocks[1].Weights[(o * a.Length) + i]).Sum())];
        double squaredNorm = SquaredNorm(delta);
        double active = a.Zip(delta, (preactivation, one) => preactivation > 0 ? (one * one) + squaredNorm : 0).Sum();
        return active * SquaredNorm(sample.Inputs) / Weights;
    }

    private static double SquaredNorm(double[] values) => values.Sum(value => value * value);
}
