using System.Globalization;

namespace Fdfa.Experiments.Figures;

/// <summary>y = c xᵃ, fitted as a straight line through logarithms, as the paper's Figures 4 and 5 have it.</summary>
/// <remarks>
/// With u = ln x, v = ln y and n points (ordinary least squares):
/// <code>
/// a = Σ(u − ū)(v − v̄) / Σ(u − ū)²,   c = exp(v̄ − a ū)
/// standard error of a = √( Σ(u − ū)² r² ) / Σ(u − ū)²            with relative errors r of the points,
///                     = √( Σ(v − ln c − a u)² / (n − 2) / Σ(u − ū)² )   without
/// </code>
/// The latter is what gnuplot calls the asymptotic standard error. It is zero for points on a line, whatever their own errors.
/// </remarks>
/// <param name="Factor">c.</param>
/// <param name="Power">a, the slope where both axes are logarithmic.</param>
/// <param name="StandardError">Of the power.</param>
internal sealed record PowerLaw(double Factor, double Power, double StandardError)
{
    /// <summary>Fits positive points.</summary>
    /// <param name="x">At least three, of which two differ.</param>
    /// <param name="y">As many.</param>
    /// <param name="relativeErrors">Standard errors of y, divided by y; null where they are not known.</param>
    /// <exception cref="ArgumentException">There are too few points, or one is not positive.</exception>
    public static PowerLaw Fit(IReadOnlyList<double> x, IReadOnlyList<double> y, IReadOnlyList<double>? relativeErrors = null)
    {
        if (x.Count < 3 || x.Count != y.Count || !x.Concat(y).All(value => value > 0 && double.IsFinite(value))
            || x.All(value => value.Equals(x[0])))
        {
            throw new ArgumentException("A power law needs at least three points, positive and not all above one another.", nameof(x));
        }

        double[] u = [.. x.Select(value => Math.Log(value))];
        double[] v = [.. y.Select(value => Math.Log(value))];
        (double meanU, double meanV) = (u.Average(), v.Average());
        double spread = u.Sum(value => (value - meanU) * (value - meanU));
        double power = u.Zip(v, (a, b) => (a - meanU) * (b - meanV)).Sum() / spread;
        double logFactor = meanV - (power * meanU);
        if (relativeErrors is not null)
        {
            double squares = u.Zip(relativeErrors, (a, r) => (a - meanU) * (a - meanU) * r * r).Sum();
            return new PowerLaw(Math.Exp(logFactor), power, Math.Sqrt(squares) / spread);
        }

        double residual = u.Zip(v, (a, b) => Math.Pow(b - logFactor - (power * a), 2)).Sum();
        return new PowerLaw(Math.Exp(logFactor), power, Math.Sqrt(residual / (x.Count - 2) / spread));
    }

    /// <summary>The line at x.</summary>
    public double At(double x) => Factor * Math.Pow(x, Power);

    /// <summary>Such as "2.003 ± 0.008".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Power:F3} ± {StandardError:F3}");
}
