using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

public sealed class ProbeTests
{
    private const int BatchSize = 6;

    private static readonly TrainingOptions s_averaging = new()
    {
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackOptimizer = OptimizerKind.Sgd,
        FeedbackRate = 0.3,
    };

    public static TheoryData<string> AllRules => [.. LearningRule.All.Select(rule => rule.Name)];

    /// <summary>The network's step and the probe each call the rule in their own order: they must agree.</summary>
    [Theory]
    [MemberData(nameof(AllRules))]
    public void An_estimate_is_what_a_training_step_gives_its_optimizers(string rule)
    {
        foreach (FeedbackOrder order in Enum.GetValues<FeedbackOrder>())
        {
            SmallProblem problem = Problem("5-6-4-3", rule, s_averaging with { FeedbackOrder = order, Perturbations = 2 });
            double[][] Parameters() =>
                [.. problem.Parameters.Blocks.SelectMany(block => new[] { block.Weights, block.Biases, block.Feedback })];
            double[][] before = [.. Parameters().Select(values => values.ToArray())];
            GradientEstimator estimator = problem.Estimator(seed: 7);
            IReadOnlyList<BlockGradient> estimate = estimator.Estimate(problem.Batch, draw: 0);
            IReadOnlyList<BlockGradient> other = estimator.Estimate(problem.Batch, draw: 1);
            Assert.Equal(before, Parameters());

            StepResult step = problem.Step(seed: 7);
            Assert.Equal(step.Blocks.Select(block => block.WeightGradient), estimate.Select(block => block.Weights));
            Assert.Equal(step.Blocks.Select(block => block.BiasGradient), estimate.Select(block => block.Biases));
            bool isRandom = rule is "FG-W" or "FG-A" or "LG-FG-A" || (rule == "FDFA" && order == FeedbackOrder.FeedbackFirst);
            Assert.Equal(isRandom, estimator.IsRandom);
            Assert.Equal(isRandom, !estimate[0].Weights.SequenceEqual(other[0].Weights));
        }
    }

    [Theory]
    [InlineData("FDFA")]
    [InlineData("DKP")]
    public void What_Adam_would_make_of_feedback_is_refused(string rule)
    {
        SmallProblem problem = Problem("5-6-3", rule, new());
        Assert.Contains("Simultaneous", Assert.Throws<InvalidOptionException>(() => problem.Estimator()).Message, StringComparison.Ordinal);
        _ = (problem with { Options = problem.Options with { FeedbackOrder = FeedbackOrder.Simultaneous } }).Estimator();
        Assert.Throws<ShapeMismatchException>(() => new GradientEstimator(Topology.Parse("5-7-3"), s_averaging, problem.Parameters, 1));
    }

    [Theory]
    [InlineData(new double[] { 1, 0 }, new double[] { 0, 2 }, 90)]
    [InlineData(new double[] { 1, 0 }, new double[] { 3, 3 }, 45)]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 2, 4, 6 }, 0)]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { -2, -4, -6 }, 180)]
    [InlineData(new double[] { 1e-200, 0 }, new double[] { 1e200, 1e200 }, 45)]
    [InlineData(new double[] { 1, 1e-10 }, new double[] { 1, 0 }, 1e-10 * 180 / Math.PI)]
    [InlineData(new double[] { 0, 0 }, new double[] { 1, 0 }, double.NaN)]
    [InlineData(new double[] { 1, 0 }, new double[] { 0, 0 }, double.NaN)]
    public void Angles(double[] left, double[] right, double degrees) =>
        Assert.Equal(degrees, GradientAlignment.Angle(left, right), degrees > 0 ? 1e-12 * degrees : 1e-12);

    /// <summary>Feedback that is the true derivative makes the true gradient; its negative climbs, and zero goes nowhere.</summary>
    [Theory]
    [InlineData("BP", 1, 0)]
    [InlineData("DFA", 1, 0)]
    [InlineData("DFA", -1, 180)]
    [InlineData("FDFA", 1, 0)]
    [InlineData("FDFA", -1, 180)]
    [InlineData("FDFA", 0, double.NaN)]
    [InlineData("DKP", 1, 0)]
    [InlineData("FA", 1, 0)]
    [InlineData("L-FDFA", -1, 180)]
    public void With_one_hidden_block_output_weights_as_feedback_align_the_gradient(string rule, int factor, double degrees)
    {
        SmallProblem problem = Problem("5-6-3", rule, s_averaging with { FeedbackOrder = FeedbackOrder.Simultaneous });
        problem = rule == "BP" ? problem : problem.WithWeightsAsFeedback(factor);
        IReadOnlyList<double> angles = GradientAlignment.InDegrees(problem.Estimator(), problem.Batch);
        Assert.Equal(degrees, angles[0], 1e-10);
        Assert.Equal(0, angles[1], 1e-10);
    }

    [Fact]
    public void Random_feedback_has_the_angle_of_the_scalar_product()
    {
        SmallProblem problem = Problem("5-6-4-3", "DFA", s_averaging);
        IReadOnlyList<double> angles = GradientAlignment.InDegrees(problem.Estimator(), problem.Batch, draws: 5);
        IReadOnlyList<BlockGradient> ours = problem.Estimator().Estimate(problem.Batch);
        IReadOnlyList<BlockGradient> truth = problem.Estimator().TrueGradient(problem.Batch);
        for (var l = 0; l < 2; l++)
        {
            double[] a = ours[l].Weights;
            double[] b = truth[l].Weights;
            double cosine = a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(y => y * y));
            Assert.Equal(Math.Acos(cosine) * 180 / Math.PI, angles[l], 1e-9);
            Assert.InRange(angles[l], 1, 179);
        }

        Assert.Equal(0, angles[2], 1e-10);
    }

    /// <summary>
    /// The mean of D draws of an unbiased rule stands at about atan(√(z₂/D)/‖∂L/∂W‖), which falls with √D. (The part of the noise that
    /// lies along the gradient is one of 24 weights: a factor of 1.5 either way holds it and the luck of one mean.)
    /// </summary>
    [Fact]
    public void More_draws_align_a_forward_gradient_as_its_variance_says()
    {
        SmallProblem problem = Problem("5-6-4-3", "FG-A", s_averaging);
        GradientEstimator estimator = problem.Estimator();
        double norm = Math.Sqrt(estimator.TrueGradient(problem.Batch)[1].Weights.Sum(g => g * g));
        double variance = GradientVariance.Measure(estimator, [problem.Batch], draws: 2_000)[1].EstimationVariance;
        foreach (int draws in new[] { 200, 3_200 })
        {
            double expected = Math.Atan(Math.Sqrt(variance / draws) / norm) * 180 / Math.PI;
            Assert.InRange(GradientAlignment.InDegrees(estimator, problem.Batch, draws)[1] / expected, 1 / 1.5, 1.5);
        }
    }

    /// <summary>z₂ is exactly zero (Table 4), and z₁ the variance of the batches' gradients.</summary>
    [Theory]
    [InlineData("BP")]
    [InlineData("DFA")]
    [InlineData("DKP")]
    [InlineData("FDFA")]
    [InlineData("FA")]
    [InlineData("DRTP")]
    [InlineData("L-FDFA")]
    public void A_rule_that_is_not_random_has_only_the_variance_of_the_data(string rule)
    {
        SmallProblem problem = Problem("5-6-4-3", rule, s_averaging with { FeedbackOrder = FeedbackOrder.Simultaneous });
        LabelledBatch[] batches = [.. problem.Inputs.Chunk(5).Zip(problem.Labels, (inputs, label) => new LabelledBatch(inputs, [label]))];
        GradientEstimator estimator = problem.Estimator();
        IReadOnlyList<BlockVariance> variance = GradientVariance.Measure(estimator, batches, draws: 2);
        for (var l = 0; l < 3; l++)
        {
            double[][] gradients = [.. batches.Select(batch => estimator.Estimate(batch)[l].Weights)];
            double expected = Enumerable.Range(0, gradients[0].Length).Sum(i => Sample.Variance([.. gradients.Select(g => g[i])]));
            double squaredNorm = gradients.Average(g => g.Sum(value => value * value));
            Assert.Equal(0, variance[l].EstimationVariance);
            Assert.Equal(1, variance[l].DataVariance / expected, 1e-12);
            Assert.Equal(1, variance[l].SquaredNorm / squaredNorm, 1e-12);
            Assert.Equal(expected / squaredNorm, variance[l].Normalised, 1e-12);
            Assert.Equal(gradients[0].Length, variance[l].Weights);
        }
    }

    /// <summary>Zero is found, not assumed: DFA that a perturbation gets into is not.</summary>
    [Fact]
    public void A_perturbation_in_a_rule_that_should_have_none_is_found()
    {
        SmallProblem problem = Problem("5-6-4-3", "DFA", s_averaging);
        var estimator = new GradientEstimator(problem.Network, problem.Options, problem.Parameters, 0, new PerturbedFeedback());
        Assert.False(estimator.IsRandom);
        Assert.All(
            GradientVariance.Measure(estimator, [problem.Batch], draws: 2).SkipLast(1),
            block => Assert.InRange(block.EstimationVariance, 1e-20, 1e-10));
    }

    [Fact]
    public void Too_few_draws_or_batches_are_refused()
    {
        SmallProblem problem = Problem("5-6-3", "FG-A", s_averaging);
        GradientEstimator estimator = problem.Estimator();
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientVariance.Measure(estimator, [problem.Batch], draws: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientVariance.Measure(estimator, [], draws: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientAlignment.InDegrees(estimator, problem.Batch, draws: 0));
        Assert.Throws<ShapeMismatchException>(() => estimator.Estimate(new LabelledBatch(problem.Inputs, [0])));
        Assert.Throws<ShapeMismatchException>(() => GradientAlignment.Angle([1, 2], [1]));
    }

    public static TheoryData<SmallProblem> DirectFeedback =>
    [
        new("5-6-4-7-3", ActivationFunction.Tanh, s_averaging, BatchSize),
        new("5-6-4-7-3", ActivationFunction.ReLU, s_averaging, BatchSize),
        .. Enum.GetValues<PerturbationSite>().Select(site => new SmallProblem(
            "2C3-P2-2C3+1-3-2", ActivationFunction.Tanh, s_averaging with { PerturbationSite = site }, 3, 1,
            new ImageShape(1, 7, 6), true)),
    ];

    /// <summary>E_x[∂y⁽ᴸ⁾/∂v] against central differences by each sample's own values v at the site.</summary>
    [Theory]
    [MemberData(nameof(DirectFeedback))]
    public void Direct_feedbacks_target_is_the_mean_derivative(SmallProblem problem)
    {
        IReadOnlyList<double[]> jacobians = FeedbackError.MeanOutputJacobians(
            problem.Begin().Forward, problem.Parameters, problem.Options.PerturbationSite);
        Assert.Equal(problem.Network.Blocks.Count - 1, jacobians.Count);
        for (var l = 0; l < jacobians.Count; l++)
        {
            int values = problem.Network.Blocks[l].SizeAt(problem.Options.PerturbationSite);
            var expected = new double[problem.Network.OutputSize * values];
            for (var at = 0; at < problem.BatchSize * values; at++)
            {
                var directions = new double[]?[jacobians.Count + 1];
                directions[l] = new double[problem.BatchSize * values];
                directions[l]![at] = 1;
                double[] column = problem.Definition().Tangents(directions)[^1].Chunk(problem.Network.OutputSize).ElementAt(at / values);
                for (var o = 0; o < column.Length; o++)
                {
                    expected[(o * values) + (at % values)] += column[o] / problem.BatchSize;
                }
            }

            VectorAssert.Close(expected, jacobians[l], 1e-6);
        }
    }

    /// <summary>
    /// Direct feedback stands for the Jacobian, that of the penultimate block being W⁽ᴸ⁾ (Eq. 13); layerwise feedback for W⁽ˡ⁺¹⁾.
    /// </summary>
    [Theory]
    [InlineData("FDFA")]
    [InlineData("L-FDFA")]
    public void A_feedback_error_is_the_distance_from_what_feedback_stands_for(string rule)
    {
        SmallProblem problem = Problem("5-6-4-7-3", rule, s_averaging);
        double[][] weights = [.. problem.Parameters.Blocks.Skip(1).Select(block => block.Weights)];
        IReadOnlyList<double[]> targets = rule == "L-FDFA"
            ? weights
            : FeedbackError.MeanOutputJacobians(problem.Begin().Forward, problem.Parameters);
        VectorAssert.Close(weights[2], targets[2], 1e-13);

        // Nothing in the first block, 0.5 at one connection of the second, all of it in the third.
        targets[0].CopyTo(problem.Parameters.Blocks[0].Feedback, 0);
        targets[1].CopyTo(problem.Parameters.Blocks[1].Feedback, 0);
        problem.Parameters.Blocks[1].Feedback[5] += 0.5;
        Array.Clear(problem.Parameters.Blocks[2].Feedback);
        IReadOnlyList<FeedbackError> errors = FeedbackError.Measure(
            problem.Network, problem.Options.Rule, problem.Parameters, problem.Inputs, BatchSize);
        double Norm(int index) => Math.Sqrt(targets[index].Sum(value => value * value));
        Assert.Equal(new FeedbackError(0, 0), errors[0]);
        Assert.Equal(0.5, errors[1].Absolute, 1e-12);
        Assert.Equal(0.5 / Norm(1), errors[1].Relative, 1e-12);
        Assert.Equal(Norm(2), errors[2].Absolute, 1e-12);
        Assert.Equal(1, errors[2].Relative, 1e-12);
    }

    [Fact]
    public void A_rule_without_feedback_has_no_feedback_error()
    {
        SmallProblem problem = Problem("5-6-3", "BP", s_averaging);
        Assert.Contains("L-FDFA", Assert.Throws<InvalidOptionException>(() => FeedbackError.Measure(
            problem.Network, problem.Options.Rule, problem.Parameters, problem.Inputs, BatchSize)).Message, StringComparison.Ordinal);
    }

    private static SmallProblem Problem(string topology, string rule, TrainingOptions options) =>
        new(topology, ActivationFunction.Tanh, options with { Rule = LearningRule.Parse(rule) }, BatchSize);

    /// <summary>DFA whose error has a millionth of a perturbation in it.</summary>
    private sealed class PerturbedFeedback : IRule
    {
        public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents) => DirectProjection.Run(
            step,
            [.. step.OutputError.Select((error, index) => error + (1e-6 * step.Noise.OfWeight(1, 0, index, step.OutputError.Length)))]);
    }
}
