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
/// standard deviation, and with FG-W, FG-A and FDFA; three times, with weights, orders, perturbations and noise of
/// their own. The variance is that of the gradients of all weights while they train, divided by their expected squared norm
/// (<see cref="EpochOfReference"/>).
/// Reports: more variance, more loss; and the three rules lie on the line of noisy BP.
/// Agrees: where loss grows along the line, every seed's variance and loss put FDFA before FG-A before FG-W, and each rule's loss is within
/// a tenth of the line's at the same variance, on the mean over seeds. The line is straight between its points.
/// </remarks>
internal static class Figure6
{
    private const double LineTolerance = 0.1;

    /// <summary>Where there is next to no noise the line is level, and rises or falls by luck.</summary>
    private const double LevelTolerance = 0.02;

    private static readonly ulong[] s_seeds = [0, 1, 2];

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
        "The more gradients vary, the higher the loss after an epoch; "
        + "FG-W, FG-A and FDFA lie on the line of BP with Gaussian noise, which makes variance the reason of their differences.",
        "784-50-10, one epoch of the 10,000 embedded images, at a rate that makes up for fewer steps",
        Reproduce);

    /// <summary>A network after its epoch.</summary>
    /// <param name="Series">"noisy BP" or a rule.</param>
    /// <param name="Deviation">Of the noise; 0 for a rule.</param>
    /// <param name="Seed">Of weights, order and perturbations.</param>
    /// <param name="SignalShare">1 − the normalised variance.</param>
    /// <param name="Loss">After the epoch.</param>
    internal sealed record Point(string Series, double Deviation, ulong Seed, double SignalShare, double Loss)
    {
        /// <summary>Where it stands on the axis: log₁₀(v/(1 − v)), which tells 0.99 from 0.999.</summary>
        public double Position => Math.Log10((1 - SignalShare) / SignalShare);
    }

    /// <summary>A point of the figure: what its seeds came to.</summary>
    /// <param name="Points">One per seed.</param>
    internal sealed record Spread(IReadOnlyList<Point> Points)
    {
        /// <summary>"noisy BP" or a rule.</summary>
        public string Series => Points[0].Series;

        /// <summary>The mean on the axis.</summary>
        public double Position => Points.Average(point => point.Position);

        /// <summary>The mean of 1 − the normalised variance.</summary>
        public double SignalShare => Points.Average(point => point.SignalShare);

        /// <summary>The mean loss.</summary>
        public double Loss => Points.Average(point => point.Loss);

        /// <summary>The losses' sample standard deviation.</summary>
        public double LossDeviation => SeedSpread.Of(Points.Select(point => point.Loss)).Deviation!.Value;
    }

    /// <summary>The series that makes the line.</summary>
    public const string NoisyBackpropagation = "noisy BP";

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
        string topology = quick ? "784-50-10" : "784-1000-10";
        using LoadedData data = run.LoadImages(topology);
        var samples = new ReferenceSamples(data.Training);
        Func<Point>[] runs = [.. s_seeds.SelectMany(
            seed => Runs(seed, new EpochOfReference(Topology.Parse(topology), samples, seed, run.Cancellation), quick))];
        var points = new Point[runs.Length];
        var done = 0;
        Parallel.For(0, runs.Length, new ParallelOptions { CancellationToken = run.Cancellation }, index =>
        {
            points[index] = runs[index]();
            lock (runs)
            {
                run.Tell(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Describe(points[index])}, seed {points[index].Seed}: "
                    + $"variance {1 - points[index].SignalShare:G6}, loss {points[index].Loss:F4} ({++done} of {runs.Length})"));
            }
        });
        return new ExperimentResult(
            "series,noise_deviation,seed,normalised_variance,loss,loss_on_line\n" + string.Concat(points.Select(point => string.Create(
                CultureInfo.InvariantCulture,
                $"{point.Series},{point.Deviation:R},{point.Seed},{1 - point.SignalShare:R},{point.Loss:R},"
                + $"{LossOnLine(points, point):R}\n"))),
            [
                $"One epoch of {topology} on {ConsoleOutput.Count(samples.Count, "sample")} of "
                + $"{(quick ? "the embedded part of Fashion-MNIST" : "MNIST")} at batch size 64, with Adam at "
                + $"{ConsoleOutput.Plain(Rate(quick))}{(quick ? " in the place of 1e-4, since there are a sixth of MNIST's steps" : "")}, "
                + $"in double precision; the loss is that of the training samples afterwards. "
                + $"{ConsoleOutput.Count(s_seeds.Length, "seed")}: each has Kaiming weights and an order of its own, "
                + $"and each point noise or perturbations of its own; marks are means, bars sample standard deviations.",
                "The variance is what noise or perturbations make of the gradients of all weights at given weights and samples (z₂), "
                + "divided by the gradients' mean squared norm, both summed over the epoch. The axis is stretched towards 0 and 1: "
                + "log(v/(1 - v)).",
                "FG-W perturbs the weights once per batch, as the authors' code does.",
            ],
            Claims(points))
        {
            Picture = PlotLibrary.Draw(() => Draw(LineOf(points), RulesOf(points))),
        };
    }

    private static IEnumerable<Func<Point>> Runs(ulong seed, EpochOfReference epoch, bool quick) =>
    [
        .. s_rules.Select(one => (Func<Point>)(() =>
        {
            TrainingOptions options = OptionsFor(one.Rule, quick);
            EpochOfReference.Outcome outcome = one.Rule.HasFeedback ? epoch.TrainFeedback(options) : epoch.TrainForwardGradient(options);
            return new Point(one.Rule.Name, 0, seed, outcome.SignalShare, outcome.Loss);
        })),
        .. s_deviations.Select((deviation, index) => (Func<Point>)(() =>
        {
            // On common noise the line would be smooth by construction, and FG-W's V would be among it.
            ulong noiseSeed = ((ulong)(index + 1) << 32) | seed;
            EpochOfReference.Outcome outcome = epoch.TrainNoisily(OptionsFor(LearningRule.Backpropagation, quick), deviation, noiseSeed);
            return new Point(NoisyBackpropagation, deviation, seed, outcome.SignalShare, outcome.Loss);
        })),
    ];

    private static Spread[] LineOf(IEnumerable<Point> points) =>
        [.. Spreads(points.Where(point => point.Series == NoisyBackpropagation)).OrderBy(spread => spread.Position)];

    private static Spread[] RulesOf(IEnumerable<Point> points) => [.. Spreads(points.Where(point => point.Series != NoisyBackpropagation))];

    private static IEnumerable<Spread> Spreads(IEnumerable<Point> points) =>
        points.GroupBy(point => (point.Series, point.Deviation)).Select(group => new Spread([.. group]));

    /// <summary>What the paper says.</summary>
    /// <param name="points">The line's and the rules', of all seeds.</param>
    internal static IReadOnlyList<Claim> Claims(IReadOnlyList<Point> points)
    {
        Spread[] line = LineOf(points);
        Spread[] rules = RulesOf(points);
        double rise = line[^1].Loss - line[0].Loss;
        string[] order = [.. s_rules.Reverse().Select(one => one.Rule.Name)];
        return
        [
            new Claim(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The loss of noisy BP grows with the variance (no point falls below the one before it by more than "
                    + $"{100 * LevelTolerance:F0} % of the rise)"),
                rise > 0 && line.Zip(line.Skip(1), (less, more) => more.Loss - less.Loss > -LevelTolerance * rise).All(grows => grows),
                string.Join(" < ", line.Select(spread => ConsoleOutput.Loss(spread.Loss)))),
            new Claim(
                $"Variance and loss both order {string.Join(", ", order)}, with every seed",
                s_seeds.All(seed => IsOrdered(seed, point => point.Position) && IsOrdered(seed, point => point.Loss)),
                string.Join(
                    "; ",
                    rules.OrderBy(rule => rule.Position).Select(rule =>
                        string.Create(CultureInfo.InvariantCulture, $"{rule.Series} {1 - rule.SignalShare:G6}, loss {rule.Loss:F4}")))),
            .. rules.OrderBy(rule => rule.Position).Select(rule =>
            {
                (double mean, double? deviation) = SeedSpread.Of(rule.Points.Select(point => (point.Loss / LossOnLine(points, point)) - 1));
                return new Claim(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{rule.Series} lies on the line of noisy BP (within {100 * LineTolerance:F0} % of the "
                        + $"line's loss at its variance)"),
                    Math.Abs(mean) <= LineTolerance,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Math.Abs(100 * mean):F1} ± {100 * deviation!.Value / Math.Sqrt(s_seeds.Length):F1} % "
                        + $"{(mean < 0 ? "below" : "above")}"));
            }),
        ];

        bool IsOrdered(ulong seed, Func<Point, double> value) =>
            rules.SelectMany(rule => rule.Points).Where(point => point.Seed == seed).OrderBy(value).Select(point => point.Series)
                .SequenceEqual(order);
    }

    private static string Describe(Point point) => point.Series == NoisyBackpropagation
        ? $"BP with noise of {ConsoleOutput.Plain(point.Deviation)}"
        : point.Series;

    /// <summary>The line between the points of noisy BP with the same seed, level beyond its ends.</summary>
    private static double LossOnLine(IReadOnlyList<Point> points, Point at)
    {
        Point[] line =
            [.. points.Where(point => point.Series == NoisyBackpropagation && point.Seed == at.Seed).OrderBy(point => point.Position)];
        int above = Array.FindIndex(line, point => point.Position >= at.Position);
        if (above <= 0)
        {
            return line[above == 0 ? 0 : ^1].Loss;
        }

        (Point left, Point right) = (line[above - 1], line[above]);
        return left.Loss + ((right.Loss - left.Loss) * (at.Position - left.Position) / (right.Position - left.Position));
    }

    private static PlotSheet Draw(Spread[] line, Spread[] rules)
    {
        Plot plot = PlotPanel.Create("", "Normalised variance of the gradient", "Loss after one epoch");
        double[] positions = [.. line.Select(spread => spread.Position)];
        double[] losses = [.. line.Select(spread => spread.Loss)];
        plot.Add.ErrorBar(positions, losses, [.. line.Select(spread => spread.LossDeviation)]).Color = Colors.Black;
        var noisy = plot.Add.Scatter(positions, losses);
        noisy.Color = Colors.Black;
        noisy.LineWidth = 2;
        noisy.MarkerSize = 6;
        noisy.LegendText = "BP with Gaussian noise";
        foreach ((LearningRule rule, Color color) in s_rules)
        {
            Spread spread = rules.First(one => one.Series == rule.Name);
            plot.Add.ErrorBar([spread.Position], [spread.Loss], [spread.LossDeviation]).Color = color;
            var marker = plot.Add.Marker(spread.Position, spread.Loss, MarkerShape.FilledDiamond, 14, color);
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
