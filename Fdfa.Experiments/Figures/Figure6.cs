using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Runs;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Fdfa.Experiments.Figures;

/// <summary>Figure 6: the loss after one epoch against the variance of the gradients.</summary>
/// <remarks>
/// Runs: one epoch of a two-layer network (784-1000-10) from the same weights, with BP whose gradients have Gaussian noise of growing
/// standard deviation, and with FG-W, FG-A and FDFA. The variance is that of the gradients of all weights while they train, divided
/// by their expected squared norm (<see cref="EpochOfReference"/>).
/// Reports: more variance, more loss; and the three rules lie on the line of noisy BP.
/// Agrees: where loss grows along the line, variance and loss put FDFA before FG-A before FG-W, and each rule is within
/// a fifth of the line's rise of it. The line is straight between its points.
/// </remarks>
internal static class Figure6
{
    private const double LineTolerance = 0.2;

    /// <summary>Where there is next to no noise the line is level, and rises or falls by luck.</summary>
    private const double LevelTolerance = 0.02;

    private const ulong Seed = 0;

    /// <summary>From next to no noise to gradients of which next to nothing is left.</summary>
    private static readonly double[] s_deviations = [1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 1e-1, 3.16e-1, 1, 3.16, 10];

    private static readonly (LearningRule Rule, Color Color)[] s_rules =
    [
        (LearningRule.WeightPerturbedForwardGradient, PlotPanel.Palette[2]),
        (LearningRule.ActivityPerturbedForwardGradient, PlotPanel.Palette[1]),
        (LearningRule.ForwardDirectFeedbackAlignment, PlotPanel.Palette[0]),
    ];

    /// <summary>The figure.</summary>
    public static Experiment Experiment { get; } = new(
        "fig6",
        "Figure 6: loss after an epoch and the variance of gradients",
        "The more gradients vary, the higher the loss after an epoch; FG-W, FG-A and FDFA lie on the line of BP with Gaussian noise, which makes variance the reason of their differences.",
        "784-100-10, one epoch of the 10,000 embedded images, at a rate that makes up for fewer steps",
        Reproduce);

    /// <summary>A network after its epoch.</summary>
    /// <param name="Series">"noisy BP" or a rule.</param>
    /// <param name="Deviation">Of the noise; 0 for a rule.</param>
    /// <param name="SignalShare">1 − the normalised variance.</param>
    /// <param name="Loss">After the epoch.</param>
    internal sealed record Point(string Series, double Deviation, double SignalShare, double Loss)
    {
        /// <summary>Where it stands on the axis: log₁₀(v/(1 − v)), which tells 0.99 from 0.999.</summary>
        public double Position => Math.Log10((1 - SignalShare) / SignalShare);
    }

    private const string NoisyBackpropagation = "noisy BP";

    private static TrainingOptions OptionsFor(LearningRule rule, bool quick) => Preset.Paper.OptionsFor(rule) with
    {
        // One V for a batch, as in the authors' code: a V per sample takes sixty times as long.
        WeightNoise = WeightNoise.PerBatch,
        LearningRate = Rate(quick),
        FeedbackRate = Rate(quick),
    };

    // The embedded images make a sixth of MNIST's steps.
    private static double Rate(bool quick) => quick ? 6e-4 : 1e-4;

    private static ExperimentResult Reproduce(ExperimentRun run)
    {
        bool quick = run.Request.Quick;
        string topology = quick ? "784-100-10" : "784-1000-10";
        using LoadedData data = run.LoadImages(topology);
        var samples = new ReferenceSamples(data.Training);
        var epoch = new EpochOfReference(Topology.Parse(topology), samples, Seed, run.Cancellation);
        Func<Point>[] runs =
        [
            .. s_rules.Select(one => (Func<Point>)(() =>
            {
                TrainingOptions options = OptionsFor(one.Rule, quick);
                EpochOfReference.Outcome outcome = one.Rule.HasFeedback ? epoch.TrainFeedback(options) : epoch.TrainForwardGradient(options);
                return new Point(one.Rule.Name, 0, outcome.SignalShare, outcome.Loss);
            })),
            .. s_deviations.Select(deviation => (Func<Point>)(() =>
            {
                EpochOfReference.Outcome outcome = epoch.TrainNoisily(OptionsFor(LearningRule.Backpropagation, quick), deviation);
                return new Point(NoisyBackpropagation, deviation, outcome.SignalShare, outcome.Loss);
            })),
        ];
        var points = new Point[runs.Length];
        var done = 0;
        Parallel.For(0, runs.Length, new ParallelOptions { CancellationToken = run.Cancellation }, index =>
        {
            points[index] = runs[index]();
            lock (runs)
            {
                run.Tell(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Describe(points[index])}: variance {1 - points[index].SignalShare:G6}, loss {points[index].Loss:F4} ({++done} of {runs.Length})"));
            }
        });
        Point[] line = [.. points.Where(point => point.Series == NoisyBackpropagation).OrderBy(point => point.Position)];
        Point[] rules = [.. points.Where(point => point.Series != NoisyBackpropagation)];
        return new ExperimentResult(
            "series,noise_deviation,normalised_variance,loss,loss_on_line\n" + string.Concat(points.Select(point => string.Create(
                CultureInfo.InvariantCulture,
                $"{point.Series},{point.Deviation:R},{1 - point.SignalShare:R},{point.Loss:R},{LossOnLine(line, point.Position):R}\n"))),
            [
                $"One epoch of {topology} on {ConsoleOutput.Count(samples.Count, "sample")} of {(quick ? "the embedded part of Fashion-MNIST" : "MNIST")} at batch size 64, from the same Kaiming weights, with Adam at {ConsoleOutput.Plain(Rate(quick))}{(quick ? " in the place of 1e-4, since there are a sixth of MNIST's steps" : "")}, one seed, in double precision; the loss is that of the training samples afterwards.",
                "The variance is what noise or perturbations make of the gradients of all weights at given weights and samples (z₂), divided by the gradients' mean squared norm, both summed over the epoch. The axis is stretched towards 0 and 1: log(v/(1 - v)).",
                "FG-W perturbs the weights once per batch, as the authors' code does.",
            ],
            Claims(line, rules))
        {
            Picture = PlotLibrary.Draw(() => Draw(line, rules)),
        };
    }

    private static IReadOnlyList<Claim> Claims(Point[] line, Point[] rules)
    {
        double rise = line[^1].Loss - line[0].Loss;
        Point[] byVariance = [.. rules.OrderBy(point => point.Position)];
        Point[] byLoss = [.. rules.OrderBy(point => point.Loss)];
        string[] order = [.. s_rules.Reverse().Select(one => one.Rule.Name)];
        return
        [
            new Claim(
                string.Create(CultureInfo.InvariantCulture, $"The loss of noisy BP grows with the variance (no point falls below the one before it by more than {100 * LevelTolerance:F0} % of the rise)"),
                rise > 0 && line.Zip(line.Skip(1), (less, more) => more.Loss - less.Loss > -LevelTolerance * rise).All(grows => grows),
                string.Join(" < ", line.Select(point => ConsoleOutput.Loss(point.Loss)))),
            new Claim(
                $"Variance and loss both order {string.Join(", ", order)}",
                byVariance.Select(point => point.Series).SequenceEqual(order) && byLoss.Select(point => point.Series).SequenceEqual(order),
                string.Join("; ", byVariance.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.Series} {1 - point.SignalShare:G6}, loss {point.Loss:F4}")))),
            .. byVariance.Select(point =>
            {
                double distance = (point.Loss - LossOnLine(line, point.Position)) / rise;
                return new Claim(
                    string.Create(CultureInfo.InvariantCulture, $"{point.Series} lies on the line of noisy BP (within {100 * LineTolerance:F0} % of its rise)"),
                    Math.Abs(distance) <= LineTolerance,
                    string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(100 * distance):F1} % {(distance < 0 ? "below" : "above")}"));
            }),
        ];
    }

    private static string Describe(Point point) => point.Series == NoisyBackpropagation
        ? $"BP with noise of {ConsoleOutput.Plain(point.Deviation)}"
        : point.Series;

    /// <summary>The line between the points of noisy BP, level beyond its ends.</summary>
    private static double LossOnLine(Point[] line, double position)
    {
        int above = Array.FindIndex(line, point => point.Position >= position);
        if (above <= 0)
        {
            return line[above == 0 ? 0 : ^1].Loss;
        }

        (Point left, Point right) = (line[above - 1], line[above]);
        return left.Loss + ((right.Loss - left.Loss) * (position - left.Position) / (right.Position - left.Position));
    }

    private static PlotSheet Draw(Point[] line, Point[] rules)
    {
        Plot plot = PlotPanel.Create("", "Normalised variance of the gradient", "Loss after one epoch");
        var noisy = plot.Add.Scatter(line.Select(point => point.Position).ToArray(), line.Select(point => point.Loss).ToArray());
        noisy.Color = Colors.Black;
        noisy.LineWidth = 2;
        noisy.MarkerSize = 6;
        noisy.LegendText = "BP with Gaussian noise";
        foreach ((LearningRule rule, Color color) in s_rules)
        {
            Point point = rules.First(one => one.Series == rule.Name);
            var marker = plot.Add.Marker(point.Position, point.Loss, MarkerShape.FilledDiamond, 14, color);
            marker.LegendText = rule.Name;
        }

        var ticks = new NumericManual();
        foreach (int nines in Enumerable.Range(1, 8))
        {
            ticks.AddMajor(Math.Log10(Math.Pow(10, nines) - 1), "0." + new string('9', nines));
        }

        ticks.AddMajor(0, "0.5");
        foreach (int zeros in Enumerable.Range(1, 6))
        {
            ticks.AddMajor(-Math.Log10(Math.Pow(10, zeros) - 1), zeros < 4 ? "0." + new string('0', zeros - 1) + "1" : $"1e-{zeros}");
        }
        plot.Axes.Bottom.TickGenerator = ticks;
        plot.Axes.AutoScale();
        plot.Font.Set(PlotPanel.FontFamily);
        plot.ShowLegend(Alignment.UpperLeft);
        return new PlotSheet(Experiment.Title, columns: 1, [plot]);
    }
}
