namespace Fdfa.Gpu.Training;

/// <summary>What a discrepancy is about.</summary>
internal enum Quantity
{
    Activations,
    Tangents,
    Deltas,
    Weights,
    Biases,
    Feedback,
    Scale,
    Shift,
    RunningMean,
    RunningVariance,
    Loss,
}

/// <summary>One array of a device beside the reference's.</summary>
/// <param name="Quantity">What it is.</param>
/// <param name="Place">Block and seed.</param>
/// <param name="RelativeError">
/// ‖device − reference‖₂ / ‖reference‖₂, or by the norm of what the numbers stand beside where that is larger; the absolute error where
/// both are zero.
/// </param>
/// <param name="WellConditionedError">The same over the elements whose last gradient is not near zero; see <see cref="Between"/>.</param>
/// <param name="WorstIndex">Where the two differ most.</param>
/// <param name="Expected">The reference's value there.</param>
/// <param name="Actual">The device's value there.</param>
internal sealed record Discrepancy(
    Quantity Quantity, string Place, double RelativeError, double WellConditionedError, int WorstIndex, double Expected, double Actual)
{
    // Adam's first step moves a parameter by λ g / (|g| + ε): the sign of g. Where g is zero but for rounding, that sign is anybody's.
    private const double NearZero = 1e-3;

    /// <summary>Compares two arrays.</summary>
    /// <param name="quantity">What they are.</param>
    /// <param name="place">Block and seed.</param>
    /// <param name="expected">The reference's.</param>
    /// <param name="actual">The device's.</param>
    /// <param name="gradient">
    /// The gradient that moved a parameter last. Elements below a thousandth of its root mean square are left out of
    /// <see cref="WellConditionedError"/>.
    /// </param>
    /// <param name="beside">
    /// Numbers of the same size by nature: a bias is the weight of a constant input, and a mean is told apart in deviations. A few numbers
    /// that nearly cancel out are rounded like these.
    /// </param>
    public static Discrepancy Between(
        Quantity quantity,
        string place,
        ReadOnlySpan<double> expected,
        ReadOnlySpan<double> actual,
        ReadOnlySpan<double> gradient = default,
        ReadOnlySpan<double> beside = default)
    {
        if (expected.Length != actual.Length)
        {
            return new(quantity, place, double.NaN, double.NaN, -1, expected.Length, actual.Length);
        }

        if (expected.IsEmpty)
        {
            return new(quantity, place, 0, 0, -1, 0, 0);
        }

        var threshold = NearZero * RootMeanSquare(gradient);
        double difference = 0, conditioned = 0, norm = 0, worst = -1;
        var worstIndex = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var error = Math.Abs(actual[i] - expected[i]);
            difference += error * error;
            norm += expected[i] * expected[i];
            if (gradient.IsEmpty || !(Math.Abs(gradient[i]) <= threshold))
            {
                conditioned += error * error;
            }

            if (!(error <= worst))
            {
                worst = error;
                worstIndex = i;
            }
        }

        norm = Math.Max(norm, expected.Length * Math.Pow(RootMeanSquare(beside), 2));
        var scale = norm > 0 ? norm : 1;
        return new(
            quantity, place, Math.Sqrt(difference / scale), Math.Sqrt(conditioned / scale), worstIndex, expected[worstIndex],
            actual[worstIndex]);
    }

    private static double RootMeanSquare(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (var value in values)
        {
            sum += value * value;
        }

        return values.IsEmpty ? 0 : Math.Sqrt(sum / values.Length);
    }
}
