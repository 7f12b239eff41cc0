using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Figures;

/// <summary>Table 4: the estimation variance of each algorithm given a single input sample, theory beside measurement.</summary>
/// <remarks>
/// Runs: z₂ of all five in one network of Figure 5, and the powers that Figures 4 and 5 measure.
/// Reports: 0 for BP and DFA, O(n₁n₀) for FG-W, O(n₁) for FG-A, and 0 for FDFA as α → 0.
/// Agrees: where BP's and DFA's variances are zero to the last bit over draws of different perturbations, the fitted powers are the paper's
/// as <see cref="TestedPower"/> has it, and FDFA's falls with α².
/// </remarks>
internal static class Table4
{
    private const int Inputs = 784;
    private const int Neurons = 64;

    /// <summary>The rate of Appendix A.</summary>
    private const double Rate = 1e-4;

    /// <summary>The table.</summary>
    public static Experiment Experiment { get; } = new(
        "table4",
        "Table 4: estimation variance given a single input sample",
        "BP and DFA are deterministic; the variance of FG-W is O(n₁n₀), that of FG-A O(n₁), and that of FDFA vanishes as α → 0.",
        "as fig4 and fig5, which it measures",
        Reproduce);

    /// <summary>An algorithm.</summary>
    /// <param name="Rule">The rule.</param>
    /// <param name="Theory">Its order, as the paper has it.</param>
    /// <param name="Variance">z₂, measured.</param>
    /// <param name="OfNeurons">The power of n₁; null where the paper has none.</param>
    /// <param name="OfInputs">The power of n₀.</param>
    /// <param name="OfRate">The power of α.</param>
    internal sealed record Row(
        LearningRule Rule, string Theory, double Variance, TestedPower? OfNeurons, TestedPower? OfInputs, TestedPower? OfRate);

    private static ExperimentResult Reproduce(ExperimentRun run)
    {
        IReadOnlyList<Figure5.Point> sizes = Figure5.Measure(run);
        TestedPower ofRate = Figure4.Law(Figure4.Measure(run));
        VarianceScale scale = Figure5.Scale(run);
        using LoadedData data = run.LoadImages("784-64-10");
        var samples = new ReferenceSamples(data.Training);
        Row[] rows =
        [
            new(LearningRule.Backpropagation, "0", Variance(Preset.Paper.OptionsFor(LearningRule.Backpropagation)), null, null, null),
            Forward(LearningRule.WeightPerturbedForwardGradient, "O(n₁n₀)"),
            Forward(LearningRule.ActivityPerturbedForwardGradient, "O(n₁)"),
            new(
                LearningRule.DirectFeedbackAlignment,
                "0",
                Variance(Preset.Paper.OptionsFor(LearningRule.DirectFeedbackAlignment)),
                null,
                null,
                null),
            new(LearningRule.ForwardDirectFeedbackAlignment, "0 as α → 0", Variance(Figure4.Averaging(Rate)), null, null, ofRate),
        ];

        return new ExperimentResult(
            "rule,theory,variance,power_of_n1,standard_error_of_n1,power_of_n0,standard_error_of_n0,power_of_alpha,"
            + "standard_error_of_alpha\n"
            + string.Concat(rows.Select(row => string.Join(
                ',', row.Rule.Name, row.Theory, Number(row.Variance), Csv(row.OfNeurons), Csv(row.OfInputs), Csv(row.OfRate)) + "\n")),
            [
                $"z₂ (Eq. 18) of the average hidden weight of {Inputs}-{Neurons}-10 with derivatives of a size that does not depend on "
                + $"widths (Figure 5's), from {ConsoleOutput.Count(scale.Samples, "sample")} of "
                + $"{(run.Request.Quick ? "the embedded part of Fashion-MNIST" : "MNIST")}, each perturbed {scale.Draws} times.",
                "Powers of n₁ and n₀ are Figure 5's and the power of α is Figure 4's, with the standard errors of their fits.",
                $"FDFA's variance is that of one averaging step at α = {ConsoleOutput.Plain(Rate)}, "
                + "from feedback that has converged (Proposition 2).",
            ],
            Claims(rows))
        {
            Table = new ReportTable(
                ["Algorithm", "Paper", "Variance", "Power of n₁", "Power of n₀", "Power of α"],
                [.. rows.Select(
                    row =>
                        new[]
                        {
                            row.Rule.Name, row.Theory, Scientific(row.Variance), Text(row.OfNeurons), Text(row.OfInputs), Text(row.OfRate),
                        })],
                TextColumns: 2),
        };

        Row Forward(LearningRule rule, string theory) => new(
            rule,
            theory,
            sizes.First(point => point.Rule == rule && (point.Inputs, point.Neurons) == (Inputs, Neurons)).Variance.Value,
            Figure5.Law(sizes, rule, Figure5.SweptNeurons),
            Figure5.Law(sizes, rule, Figure5.SweptInputs),
            null);

        double Variance(TrainingOptions options) =>
            Figure5.Of(options, samples, Inputs, Neurons, scale.Samples).Measure(scale.Draws, seed: 1_000_000, run.Cancellation).Value;
    }

    /// <summary>What the paper says.</summary>
    /// <param name="rows">One per algorithm.</param>
    internal static IReadOnlyList<Claim> Claims(IReadOnlyList<Row> rows)
    {
        Row Of(LearningRule rule) => rows.First(row => row.Rule == rule);
        Row fgA = Of(LearningRule.ActivityPerturbedForwardGradient);
        Row fgW = Of(LearningRule.WeightPerturbedForwardGradient);
        Row fdfa = Of(LearningRule.ForwardDirectFeedbackAlignment);
        Row[] zero = [Of(LearningRule.Backpropagation), Of(LearningRule.DirectFeedbackAlignment)];
        return
        [
            new Claim(
                "BP and DFA have no estimation variance (exactly 0 over two draws of every sample)", zero.All(row => row.Variance == 0),
                string.Join(", ", zero.Select(row => $"{row.Rule} {Scientific(row.Variance)}"))),
            Orders("FG-W is O(n₁n₀): powers of 1 and 1", fgW),
            Orders("FG-A is O(n₁): powers of 1 and 0", fgA),
            fdfa.OfRate!.ToClaim("FDFA vanishes with α"),
            new Claim(
                "FG-W has more variance than FG-A, and FG-A more than FDFA", fgW.Variance > fgA.Variance && fgA.Variance > fdfa.Variance,
                string.Join(" > ", new[] { fgW, fgA, fdfa }.Select(row => Scientific(row.Variance)))),
        ];
    }

    private static Claim Orders(string what, Row row) => new(
        $"{what} (within {TestedPower.StandardErrors} standard errors of the closed forms')", row.OfNeurons!.Agrees && row.OfInputs!.Agrees,
        $"{row.OfNeurons!.Measured} and {row.OfInputs!.Measured}");

    private static string Scientific(double value) => value == 0 ? "0" : value.ToString("0.00E+0", CultureInfo.InvariantCulture);

    private static string Text(TestedPower? law) => law?.Measured.ToString() ?? "–";

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Csv(TestedPower? law) => law is null ? "," : $"{Number(law.Measured.Power)},{Number(law.Measured.StandardError)}";
}
