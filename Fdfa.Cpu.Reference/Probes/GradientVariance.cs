using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Cpu.Reference.Probes;

/// <summary>A block's gradient variance, each term summed over the block's weights (biases apart), as unbiased estimates.</summary>
/// <param name="DataVariance">
/// z₁ of Eq. 17, from the sampling of batches. Its estimate can fall a little below zero where z₂ is much larger.
/// </param>
/// <param name="EstimationVariance">
/// z₂ of Eq. 18, from the perturbations; exactly zero where estimates of a batch do not depend on them.
/// </param>
/// <param name="SquaredNorm">E‖g(W⁽ˡ⁾)‖², which also is z₁ + z₂ + ‖E[g]‖².</param>
/// <param name="Weights">Over how many weights the terms are sums.</param>
public sealed record BlockVariance(double DataVariance, double EstimationVariance, double SquaredNorm, int Weights)
{
    /// <summary>Var[g] = z₁ + z₂ (Proposition 1).</summary>
    public double Total => DataVariance + EstimationVariance;

    /// <summary>
    /// Var[g]/E‖g‖², from 0 to 1 but for the noise of both estimates, whatever the scale of the gradient. NaN where all gradients are zero.
    /// </summary>
    /// <remarks>
    /// Figure 6's axis is z₂/E‖g‖²: z₁ is that of the data, and differs between rules where their means do, as FDFA's, which is biased.
    /// </remarks>
    public double Normalised => Total / SquaredNorm;

    /// <summary>z₂ of the average weight: what Figures 4 and 5 show.</summary>
    public double EstimationVariancePerWeight => EstimationVariance / Weights;
}

/// <summary>The variance of a rule's gradient estimates, split as in Proposition 1 (Wen et al., 2018; Ren et al., 2023).</summary>
/// <remarks>
/// With D draws g_{b,1} … g_{b,D} for each of B batches, per weight:
/// <code>
/// z₂ = (1/B) Σ_b s_b²,  s_b² = (1/(D − 1)) Σ_k (g_{b,k} − ḡ_b)²        E_x[Var_v[g | x]]                (Eq. 18)
/// z₁ = (1/(B − 1)) Σ_b (ḡ_b − ḡ)² − z₂/D                            Var_x[E_v[g | x]]                (Eq. 17)
/// </code>
/// The variance of the batches' means holds z₁ and, because a mean of D draws still is noisy, z₂/D: it is taken off. A rule that should not
/// be random is drawn twice: if it is after all, z₂ shows it. For FDFA that updates its feedback first, z₂ is Proposition 2's, at
/// α = FeedbackRate.
/// </remarks>
public static class GradientVariance
{
    /// <summary>Measures z₁ and z₂ of all blocks.</summary>
    /// <param name="estimator">The rule, at its parameters. Every batch and draw has its own perturbations.</param>
    /// <param name="batches">Independent batches of one size: at least one; z₁ is zero with one, because then x is given.</param>
    /// <param name="draws">D, at least 2; a rule that is not random takes 2.</param>
    /// <returns>At index l − 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are too few draws for a variance, or no batch.</exception>
    /// <exception cref="Description.ShapeMismatchException">A batch does not fit the network.</exception>
    public static IReadOnlyList<BlockVariance> Measure(GradientEstimator estimator, IReadOnlyList<LabelledBatch> batches, int draws)
    {
        ArgumentNullException.ThrowIfNull(estimator);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentOutOfRangeException.ThrowIfLessThan(batches.Count, 1, nameof(batches));
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 2);
        int taken = estimator.IsRandom ? draws : 2;
        IReadOnlyList<int> counts = estimator.WeightCounts;
        var within = new double[counts.Count];
        var squaredNorms = new double[counts.Count];
        RunningMoments[] between = [.. counts.Select(count => new RunningMoments(count))];
        for (var b = 0; b < batches.Count; b++)
        {
            RunningMoments[] ofBatch = [.. counts.Select(count => new RunningMoments(count))];
            for (var k = 0; k < taken; k++)
            {
                IReadOnlyList<BlockGradient> estimate = estimator.Estimate(batches[b], checked((uint)(((long)b * taken) + k)));
                for (var l = 0; l < counts.Count; l++)
                {
                    ofBatch[l].Add(estimate[l].Weights);
                    squaredNorms[l] += estimate[l].Weights.Sum(g => g * g);
                }
            }

            for (var l = 0; l < counts.Count; l++)
            {
                within[l] += ofBatch[l].SummedVariance / batches.Count;
                between[l].Add(ofBatch[l].Mean);
            }
        }

        return [.. counts.Select((count, l) => new BlockVariance(
            batches.Count == 1 ? 0 : between[l].SummedVariance - (within[l] / taken),
            within[l],
            squaredNorms[l] / ((double)batches.Count * taken),
            count))];
    }

    /// <summary>Mean and variance of vectors that come one by one: Welford's recurrence, exact where all are equal.</summary>
    private sealed class RunningMoments(int count)
    {
        private int _vectors;
        private double _squares;

        public double[] Mean { get; } = new double[count];

        /// <summary>Σ_i Var[x_i], divided by one less than the number of vectors; 0 for a single one.</summary>
        public double SummedVariance => _vectors < 2 ? 0 : _squares / (_vectors - 1);

        public void Add(double[] values)
        {
            _vectors++;
            for (var i = 0; i < values.Length; i++)
            {
                double fromOld = values[i] - Mean[i];
                Mean[i] += fromOld / _vectors;
                _squares += fromOld * (values[i] - Mean[i]);
            }
        }
    }
}
