using Fdfa.Experiments.Output;

namespace Fdfa.Experiments.Runs;

/// <summary>Mean and sample standard deviation over seeds.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Deviation">The deviation; null with fewer than two seeds.</param>
internal readonly record struct SeedSpread(double Mean, double? Deviation)
{
    /// <summary>As a percentage, of shares: "91.00 ± 1.00 %".</summary>
    public string Percent => Text(ConsoleOutput.PercentNumber) + " %";

    /// <summary>As a loss: "0.3000 ± 0.0120".</summary>
    public string Loss => Text(ConsoleOutput.Loss);

    /// <summary>Over one value per seed, at least one.</summary>
    public static SeedSpread Of(IEnumerable<double> values)
    {
        double[] seeds = [.. values];
        double mean = seeds.Average();
        return new SeedSpread(
            mean, seeds.Length < 2 ? null : Math.Sqrt(seeds.Sum(value => (value - mean) * (value - mean)) / (seeds.Length - 1)));
    }

    private string Text(Func<double, string> format) => format(Mean) + (Deviation is { } deviation ? $" ± {format(deviation)}" : "");
}
