using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>Every bound below is one that a right implementation exceeds for fewer than one seed in a thousand.</summary>
public sealed class PerturbationNoiseTests
{
    private const int Samples = 500;
    private const int Neurons = 403;

    /// <summary>Golden values of the contract, computed by an independent program in another language.</summary>
    [Theory]
    [InlineData(0UL, 0U, 1, 0, 0, 1.067590023374167)]
    [InlineData(0UL, 0U, 1, 0, 1, -0.4253444095913784)]
    [InlineData(0UL, 0U, 1, 0, 2, -2.367972838677851)]
    [InlineData(0UL, 0U, 1, 0, 3, -0.2314960248879159)]
    [InlineData(0x123456789ABCDEF0UL, 7U, 3, 63, 799, 0.1545093580655678)]
    [InlineData(ulong.MaxValue, uint.MaxValue, 256, 12345, 6, 0.25719786137279826)]
    public void Golden_values(ulong seed, uint step, int block, int sample, int neuron, double expected) =>
        Assert.Equal(expected, new PerturbationNoise(seed, step).OfActivation(block, sample, neuron), 1e-12);

    /// <summary>Directions, weights and Rademacher noise, by the same independent program.</summary>
    [Fact]
    public void Golden_values_of_directions_weights_and_signs()
    {
        const ulong Seed = 0x123456789ABCDEF0UL;
        Assert.Equal(1.163188293539641, new PerturbationNoise(Seed, 7).OfActivation(3, 63, 799, direction: 5), 1e-12);
        Assert.Equal(-1.6136670611830648, new PerturbationNoise(0, 0).OfActivation(1, 0, 2, direction: 255), 1e-12);

        Assert.Equal(-0.26057998639331115, new PerturbationNoise(0, 0).OfWeight(1, row: 0, column: 0, columns: 8), 1e-12);
        Assert.Equal(-0.19625009160020812, new PerturbationNoise(0, 0).OfWeight(1, row: 5, column: 7, columns: 8), 1e-12);
        Assert.Equal(
            -1.3935355185873415,
            new PerturbationNoise(Seed, 7).OfWeight(3, row: 799, column: 784, columns: 785, sample: 63, direction: 5),
            1e-12);

        var signs = new PerturbationNoise(0, 0, NoiseDistribution.Rademacher);
        Assert.Equal(
            [-1, -1, 1, -1, -1, -1, 1, 1, -1, -1, 1, -1], Enumerable.Range(0, 12).Select(neuron => signs.OfActivation(1, 0, neuron)));
        Assert.Equal(
            [1, 1, 1, 1, 1, -1, 1, 1],
            Enumerable.Range(0, 8).Select(row => signs.OfWeight(2, row, column: 3, columns: 6, sample: 2, direction: 1)));
    }

    [Fact]
    public void No_two_weights_samples_or_directions_share_a_number()
    {
        var noise = new PerturbationNoise(3, 1);
        double[] v = [.. from row in Enumerable.Range(0, 9)
                         from column in Enumerable.Range(0, 6)
                         from sample in Enumerable.Range(0, 3)
                         from direction in Enumerable.Range(0, 3)
                         select noise.OfWeight(1, row, column, 6, sample, direction)];
        Assert.Equal(v.Length, v.Distinct().Count());
    }

    /// <summary>3.29 standard errors: 99.9 %.</summary>
    [Fact]
    public void Rademacher_noise_is_as_often_plus_one_as_minus_one()
    {
        double[] u = new PerturbationNoise(4, 2, NoiseDistribution.Rademacher).OfActivations(1, Samples, Neurons);
        Assert.All(u, sign => Assert.Equal(1, Math.Abs(sign)));
        Assert.InRange(u.Average(), -3.29 / Math.Sqrt(u.Length), 3.29 / Math.Sqrt(u.Length));
    }

    [Theory]
    [InlineData(NoiseDistribution.Normal)]
    [InlineData(NoiseDistribution.Rademacher)]
    public void Antithetic_directions_are_pairs_of_opposites_and_the_first_is_the_usual_one(NoiseDistribution distribution)
    {
        var plain = new PerturbationNoise(4, 2, distribution);
        PerturbationNoise antithetic = plain with { Antithetic = true };
        foreach (int pair in new[] { 0, 2, 254 })
        {
            Assert.Equal(plain.OfActivation(1, 5, 6, pair), antithetic.OfActivation(1, 5, 6, pair));
            Assert.Equal(-plain.OfActivation(1, 5, 6, pair), antithetic.OfActivation(1, 5, 6, pair + 1));
            Assert.Equal(-plain.OfWeight(1, 5, 6, 9, 3, pair), antithetic.OfWeight(1, 5, 6, 9, 3, pair + 1));
        }
    }

    [Fact]
    public void Moments_are_those_of_the_standard_normal_distribution()
    {
        double[] u = Draw(seed: 1, step: 0, block: 1);
        double n = u.Length;

        // 3.29 standard errors: 99.9 % confidence. Variances of the sample moments: 1, 2, 15, 96.
        Assert.InRange(u.Average(), -3.29 / Math.Sqrt(n), 3.29 / Math.Sqrt(n));
        Assert.InRange(u.Average(z => z * z) - 1, -3.29 * Math.Sqrt(2 / n), 3.29 * Math.Sqrt(2 / n));
        Assert.InRange(u.Average(z => z * z * z), -3.29 * Math.Sqrt(15 / n), 3.29 * Math.Sqrt(15 / n));
        Assert.InRange(u.Average(z => z * z * z * z) - 3, -3.29 * Math.Sqrt(96 / n), 3.29 * Math.Sqrt(96 / n));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Each_of_the_four_normals_of_a_counter_passes_chi_square(int lane)
    {
        // The deciles of the normal distribution; 27.88 is the 99.9 % quantile of chi-square with 9 degrees of freedom.
        double[] deciles = [-1.2815516, -0.8416212, -0.5244005, -0.2533471, 0, 0.2533471, 0.5244005, 0.8416212, 1.2815516];
        double[] u = [.. Draw(seed: 2, step: 3, block: 2).Where((_, index) => index % Neurons % 4 == lane)];
        var counts = new int[10];
        foreach (double z in u)
        {
            counts[deciles.Count(decile => z > decile)]++;
        }

        double expected = u.Length / 10.0;
        Assert.InRange(counts.Sum(count => (count - expected) * (count - expected) / expected), 0, 27.88);
    }

    [Theory]
    [InlineData("seed")]
    [InlineData("seed, high word")]
    [InlineData("step")]
    [InlineData("block")]
    [InlineData("sample")]
    [InlineData("neuron")]
    [InlineData("direction")]
    [InlineData("weight, not activation")]
    public void Neighbours_in_every_coordinate_are_uncorrelated(string coordinate)
    {
        double[] here = Draw(seed: 5, step: 8, block: 1);
        double[] there = coordinate switch
        {
            "seed" => Draw(seed: 6, step: 8, block: 1),
            "seed, high word" => Draw(seed: 5 + (1UL << 32), step: 8, block: 1),
            "step" => Draw(seed: 5, step: 9, block: 1),
            "block" => Draw(seed: 5, step: 8, block: 2),
            "direction" => new PerturbationNoise(5, 8).OfActivations(1, Samples, Neurons, direction: 1),
            "weight, not activation" => [.. Enumerable.Range(0, Samples * Neurons).Select(at =>
                new PerturbationNoise(5, 8).OfWeight(1, at % Neurons, 0, 1, at / Neurons))],
            "sample" => [.. here.Skip(Neurons), .. here.Take(Neurons)],
            _ => [.. here.Skip(1), here[0]],
        };

        double bound = 3.29 / Math.Sqrt(here.Length);
        Assert.InRange(here.Zip(there, (a, b) => a * b).Average(), -bound, bound);

        // Squares too: a pair that shares its radius is uncorrelated but not independent. Var[(z² − 1)(w² − 1)] = 4.
        Assert.InRange(here.Zip(there, (a, b) => (a * a - 1) * (b * b - 1)).Average(), -2 * bound, 2 * bound);
    }

    [Fact]
    public void A_batch_holds_what_each_neuron_and_sample_draws()
    {
        double[] u = Draw(seed: 9, step: 4, block: 3);
        Assert.Equal(new PerturbationNoise(9, 4).OfActivation(3, 17, 42), u[17 * Neurons + 42]);
        Assert.Equal(new PerturbationNoise(9, 4).OfActivation(3, Samples - 1, Neurons - 1), u[^1]);
    }

    private static double[] Draw(ulong seed, uint step, int block) =>
        new PerturbationNoise(seed, step).OfActivations(block, Samples, Neurons);
}
