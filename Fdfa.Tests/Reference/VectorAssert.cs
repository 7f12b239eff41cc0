namespace Fdfa.Tests.Reference;

/// <summary>Compares arrays by the largest difference over the largest expected value. NaN never passes.</summary>
internal static class VectorAssert
{
    /// <summary>Fails where a value differs, and where one array is there and the other is not.</summary>
    public static void Close(double[]? expected, double[]? actual, double relativeTolerance)
    {
        Assert.Equal(expected?.Length, actual?.Length);
        if (expected is not { Length: > 0 })
        {
            return;
        }

        double scale = expected.Max(Math.Abs);
        Assert.True(scale > 0 && double.IsFinite(scale), $"The expected values have the scale {scale}: such a comparison proves nothing.");
        for (var i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(actual![i] - expected[i]) / scale;
            Assert.True(
                error <= relativeTolerance,
                $"Index {i}: expected {expected[i]:R}, got {actual[i]:R}; "
                + $"error {error:E2} of the largest value, allowed {relativeTolerance:E2}.");
        }
    }
}
