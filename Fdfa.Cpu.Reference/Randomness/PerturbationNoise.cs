using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>A step's perturbations: u⁽ˡ⁾ of Algorithms 1 and 3, V⁽ˡ⁾ of Algorithm 2, mean 0 and variance 1.</summary>
/// <remarks>
/// Box and Muller's transform of the words (x₀, x₁, x₂, x₃) of neurons 4k … 4k + 3:
/// <code>
/// u₁ = ((x₀ >> 8) + 1)·2⁻²⁴ ∈ (0, 1],  θ = 2π·(x₁ >> 8)·2⁻²⁴,  r = √(−2 ln u₁)
/// z₀ = r cos θ,  z₁ = r sin θ;   z₂ and z₃ likewise from x₂ and x₃
/// </code>
/// The 24 bits are those that a float holds exactly, so that devices start from the same u₁ and θ; they bound |u| by
/// √(48 ln 2) ≈ 5.77, which one draw in about 10⁸ would exceed. Rademacher: 1 where the word's highest bit is 0, else −1.
/// <para>
/// Antithetic: direction 2m + 1 is direction 2m with its sign changed.
/// </para>
/// </remarks>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The training step, counted from 0.</param>
/// <param name="Distribution">Normal or Rademacher.</param>
/// <param name="Antithetic">Whether directions come in pairs.</param>
public readonly record struct PerturbationNoise(
    ulong Seed, uint Step, NoiseDistribution Distribution = NoiseDistribution.Normal, bool Antithetic = false)
{
    private const double TwoToMinus24 = 1.0 / (1 << 24);

    /// <summary>u⁽ˡ⁾ of one neuron and sample.</summary>
    /// <param name="block">l, counted from 1.</param>
    /// <param name="sample">The row in the batch, counted from 0.</param>
    /// <param name="neuron">The neuron in the block, counted from 0.</param>
    /// <param name="direction">The direction, 0 … K − 1.</param>
    public double OfActivation(int block, int sample, int neuron, int direction = 0) =>
        At(RandomPurpose.Perturbations, block, neuron, sample, direction);

    /// <summary>V⁽ˡ⁾ of one weight: four neighbouring neurons share the counter (⌊row/4⌋ · columns + column).</summary>
    /// <param name="block">l, counted from 1.</param>
    /// <param name="row">The neuron, counted from 0.</param>
    /// <param name="column">
    /// Its input, counted from 0; the bias comes after the last, or γ and then β where there is batch normalization.
    /// </param>
    /// <param name="columns">
    /// n_{l−1} + 1, or + 2 where there is batch normalization; of a convolution channels·kernel² in the place of n_{l−1}.
    /// </param>
    /// <param name="sample">The row in the batch; 0 where the batch shares V.</param>
    /// <param name="direction">The direction, 0 … K − 1.</param>
    public double OfWeight(int block, int row, int column, int columns, int sample = 0, int direction = 0) =>
        At(RandomPurpose.WeightPerturbations, block, (4 * ((row / 4 * (long)columns) + column)) + (row % 4), sample, direction);

    /// <summary>u⁽ˡ⁾ of a block for a batch.</summary>
    /// <param name="block">l, counted from 1.</param>
    /// <param name="batchSize">N.</param>
    /// <param name="neurons">n_l.</param>
    /// <param name="direction">The direction, 0 … K − 1.</param>
    /// <returns>[N × n_l] row-major.</returns>
    public double[] OfActivations(int block, int batchSize, int neurons, int direction = 0)
    {
        var perturbations = new double[batchSize * neurons];
        for (var sample = 0; sample < batchSize; sample++)
        {
            for (var neuron = 0; neuron < neurons; neuron++)
            {
                perturbations[sample * neurons + neuron] = OfActivation(block, sample, neuron, direction);
            }
        }

        return perturbations;
    }

    private double At(RandomPurpose purpose, int block, long element, int sample, int direction)
    {
        int drawn = Antithetic ? direction & ~1 : direction;
        double sign = drawn == direction ? 1 : -1;
        var (x0, x1, x2, x3) = new RandomStream(Seed, purpose, block, Step).WordsAround(element, (drawn << 24) | sample);
        uint word = (element & 3) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
        return sign * (Distribution, element & 3) switch
        {
            (NoiseDistribution.Rademacher, _) => word >> 31 == 0 ? 1 : -1,
            (NoiseDistribution.Normal, 0) => Radius(x0) * Math.Cos(Angle(x1)),
            (NoiseDistribution.Normal, 1) => Radius(x0) * Math.Sin(Angle(x1)),
            (NoiseDistribution.Normal, 2) => Radius(x2) * Math.Cos(Angle(x3)),
            (NoiseDistribution.Normal, _) => Radius(x2) * Math.Sin(Angle(x3)),
            _ => throw InvalidOptionException.UnknownValue("noise distribution", Distribution),
        };
    }

    private static double Radius(uint word) => Math.Sqrt(-2 * Math.Log(((word >> 8) + 1) * TwoToMinus24));

    private static double Angle(uint word) => 2 * Math.PI * (word >> 8) * TwoToMinus24;
}
