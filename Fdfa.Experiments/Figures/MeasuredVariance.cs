using System.Globalization;
using Fdfa.Experiments.Reporting;

namespace Fdfa.Experiments.Figures;

/// <summary>A variance from draws, beside what theory says of the same samples.</summary>
/// <param name="Value">The mean over samples.</param>
/// <param name="Theory">The closed form's.</param>
/// <param name="StandardError">Of <paramref name="Value"/>, given the samples: from how much each differs from theory.</param>
internal sealed record MeasuredVariance(double Value, double Theory, double StandardError)
{
    /// <summary>
    /// k: how many standard errors a value may be from theory. Of twenty values one is further once in eight hundred times.
    /// </summary>
    public const int StandardErrors = 4;

    /// <summary>The headings of <see cref="ToCsv"/>.</summary>
    public const string Columns = "variance,theory,standard_error";

    /// <summary>How far the value is from theory, in standard errors; 0 where they are equal.</summary>
    public double Distance => Value.Equals(Theory) ? 0 : Math.Abs(Value - Theory) / StandardError;

    /// <summary>That all are theory's.</summary>
    /// <param name="what">"Every variance is …".</param>
    /// <param name="variances">At least one.</param>
    public static Claim ToClaim(string what, IEnumerable<MeasuredVariance> variances)
    {
        MeasuredVariance furthest = variances.MaxBy(one => one.Distance)!;
        return new Claim(
            $"{what} (within {StandardErrors} standard errors)",
            furthest.Distance <= StandardErrors,
            string.Create(
                CultureInfo.InvariantCulture,
                $"the furthest is {furthest.Distance:F1} standard errors, or "
                + $"{100 * Math.Abs((furthest.Value / furthest.Theory) - 1):F1} %, away"));
    }

    /// <summary>Value, theory and standard error, with commas between them.</summary>
    public string ToCsv() => string.Create(CultureInfo.InvariantCulture, $"{Value:R},{Theory:R},{StandardError:R}");

    /// <summary>"variance 1.690E+4 ± 3E+2, theory 1.712E+4".</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"variance {Value:E3} ± {StandardError:E0}, theory {Theory:E3}");
}
