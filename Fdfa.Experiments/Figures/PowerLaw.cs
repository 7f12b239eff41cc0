using System.Globalization;

namespace Fdfa.Experiments.Figures;

/// <summary>y = c xᵃ, fitted as a straight line through logarithms, as the paper's Figures 4 and 5 have it.</summary>
/// <remarks>
/// With u = ln x, v = ln y and n points (ordinary least squares):
/// <code>
/// a = Σ(u − ū)(v − v̄) / Σ(u − ū)²,   c = exp(v̄ − a ū)
/// standard error of a = √( Σ(v − ln c − a u)² / (n − 2) / Σ(u − ū)² )
/// </code>
/// That is what gnuplot calls the asymptotic standard error. It is zero for points on a line, whatever their own errors.
/// </remarks>
/// <param name="Factor">c.</param>
/// <param name="Power">a, the slope where both axes are logarithmic.</param>
/// <param name="StandardError">Of the power.</param>
internal sealed record PowerLaw(double Factor, double Power, double StandardError)
{
    /// <summary>Fits positive points.</summary>
    /// <param name="x">At least three, of which two differ.</param>
    /// <param name="y">As many.</param>
    /// <exception cref="ArgumentException">There are too few points, or one is not positive.</exception>
    public static PowerLaw Fit(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        if (x.Count < 3 || x.Count != y.Count || !x.Concat(y).All(value => value > 0 && double.IsFinite(value)) || x.All(value => value.Equals(x[0])))
        {
            throw new ArgumentException("A power law needs at least three points, positive and not all above one another.", nameof(x));
        }

        double[] u = [.. x.Select(value => Math.Log(value))];
        double[] v = [.. y.Select(value => Math.Log(value))];
        (double meanU, double meanV) = (u.Average(), v.Average());
        double spread = u.Sum(value => (value - meanU) * (value - meanU));
        double power = u.Zip(v, (a, b) => (a - meanU) * (b - meanV)).Sum() / spread;
        double logFactor = meanV - (power * meanU);
        double residual = u.Zip(v, (a, b) => Math.Pow(b - logFactor - (power * a), 2)).Sum();
        return new PowerLaw(Math.Exp(logFactor), power, Math.Sqrt(residual / (x.Count - 2) / spread));
    }

    /// <summary>The line at x.</summary>
    public double At(double x) => Factor * Math.Pow(x, Power);

    /// <summary>Whether the power is a whole one that theory says.</summary>
    /// <remarks>The nearest other whole power is ten times as far away; what a fit of few points leaves open is less.</remarks>
    public bool Agrees(int theory) => Math.Abs(Power - theory) <= Tolerance;

    /// <summary>How far a power may be from theory's.</summary>
    public const double Tolerance = 0.1;

    /// <summary>Such as "2.003 ± 0.008".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Power:F3} ± {StandardError:F3}");
}
