using Fdfa.Experiments.Figures;

namespace Fdfa.Tests.Figures;

public sealed class PowerLawTests
{
    [Fact]
    public void Points_of_a_law_give_it_back_without_error()
    {
        double[] x = [0.001, 0.02, 0.5, 3];
        PowerLaw law = PowerLaw.Fit(x, [.. x.Select(value => 7 * Math.Pow(value, -1.5))]);

        Assert.Equal(7, law.Factor, 1e-12);
        Assert.Equal(-1.5, law.Power, 1e-13);
        Assert.Equal(0, law.StandardError, 1e-13);
        Assert.Equal(7 * Math.Pow(0.1, -1.5), law.At(0.1), 1e-9);
    }

    /// <summary>ln x = 0, 1, 2, 3 and ln y = 0, 2, 2, 4, by hand: slope 6/5, residuals ∓0.2, ±0.6; √(0.8/2/5) = 0.2828.</summary>
    [Fact]
    public void The_standard_error_is_that_of_least_squares()
    {
        PowerLaw law = PowerLaw.Fit(
            [.. new[] { 0.0, 1, 2, 3 }.Select(value => Math.Exp(value))], [.. new[] { 0.0, 2, 2, 4 }.Select(value => Math.Exp(value))]);

        Assert.Equal(1.2, law.Power, 1e-12);
        Assert.Equal(Math.Exp(0.2), law.Factor, 1e-12);
        Assert.Equal(Math.Sqrt(0.08), law.StandardError, 1e-12);
        Assert.Equal("1.200 ± 0.283", law.ToString());
    }

    /// <summary>
    /// 2,000 noisy lines whose power is known: it lies within two standard errors as often as Student's t with 8 degrees of freedom says,
    /// 92 %.
    /// </summary>
    [Fact]
    public void The_standard_error_covers_the_truth_as_often_as_it_should()
    {
        const int Lines = 2_000;
        var random = new Random(4);
        double[] x = [.. Enumerable.Range(0, 10).Select(i => Math.Pow(2, i))];
        int covered = Enumerable.Range(0, Lines).Count(_ =>
        {
            PowerLaw law = PowerLaw.Fit(x, [.. x.Select(value => 3 * Math.Pow(value, 0.7) * Math.Exp(0.1 * Normal()))]);
            return Math.Abs(law.Power - 0.7) < 2 * law.StandardError;
        });

        // 0.9195 ± 0.006: four standard errors of a share.
        Assert.InRange(covered / (double)Lines, 0.895, 0.944);

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    /// <summary>
    /// ln x = 0, 1, 2, 3: the slope is Σ(u − 3/2) v / 5, and with relative errors of a tenth its standard error √(5 · 0.01)/5.
    /// </summary>
    [Fact]
    public void Errors_of_the_points_are_those_of_the_power()
    {
        double[] x = [.. new[] { 0.0, 1, 2, 3 }.Select(Math.Exp)];

        Assert.Equal(Math.Sqrt(0.05) / 5, PowerLaw.Fit(x, x, [0.1, 0.1, 0.1, 0.1]).StandardError, 1e-12);
        Assert.Equal(Math.Sqrt(2.25) * 0.1 / 5, PowerLaw.Fit(x, x, [0.1, 0, 0, 0]).StandardError, 1e-12);
    }

    /// <summary>
    /// Points on the line of theory but for one that is five of its standard errors high: the power and that point do not agree.
    /// </summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(1.5, false)]
    public void A_power_and_a_variance_beyond_their_errors_do_not_agree(double last, bool agree)
    {
        double[] x = [1, 2, 4, 8];
        MeasuredVariance[] points = [.. x.Select(value => new MeasuredVariance(value * (value == 8 ? last : 1), value, 0.1 * value))];

        Assert.Equal(agree, TestedPower.Fit(1, x, points).ToClaim("y grows with x").Holds);
        Assert.Equal(agree, MeasuredVariance.ToClaim("Every y is x", points).Holds);
        Assert.False(TestedPower.Fit(2, x, points).Agrees);
    }

    [Theory]
    [InlineData(new double[] { 1, 2 }, new double[] { 1, 2 })]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 1, 2 })]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 1, 0, 2 })]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 1, double.NaN, 2 })]
    [InlineData(new double[] { 2, 2, 2 }, new double[] { 1, 2, 3 })]
    public void What_has_no_power_is_refused(double[] x, double[] y) =>
        Assert.Throws<ArgumentException>(() => PowerLaw.Fit(x, y));
}
