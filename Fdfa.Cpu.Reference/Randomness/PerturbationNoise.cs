using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>The perturbations u⁽ˡ⁾ ~ N(0, 1) of Algorithm 1, line 10, fresh for every step, sample and neuron.</summary>
/// <remarks>
/// Box and Muller's transform of the words (x₀, x₁, x₂, x₃) of neurons 4k … 4k + 3:
/// <code>
/// u₁ = ((x₀ >> 8) + 1)·2⁻²⁴ ∈ (0, 1],  θ = 2π·(x₁ >> 8)·2⁻²⁴,  r = √(−2 ln u₁)
/// z₀ = r cos θ,  z₁ = r sin θ;   z₂ and z₃ likewise from x₂ and x₃
/// </code>
/// The 24 bits are those that a float holds exactly, so that devices start from the same u₁ and θ; they bound |u| by
/// √(48 ln 2) ≈ 5.77, which one draw in about 10⁸ would exceed.
/// </remarks>
public static class PerturbationNoise
{
    private const double TwoToMinus24 = 1.0 / (1 << 24);

    /// <summary>One perturbation.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step, counted from 0.</param>
    /// <param name="block">l, counted from 1.</param>
    /// <param name="sample">The row in the batch, counted from 0.</param>
    /// <param name="neuron">The neuron in the block, counted from 0.</param>
    public static double At(ulong seed, uint step, int block, int sample, int neuron)
    {
        var stream = new RandomStream(seed, RandomPurpose.Perturbations, block, step);
        var (x0, x1, x2, x3) = stream.WordsAround(neuron, sample);
        return (neuron & 3) switch
        {
            0 => Radius(x0) * Math.Cos(Angle(x1)),
            1 => Radius(x0) * Math.Sin(Angle(x1)),
            2 => Radius(x2) * Math.Cos(Angle(x3)),
            _ => Radius(x2) * Math.Sin(Angle(x3)),
        };
    }

    /// <summary>The perturbations of a block for a batch.</summary>
    /// <param name="perturbations">Written: u⁽ˡ⁾, [batchSize × neurons] row-major.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step, counted from 0.</param>
    /// <param name="block">l, counted from 1.</param>
    /// <param name="batchSize">N.</param>
    /// <param name="neurons">n_l.</param>
    /// <exception cref="ShapeMismatchException">The array is not batchSize × neurons long.</exception>
    public static void Fill(double[] perturbations, ulong seed, uint step, int block, int batchSize, int neurons)
    {
        ArgumentNullException.ThrowIfNull(perturbations);
        Shape.Require("perturbations", perturbations.Length, batchSize, neurons);
        for (var sample = 0; sample < batchSize; sample++)
        {
            for (var neuron = 0; neuron < neurons; neuron++)
            {
                perturbations[sample * neurons + neuron] = At(seed, step, block, sample, neuron);
            }
        }
    }

    private static double Radius(uint word) => Math.Sqrt(-2 * Math.Log(((word >> 8) + 1) * TwoToMinus24));

    private static double Angle(uint word) => 2 * Math.PI * (word >> 8) * TwoToMinus24;
}
