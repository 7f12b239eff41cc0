namespace Fdfa.Tests.Reference;

/// <summary>What a sample of numbers says of the distribution behind it, with the confidence that a test states.</summary>
internal static class Sample
{
    /// <summary>The unbiased variance.</summary>
    public static double Variance(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        return values.Sum(x => (x - mean) * (x - mean)) / (values.Count - 1);
    }

    /// <summary>The mean of independent values is the expected one within so many of its standard errors. NaN never passes.</summary>
    public static void AssertMean(double expected, IReadOnlyList<double> values, double standardErrors)
    {
        double mean = values.Average();
        double standardError = Math.Sqrt(Variance(values) / values.Count);
        Assert.True(
            Math.Abs(mean - expected) <= standardErrors * standardError,
            $"Mean {mean:R} of {values.Count} values, expected {expected:R}: "
            + $"{(mean - expected) / standardError:F2} standard errors, allowed {standardErrors}.");
    }

    /// <summary>The power p of y ≈ c xᵖ: the slope of the least-squares line through (log x, log y).</summary>
    public static double Power(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        double meanX = x.Average(Math.Log);
        double meanY = y.Average(Math.Log);
        return x.Zip(y, (a, b) => (Math.Log(a) - meanX) * (Math.Log(b) - meanY)).Sum() / x.Sum(a => Math.Pow(Math.Log(a) - meanX, 2));
    }
}
