using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Runs;
using ScottPlot;

namespace Fdfa.Experiments.Figures;

/// <summary>Figure 4: the variance of FDFA's gradient estimates against the feedback rate α.</summary>
/// <remarks>
/// Runs: a two-layer network with Kaiming's weights and feedback that has converged, B⁽¹⁾ = W⁽²⁾; for each α one step of Eq. 8
/// from there, and the gradient of single samples with the B that it leaves (Proposition 2). Nothing is trained: feedback that
/// keeps averaging settles at α/(2 − α) of a step's variance, which is linear in α and not what the figure shows.
/// Reports: a straight line of slope 2 where both axes are logarithmic.
/// Agrees: where the fitted slope is 2 as <see cref="TestedPower"/> has it, and every point is Eq. 19's (with the e that it leaves out)
/// within <see cref="MeasuredVariance.StandardErrors"/> of its standard errors.
/// </remarks>
internal static class Figure4
{

    private static readonly double[] s_rates = [1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 1e-1];

    /// <summary>The figure.</summary>
    public static Experiment Experiment { get; } = new(
        "fig4",
        "Figure 4: variance of FDFA and its feedback rate",
        "The variance of FDFA's gradient estimates grows with the square of the feedback rate α (Proposition 2): "
        + "a slope of 2 on logarithmic axes.",
        "784-100-10, 100 embedded images, each perturbed ten times",
        Reproduce);

    /// <summary>A variance at an α.</summary>
    internal sealed record Point(double Rate, MeasuredVariance Variance);

    private static string TopologyOf(ExperimentRun run) => run.Request.Quick ? "784-100-10" : "784-800-10";

    private static VarianceScale Scale(ExperimentRun run) => run.Request.Quick ? new VarianceScale(100, 10) : VarianceScale.Paper;

    /// <summary>The rule of Proposition 2: feedback is averaged (not Adam's), and used at once.</summary>
    public static TrainingOptions Averaging(double rate) => Preset.Paper.OptionsFor(LearningRule.ForwardDirectFeedbackAlignment) with
    {
        FeedbackOptimizer = OptimizerKind.Sgd,
        FeedbackOrder = FeedbackOrder.FeedbackFirst,
        FeedbackRate = rate,
    };

    /// <summary>All points, measured once.</summary>
    public static IReadOnlyList<Point> Measure(ExperimentRun run) => run.Once<IReadOnlyList<Point>>(Experiment.Name, () =>
    {
        using LoadedData data = run.LoadImages(TopologyOf(run));
        var samples = new ReferenceSamples(data.Training);
        NetworkDescription network = Topology.Parse(TopologyOf(run));
        NetworkParameters parameters = Initialiser.Create(network, Averaging(s_rates[0]), seed: 0);
        parameters.Blocks[1].Weights.CopyTo(parameters.Blocks[0].Feedback, 0);
        VarianceScale scale = Scale(run);
        var points = new List<Point>();
        foreach (double rate in s_rates)
        {
            // Draws of its own for every α: on common ones the slope would be 2 by construction.
            var variance = new EstimationVariance(
                network, Averaging(rate), parameters, index => samples.Single(index), Math.Min(scale.Samples, samples.Count));
            MeasuredVariance measured = variance.Measure(scale.Draws, seed: (ulong)points.Count, run.Cancellation);
            points.Add(new Point(rate, measured));
            run.Tell($"FDFA, α = {ConsoleOutput.Plain(rate)}: {measured} ({points.Count} of {s_rates.Length})");
        }

        return points;
    });

    private static ExperimentResult Reproduce(ExperimentRun run)
    {
        IReadOnlyList<Point> points = Measure(run);
        TestedPower law = Law(points);
        VarianceScale scale = Scale(run);
        return new ExperimentResult(
            $"feedback_rate,{MeasuredVariance.Columns}\n" + string.Concat(points.Select(point =>
                string.Create(CultureInfo.InvariantCulture, $"{point.Rate:R},{point.Variance.ToCsv()}\n"))),
            [
                $"Each point is z₂ (Eq. 18) of the average hidden weight of {TopologyOf(run)}, from "
                + $"{ConsoleOutput.Count(scale.Samples, "sample")} of "
                + $"{(run.Request.Quick ? "the embedded part of Fashion-MNIST" : "MNIST")}, each perturbed {scale.Draws} times, "
                + $"in double precision.",
                "One averaging step from feedback that has converged (B = W of the output), as Proposition 2 has it; the weights are "
                + "Kaiming's, not trained. Feedback that goes on averaging settles at α/(2 - α) of a step's variance, a slope of 1, "
                + "which this figure does not show.",
                "Thin: Eq. 19 with the output error that it leaves out, from exact derivatives.",
            ],
            [
                law.ToClaim("The variance grows with α"),
                MeasuredVariance.ToClaim("Every variance is that of Proposition 2", points.Select(point => point.Variance)),
            ])
        {
            Picture = PlotLibrary.Draw(() => Draw(points, law)),
        };
    }

    /// <summary>The line through the points.</summary>
    public static TestedPower Law(IReadOnlyList<Point> points) =>
        TestedPower.Fit(2, [.. points.Select(point => point.Rate)], [.. points.Select(point => point.Variance)]);

    private static PlotSheet Draw(IReadOnlyList<Point> points, TestedPower law)
    {
        Plot plot = PlotPanel.Create("", "Feedback rate α", "Variance of the gradient estimate");
        double[] rates = [.. points.Select(point => point.Rate)];
        Color blue = PlotPanel.Palette[0];
        LogAxes.AddPoints(plot, rates, [.. points.Select(point => point.Variance.Value)], blue, MarkerShape.FilledSquare, "FDFA");
        LogAxes.AddLine(plot, rates, [.. rates.Select(law.Measured.At)], blue, 2, $"a = {law.Measured}");
        LogAxes.AddLine(plot, rates, [.. points.Select(point => point.Variance.Theory)], Colors.Black, 1, "Proposition 2");
        LogAxes.Finish(plot, Alignment.UpperLeft);
        return new PlotSheet(Experiment.Title, columns: 1, [plot]);
    }
}
