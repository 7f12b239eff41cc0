using System.Globalization;
using Fdfa.Experiments.Reporting;

namespace Fdfa.Experiments.Figures;

/// <summary>The power with which a variance grows: the paper's, that of the propositions' closed form, and the measured one.</summary>
/// <remarks>
/// The paper's are limits; at the sizes of a figure the closed form's power is a little less, since δ_i² beside ‖δ‖² does not grow with n₁.
/// So the measured one is held to the closed form's at the same points, and that one to the paper's.
/// </remarks>
/// <param name="Paper">A whole number.</param>
/// <param name="ClosedForm">Fitted through theory's points.</param>
/// <param name="Measured">Fitted through those that were measured, with its standard error.</param>
internal sealed record TestedPower(int Paper, PowerLaw ClosedForm, PowerLaw Measured)
{
    /// <summary>k: how many standard errors the measured power may be from the closed form's. One in 370 is further by luck.</summary>
    public const int StandardErrors = 3;

    /// <summary>How far the closed form's power may be from the paper's at the sizes of a figure.</summary>
    public const double Limit = 0.05;

    /// <summary>Whether the paper's power is what was found.</summary>
    public bool Agrees =>
        Math.Abs(ClosedForm.Power - Paper) <= Limit
        && Math.Abs(Measured.Power - ClosedForm.Power) <= StandardErrors * Measured.StandardError;

    /// <summary>Fits both.</summary>
    /// <param name="paper">The paper's power.</param>
    /// <param name="x">What the variance grows with; at least three values, of which two differ.</param>
    /// <param name="variances">As many.</param>
    /// <exception cref="ArgumentException">There are too few points, or one is not positive.</exception>
    public static TestedPower Fit(int paper, IReadOnlyList<double> x, IReadOnlyList<MeasuredVariance> variances) => new(
        paper,
        PowerLaw.Fit(x, [.. variances.Select(one => one.Theory)]),
        PowerLaw.Fit(x, [.. variances.Select(one => one.Value)], [.. variances.Select(one => one.StandardError / one.Value)]));

    /// <summary>"The variance of FG-A grows with the neurons n₁ to the power of 1 (…)".</summary>
    /// <param name="what">What grows with what.</param>
    public Claim ToClaim(string what) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what} to the power of {Paper} (within {StandardErrors} standard errors of the closed form's "
            + $"{ClosedForm.Power:F3} at these points)"),
        Agrees,
        Measured.ToString());
}
