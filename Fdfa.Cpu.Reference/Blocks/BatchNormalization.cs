using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>A batch behind normalization, before γ and β.</summary>
/// <param name="Values">x̂, as large as z.</param>
/// <param name="Means">μ of every channel: the batch's, or the running one.</param>
/// <param name="Variances">v of every channel, biased where it is the batch's.</param>
/// <param name="Statistics">Whose they are.</param>
public sealed record NormalizedBatch(double[] Values, double[] Means, double[] Variances, NormalizationStatistics Statistics);

/// <summary>
/// Batch normalization (Ioffe and Szegedy, 2015) with PyTorch's semantics, of the m values that a channel has in a batch.
/// </summary>
/// <remarks>
/// A channel is a neuron (1-d, m = N) or a filter (2-d, m = N·height·width). ⟨·⟩ is the mean over its m values, r = 1/√(v + ε):
/// <code>
/// forward    μ = ⟨z⟩,  v = ⟨(z − μ)²⟩,  x̂ = (z − μ) r,   a = γ x̂ + β
/// tangent    x̂' = r (z' − ⟨z'⟩ − x̂ ⟨x̂ z'⟩),              a' = γ x̂'        (γ' x̂ + β' is added outside, where γ and β move)
/// backward   h = γ g,  ∂z = r (h − ⟨h⟩ − x̂ ⟨x̂ h⟩),        ∂γ = Σ g x̂,   ∂β = Σ g
/// running    μ̄ ← 0.9 μ̄ + 0.1 μ,   v̄ ← 0.9 v̄ + 0.1 v·m/(m − 1)             the unbiased variance
/// </code>
/// With running statistics μ and v are constants: x̂' = r z' and ∂z = r h.
/// <para>
/// Departure from PyTorch, which refuses to train on m = 1: the last batch of an epoch may be a single sample. Then x̂ = 0 and a = β, by
/// the same equations; v̄ stays, because a single value has no unbiased variance.
/// </para>
/// </remarks>
internal static class BatchNormalization
{
    /// <summary>ε, inside the root.</summary>
    public const double Epsilon = 1e-5;

    /// <summary>The weight of a new batch in the running statistics.</summary>
    public const double Momentum = 0.1;

    /// <summary>x̂.</summary>
    /// <param name="block">Says which values share a channel.</param>
    /// <param name="numbers">The running statistics.</param>
    /// <param name="z">[N × values of a⁽ˡ⁾].</param>
    /// <param name="statistics">Whose mean and variance.</param>
    public static NormalizedBatch Normalize(Block block, Normalization numbers, double[] z, NormalizationStatistics statistics)
    {
        double[] means = [.. numbers.RunningMean];
        double[] variances = [.. numbers.RunningVariance];
        if (statistics == NormalizationStatistics.Batch)
        {
            means = MeansOf(block, z, i => z[i]);
            variances = MeansOf(block, z, i => Math.Pow(z[i] - means[LinearMap.ChannelOf(block, i)], 2));
        }

        var values = new double[z.Length];
        for (var i = 0; i < z.Length; i++)
        {
            int channel = LinearMap.ChannelOf(block, i);
            values[i] = (z[i] - means[channel]) / Math.Sqrt(variances[channel] + Epsilon);
        }

        return new NormalizedBatch(values, means, variances, statistics);
    }

    /// <summary>a = γ x̂ + β.</summary>
    public static double[] Forward(Block block, Normalization numbers, NormalizedBatch batch)
    {
        var a = new double[batch.Values.Length];
        for (var i = 0; i < a.Length; i++)
        {
            int channel = LinearMap.ChannelOf(block, i);
            a[i] = (numbers.Scale[channel] * batch.Values[i]) + numbers.Shift[channel];
        }

        return a;
    }

    /// <summary>a' = γ x̂', from z'.</summary>
    public static double[] Tangent(Block block, Normalization numbers, NormalizedBatch batch, double[] tangents)
    {
        double[] a = ThroughNormalization(block, batch, tangents);
        for (var i = 0; i < a.Length; i++)
        {
            a[i] *= numbers.Scale[LinearMap.ChannelOf(block, i)];
        }

        return a;
    }

    /// <summary>∂z from g = ∂a: the transpose of <see cref="Tangent"/>, which is symmetric but for the place of γ.</summary>
    public static double[] Backward(Block block, Normalization numbers, NormalizedBatch batch, double[] deltas)
    {
        var h = new double[deltas.Length];
        for (var i = 0; i < h.Length; i++)
        {
            h[i] = numbers.Scale[LinearMap.ChannelOf(block, i)] * deltas[i];
        }

        return ThroughNormalization(block, batch, h);
    }

    /// <summary>∂γ = Σ g x̂ of every channel.</summary>
    public static double[] ScaleGradient(Block block, NormalizedBatch batch, double[] deltas) =>
        SumsOf(block, deltas, i => deltas[i] * batch.Values[i]);

    /// <summary>∂β = Σ g of every channel.</summary>
    public static double[] ShiftGradient(Block block, double[] deltas) => SumsOf(block, deltas, i => deltas[i]);

    /// <summary>Moves the running statistics towards those of a batch that was trained on.</summary>
    /// <param name="block">Says how many values share a channel.</param>
    /// <param name="numbers">The running statistics; updated in place.</param>
    /// <param name="batch">Normalized with its own statistics.</param>
    public static void UpdateRunningStatistics(Block block, Normalization numbers, NormalizedBatch batch)
    {
        double m = ValuesPerChannel(block, batch.Values);
        for (var channel = 0; channel < block.Channels; channel++)
        {
            numbers.RunningMean[channel] = ((1 - Momentum) * numbers.RunningMean[channel]) + (Momentum * batch.Means[channel]);
            if (m > 1)
            {
                double unbiased = batch.Variances[channel] * m / (m - 1);
                numbers.RunningVariance[channel] = ((1 - Momentum) * numbers.RunningVariance[channel]) + (Momentum * unbiased);
            }
        }
    }

    /// <summary>r (v − ⟨v⟩ − x̂ ⟨x̂ v⟩), or r v where the statistics are constants.</summary>
    private static double[] ThroughNormalization(Block block, NormalizedBatch batch, double[] values)
    {
        double[] xHat = batch.Values;
        bool isConstant = batch.Statistics == NormalizationStatistics.Running;
        double[] mean = isConstant ? new double[block.Channels] : MeansOf(block, values, i => values[i]);
        double[] correlation = isConstant ? new double[block.Channels] : MeansOf(block, values, i => xHat[i] * values[i]);
        var result = new double[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            int channel = LinearMap.ChannelOf(block, i);
            result[i] = (values[i] - mean[channel] - (xHat[i] * correlation[channel])) / Math.Sqrt(batch.Variances[channel] + Epsilon);
        }

        return result;
    }

    private static double[] MeansOf(Block block, double[] values, Func<int, double> summand)
    {
        double m = ValuesPerChannel(block, values);
        return [.. SumsOf(block, values, summand).Select(sum => sum / m)];
    }

    private static double[] SumsOf(Block block, double[] values, Func<int, double> summand)
    {
        var sums = new double[block.Channels];
        for (var i = 0; i < values.Length; i++)
        {
            sums[LinearMap.ChannelOf(block, i)] += summand(i);
        }

        return sums;
    }

    private static int ValuesPerChannel(Block block, double[] values) => values.Length / block.Channels;
}
