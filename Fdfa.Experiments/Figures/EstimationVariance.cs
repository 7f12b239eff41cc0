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

/// <summary>z₂ of a two-layer network's hidden weights, E_x[Var_v[g(w) | x]] of the average weight (Eq. 18), and what theory says of it.</summary>
/// <param name="network">Two dense blocks without batch normalization.</param>
/// <param name="options">The rule.</param>
/// <param name="parameters">Where to measure.</param>
/// <param name="sampleAt">A single sample by its number.</param>
/// <param name="samples">How many there are.</param>
internal sealed class EstimationVariance(
    NetworkDescription network, TrainingOptions options, NetworkParameters parameters, Func<int, LabelledBatch> sampleAt, int samples)
{
    /// <summary>Samples that one core takes at a time. Fixed, so that the number of cores does not decide what comes out.</summary>
    private const int ChunkSize = 10;

    private int Weights => network.Blocks[0].Inputs * network.Blocks[0].Outputs;

    /// <summary>Measures z₂ from draws, with the reference in double precision on all cores.</summary>
    /// <param name="draws">Perturbations of each sample; one is all that a rule without perturbations takes.</param>
    /// <param name="seed">Decides the perturbations.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public double Measure(int draws, ulong seed, CancellationToken cancellation) => MeanOverSamples(
        (chunk, count) =>
        {
            var estimator = new GradientEstimator(network, options, parameters, (seed << 32) | (uint)chunk[0]);
            LabelledBatch[] batches = [.. chunk.Select(sampleAt)];
            return GradientVariance.Measure(estimator, batches, draws)[0].EstimationVariancePerWeight * count;
        },
        cancellation);

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
    /// <param name="cancellation">Ctrl-C.</param>
    public double Theory(CancellationToken cancellation)
    {
        Func<LabelledBatch, double> ofSample = options.Rule.Name switch
        {
            "FG-W" => WeightPerturbed,
            "FG-A" => ActivityPerturbed,
            "FDFA" => sample => options.FeedbackRate * options.FeedbackRate * ActivityPerturbed(sample),
            _ => _ => 0,
        };
        return MeanOverSamples((chunk, _) => chunk.Sum(index => ofSample(sampleAt(index))), cancellation);
    }

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

    private double MeanOverSamples(Func<int[], int, double> sumOver, CancellationToken cancellation)
    {
        int[][] chunks = [.. Enumerable.Range(0, samples).Chunk(ChunkSize)];
        var sums = new double[chunks.Length];
        Parallel.For(0, chunks.Length, new ParallelOptions { CancellationToken = cancellation }, chunk =>
            sums[chunk] = sumOver(chunks[chunk], chunks[chunk].Length));
        return sums.Sum() / samples;
    }

    private static double SquaredNorm(double[] values) => values.Sum(value => value * value);
}
