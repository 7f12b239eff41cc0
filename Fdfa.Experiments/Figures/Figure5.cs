using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Runs;
using ScottPlot;

namespace Fdfa.Experiments.Figures;

/// <summary>Figure 5: the variance of FG-W and FG-A against the number of neurons n₁ and of inputs n₀.</summary>
/// <remarks>
/// Runs: two-layer networks whose derivatives keep their size at every width (<see cref="MirroredNetwork"/>), with the pixels of
/// images repeated to have more inputs, as in the paper. Nothing is trained. FG-A leaves the output unperturbed, as in
/// Proposition 6; FG-W perturbs its weights as in training, which is less than 1 % of the variance at 784 inputs and more.
/// Reports: slopes of 1 on logarithmic axes, and of 0 for FG-A against n₀.
/// Agrees: where every fitted slope is theory's as <see cref="TestedPower"/> has it, and every point within
/// <see cref="MeasuredVariance.StandardErrors"/> of its standard errors of the closed form.
/// </remarks>
internal static class Figure5
{
    private const int Pixels = 784;

    /// <summary>The figure.</summary>
    public static Experiment Experiment { get; } = new(
        "fig5",
        "Figure 5: variance of FG-W and FG-A, and the size of the network",
        "The variance of FG-W grows in proportion to neurons and to inputs (Proposition 5), that of FG-A to neurons alone (Proposition 6): "
        + "slopes of 1, and of 0 for FG-A against inputs.",
        "narrower networks, 50 embedded images, each perturbed twenty times",
        Reproduce);

    /// <summary>A variance of one network.</summary>
    /// <param name="Rule">FG-W or FG-A.</param>
    /// <param name="Swept">What varies along this point's line.</param>
    /// <param name="Inputs">n₀.</param>
    /// <param name="Neurons">n₁.</param>
    /// <param name="Variance">Measured, beside the closed form.</param>
    internal sealed record Point(LearningRule Rule, string Swept, int Inputs, int Neurons, MeasuredVariance Variance)
    {
        /// <summary>What varies.</summary>
        public int Width => Swept == SweptNeurons ? Neurons : Inputs;
    }

    /// <summary>Figure 5a's axis.</summary>
    public const string SweptNeurons = "n1";

    /// <summary>Figure 5b's axis.</summary>
    public const string SweptInputs = "n0";

    /// <summary>The two rules, and their powers of n₁ and n₀ in Propositions 5 and 6.</summary>
    public static IReadOnlyList<(LearningRule Rule, int OfNeurons, int OfInputs)> Theory { get; } =
    [
        (LearningRule.WeightPerturbedForwardGradient, 1, 1),
        (LearningRule.ActivityPerturbedForwardGradient, 1, 0),
    ];

    /// <summary>How much is measured.</summary>
    public static VarianceScale Scale(ExperimentRun run) => run.Request.Quick ? new VarianceScale(50, 20) : VarianceScale.Paper;

    private static IReadOnlyList<(string Swept, int Inputs, int Neurons)> Sizes(ExperimentRun run)
    {
        int[] neurons = run.Request.Quick ? [16, 32, 64, 128] : [16, 32, 64, 128, 256, 512, 1024];
        int[] copies = run.Request.Quick ? [1, 2, 4, 8] : [1, 2, 4, 8, 16];
        return
        [
            .. neurons.Select(width => (SweptNeurons, Pixels, width)),
            .. copies.Select(count => (SweptInputs, count * Pixels, run.Request.Quick ? 16 : 100)),
        ];
    }

    /// <summary>A rule of the propositions: nothing is perturbed at the output where that is for the rule to say.</summary>
    public static TrainingOptions OptionsFor(LearningRule rule) =>
        Preset.Paper.OptionsFor(rule) with { OutputGradient = OutputGradient.Exact };

    /// <summary>The variance of a rule in a network of some size.</summary>
    public static EstimationVariance Of(TrainingOptions options, ReferenceSamples samples, int inputs, int neurons, int count)
    {
        var network = new NetworkDescription([inputs, neurons, 10]);
        return new EstimationVariance(
            network, options, MirroredNetwork.Create(network, options), index => samples.Single(index, inputs / Pixels),
            Math.Min(count, samples.Count));
    }

    /// <summary>All points, measured once.</summary>
    public static IReadOnlyList<Point> Measure(ExperimentRun run) => run.Once<IReadOnlyList<Point>>(Experiment.Name, () =>
    {
        using LoadedData data = run.LoadImages("784-16-10");
        var samples = new ReferenceSamples(data.Training);
        VarianceScale scale = Scale(run);
        var points = new List<Point>();
        IReadOnlyList<(string Swept, int Inputs, int Neurons)> sizes = Sizes(run);
        foreach (LearningRule rule in Theory.Select(law => law.Rule))
        {
            foreach ((string swept, int inputs, int neurons) in sizes)
            {
                MeasuredVariance variance = Of(OptionsFor(rule), samples, inputs, neurons, scale.Samples)
                    .Measure(scale.Draws, seed: (ulong)points.Count, run.Cancellation);
                points.Add(new Point(rule, swept, inputs, neurons, variance));
                run.Tell($"{rule}, {inputs}-{neurons}-10: {variance} ({points.Count} of {Theory.Count * sizes.Count})");
            }
        }

        return points;
    });

    /// <summary>The line through a rule's points.</summary>
    public static TestedPower Law(IEnumerable<Point> points, LearningRule rule, string swept)
    {
        Point[] line = [.. points.Where(point => point.Rule == rule && point.Swept == swept)];
        (_, int ofNeurons, int ofInputs) = Theory.Single(law => law.Rule == rule);
        return TestedPower.Fit(
            swept == SweptNeurons ? ofNeurons : ofInputs, [.. line.Select(point => (double)point.Width)],
            [.. line.Select(point => point.Variance)]);
    }

    private static ExperimentResult Reproduce(ExperimentRun run)
    {
        IReadOnlyList<Point> points = Measure(run);
        VarianceScale scale = Scale(run);
        Point fixedNeurons = points.First(point => point.Swept == SweptInputs);
        return new ExperimentResult(
            $"rule,swept,n0,n1,{MeasuredVariance.Columns}\n" + string.Concat(points.Select(point => string.Create(
                CultureInfo.InvariantCulture,
                $"{point.Rule},{point.Swept},{point.Inputs},{point.Neurons},{point.Variance.ToCsv()}\n"))),
            [
                $"Each point is z₂ (Eq. 18) of the average hidden weight of n₀-n₁-10, from {ConsoleOutput.Count(scale.Samples, "sample")} "
                + $"of {(run.Request.Quick ? "the embedded part of Fashion-MNIST" : "MNIST")}, each perturbed {scale.Draws} times, "
                + $"in double precision; left n₀ = {Pixels}, right n₁ = {fixedNeurons.Neurons}.",
                "As the propositions assume, derivatives keep their size at every width: output weights are 1 or -1, and neurons come in "
                + "mirrored pairs that hold the outputs at 0. "
                + "Weights that shrink with the width, as Kaiming's do, would hide the powers of n₁.",
                "FG-W perturbs the output's weights too, which is below 1 % of its variance; FG-A leaves the output unperturbed.",
                "Thin: the propositions' closed forms, from exact derivatives.",
            ],
            [
                .. Theory.SelectMany(law => new[]
                {
                    Law(points, law.Rule, SweptNeurons).ToClaim($"The variance of {law.Rule} grows with the neurons n₁"),
                    Law(points, law.Rule, SweptInputs).ToClaim($"The variance of {law.Rule} grows with the inputs n₀"),
                }),
                MeasuredVariance.ToClaim("Every variance is that of Proposition 5 or 6", points.Select(point => point.Variance)),
            ])
        {
            Picture = PlotLibrary.Draw(() => new PlotSheet(
                Experiment.Title,
                columns: 2,
                [
                    Draw("(a)", $"Number of neurons ({Pixels} inputs)", points, SweptNeurons),
                    Draw("(b)", $"Number of inputs ({fixedNeurons.Neurons} neurons)", points, SweptInputs),
                ])),
        };
    }

    private static Plot Draw(string heading, string axis, IReadOnlyList<Point> points, string swept)
    {
        Plot plot = PlotPanel.Create(heading, axis, "Variance of the gradient estimate");
        foreach ((LearningRule rule, Color color, MarkerShape marker) in new[]
        {
            (Theory[0].Rule, PlotPanel.Palette[1], MarkerShape.FilledTriangleUp),
            (Theory[1].Rule, PlotPanel.Palette[0], MarkerShape.FilledSquare),
        })
        {
            Point[] line = [.. points.Where(point => point.Rule == rule && point.Swept == swept)];
            double[] widths = [.. line.Select(point => (double)point.Width)];
            PowerLaw law = Law(points, rule, swept).Measured;
            LogAxes.AddPoints(plot, widths, [.. line.Select(point => point.Variance.Value)], color, marker, rule.Name);
            LogAxes.AddLine(plot, widths, [.. widths.Select(law.At)], color, 2, $"a = {law}");
            LogAxes.AddLine(plot, widths, [.. line.Select(point => point.Variance.Theory)], Colors.Black, 1, null);
        }

        LogAxes.Finish(plot, Alignment.UpperLeft);
        return plot;
    }
}
