using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Cpu.Reference.Probes;

/// <summary>Gradient alignment, a rule's bias as an angle (section 4.4 and Figure 7 of the paper).</summary>
/// <remarks>
/// <code>
/// angle⁽ˡ⁾ = ∠(E_u[g(W⁽ˡ⁾)], ∂L/∂W⁽ˡ⁾)      below 90° an update along −g descends
/// </code>
/// The mean over the draws stands for the expectation; its noise can only widen the angle of an unbiased rule, whose mean of D draws
/// stands at about atan(√(Var[g]/D)/‖∂L/∂W‖).
/// </remarks>
public static class GradientAlignment
{
    /// <summary>The angles of all blocks.</summary>
    /// <param name="estimator">The rule, at its parameters.</param>
    /// <param name="batch">Any size from 1.</param>
    /// <param name="draws">
    /// How many estimates are averaged, at least 1; one suffices where the rule is not random, and is then all that is taken.
    /// </param>
    /// <returns>Degrees from 0 to 180, block l at index l − 1, weights without biases; NaN where either gradient is zero.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no draw.</exception>
    /// <exception cref="Description.ShapeMismatchException">The batch does not fit the network.</exception>
    public static IReadOnlyList<double> InDegrees(GradientEstimator estimator, LabelledBatch batch, int draws = 1)
    {
        ArgumentNullException.ThrowIfNull(estimator);
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
        IReadOnlyList<BlockGradient> truth = estimator.TrueGradient(batch);
        double[][] mean = [.. estimator.WeightCounts.Select(count => new double[count])];
        int taken = estimator.IsRandom ? draws : 1;
        for (var draw = 0; draw < taken; draw++)
        {
            IReadOnlyList<BlockGradient> estimate = estimator.Estimate(batch, (uint)draw);
            for (var l = 0; l < mean.Length; l++)
            {
                for (var i = 0; i < mean[l].Length; i++)
                {
                    mean[l][i] += estimate[l].Weights[i] / taken;
                }
            }
        }

        return [.. mean.Select((estimate, index) => Angle(estimate, truth[index].Weights))];
    }

    /// <summary>The angle between two vectors.</summary>
    /// <remarks>2 atan2(‖a/‖a‖ − b/‖b‖‖, ‖a/‖a‖ + b/‖b‖‖): the arc cosine would lose half of the digits near 0° and 180°.</remarks>
    /// <param name="left">a.</param>
    /// <param name="right">b, as long.</param>
    /// <returns>Degrees from 0 to 180; NaN where either vector is zero.</returns>
    /// <exception cref="Description.ShapeMismatchException">The lengths differ.</exception>
    public static double Angle(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        Description.Shape.Require("vectors", right.Length, left.Length, 1);
        double leftNorm = Norm(left);
        double rightNorm = Norm(right);
        double difference = 0;
        double sum = 0;
        for (var i = 0; i < left.Length; i++)
        {
            double a = left[i] / leftNorm;
            double b = right[i] / rightNorm;
            difference += (a - b) * (a - b);
            sum += (a + b) * (a + b);
        }

        return 2 * Math.Atan2(Math.Sqrt(difference), Math.Sqrt(sum)) * (180 / Math.PI);
    }

    private static double Norm(ReadOnlySpan<double> values)
    {
        double largest = 0;
        foreach (double value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        // Gradients can be so small that their squares vanish.
        double sum = 0;
        foreach (double value in values)
        {
            sum += value / largest * (value / largest);
        }

        return largest * Math.Sqrt(sum);
    }
}
