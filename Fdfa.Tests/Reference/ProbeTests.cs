using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
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
            TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule), FeedbackOrder = order, Perturbations = 2 };
            var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, options, BatchSize);
            var estimator = new GradientEstimator(problem.Network, options, problem.Parameters, seed: 7);
            double[][] before = Copy(problem.Parameters);
            IReadOnlyList<BlockGradient> estimate = estimator.Estimate(Batch(problem), draw: 0);
            IReadOnlyList<BlockGradient> other = estimator.Estimate(Batch(problem), draw: 1);
            Assert.Equal(before, Copy(problem.Parameters));

            StepResult step = problem.CreateNetwork(seed: 7).Step(problem.Inputs, problem.Labels, epoch: 0);
            for (var l = 0; l < 3; l++)
            {
                Assert.Equal(step.Blocks[l].WeightGradient, estimate[l].Weights);
                Assert.Equal(step.Blocks[l].BiasGradient, estimate[l].Biases);
            }

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
        TrainingOptions options = new() { Rule = LearningRule.Parse(rule) };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, BatchSize);
        Assert.Contains("Simultaneous", Assert.Throws<InvalidOptionException>(
            () => new GradientEstimator(problem.Network, options, problem.Parameters, 1)).Message, StringComparison.Ordinal);
        _ = new GradientEstimator(problem.Network, options with { FeedbackOrder = FeedbackOrder.Simultaneous }, problem.Parameters, 1);
        Assert.Throws<ShapeMismatchException>(() => new GradientEstimator(Topology.Parse("5-7-3"), s_averaging, problem.Parameters, 1));
    }

    [Theory]
    [InlineData(new double[] { 1, 0 }, new double[] { 0, 2 }, 90)]
    [InlineData(new double[] { 1, 0 }, new double[] { 3, 3 }, 45)]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 2, 4, 6 }, 0)]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { -2, -4, -6 }, 180)]
    [InlineData(new double[] { 1e-200, 0 }, new double[] { 1e200, 1e200 }, 45)]
    [InlineData(new double[] { 1, 1e-10 }, new double[] { 1, 0 }, 1e-10 * 180 / Math.PI)]
    public void Angles(double[] left, double[] right, double degrees) =>
        Assert.Equal(degrees, GradientAlignment.Angle(left, right), degrees == 0 ? 1e-12 : 1e-12 * degrees);

    [Fact]
    public void Zero_has_no_angle()
    {
        Assert.Equal(double.NaN, GradientAlignment.Angle([0, 0], [1, 0]));
        Assert.Equal(double.NaN, GradientAlignment.Angle([1, 0], [0, 0]));
    }

    /// <summary>Feedback that is the true derivative makes the true gradient; its negative climbs.</summary>
    [Theory]
    [InlineData("BP", 1, 0)]
    [InlineData("DFA", 1, 0)]
    [InlineData("DFA", -1, 180)]
    [InlineData("FDFA", 1, 0)]
    [InlineData("FDFA", -1, 180)]
    [InlineData("DKP", 1, 0)]
    [InlineData("FA", 1, 0)]
    [InlineData("L-FDFA", -1, 180)]
    public void With_one_hidden_block_output_weights_as_feedback_align_the_gradient(string rule, int sign, double degrees)
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule), FeedbackOrder = FeedbackOrder.Simultaneous };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, BatchSize);
        double[] feedback = problem.Parameters.Blocks[0].Feedback;
        for (var i = 0; i < feedback.Length; i++)
        {
            feedback[i] = sign * problem.Parameters.Blocks[1].Weights[i];
        }

        IReadOnlyList<double> angles = GradientAlignment.InDegrees(Estimator(problem), Batch(problem));
        Assert.Equal(degrees, angles[0], 1e-10);
        Assert.Equal(0, angles[1], 1e-10);
    }

    [Fact]
    public void Random_feedback_has_the_angle_of_the_scalar_product()
    {
        var problem = new SmallProblem(
            "5-6-4-3", ActivationFunction.Tanh, s_averaging with { Rule = LearningRule.DirectFeedbackAlignment }, BatchSize);
        IReadOnlyList<double> angles = GradientAlignment.InDegrees(Estimator(problem), Batch(problem), draws: 5);
        IReadOnlyList<BlockGradient> ours = Estimator(problem).Estimate(Batch(problem));
        IReadOnlyList<BlockGradient> truth = Estimator(problem).TrueGradient(Batch(problem));
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
        TrainingOptions options = s_averaging with { Rule = LearningRule.ActivityPerturbedForwardGradient };
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, options, BatchSize);
        GradientEstimator estimator = Estimator(problem);
        double norm = Math.Sqrt(estimator.TrueGradient(Batch(problem))[1].Weights.Sum(g => g * g));
        double variance = GradientVariance.Measure(estimator, [Batch(problem)], draws: 2_000)[1].EstimationVariance;
        foreach (int draws in new[] { 400, 6_400 })
        {
            double expected = Math.Atan(Math.Sqrt(variance / draws) / norm) * 180 / Math.PI;
            Assert.InRange(GradientAlignment.InDegrees(estimator, Batch(problem), draws)[1] / expected, 1 / 1.5, 1.5);
        }
    }

    [Fact]
    public void Feedback_of_zero_has_no_angle()
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.ForwardDirectFeedbackAlignment, FeedbackOrder = FeedbackOrder.Simultaneous };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, BatchSize);
        Array.Clear(problem.Parameters.Blocks[0].Feedback);
        Assert.Equal(double.NaN, GradientAlignment.InDegrees(Estimator(problem), Batch(problem))[0]);
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
        TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule), FeedbackOrder = FeedbackOrder.Simultaneous };
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, options, BatchSize);
        LabelledBatch[] batches = [.. Enumerable.Range(0, BatchSize).Select(s =>
            new LabelledBatch(problem.Inputs[(s * 5)..((s + 1) * 5)], [problem.Labels[s]]))];
        GradientEstimator estimator = Estimator(problem);
        IReadOnlyList<BlockVariance> variance = GradientVariance.Measure(estimator, batches, draws: 1);
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

    [Fact]
    public void Too_few_draws_or_batches_are_refused()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_averaging with { Rule = LearningRule.ActivityPerturbedForwardGradient }, 2);
        GradientEstimator estimator = Estimator(problem);
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientVariance.Measure(estimator, [Batch(problem)], draws: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientVariance.Measure(estimator, [], draws: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientAlignment.InDegrees(estimator, Batch(problem), draws: 0));
        Assert.Throws<ShapeMismatchException>(() => estimator.Estimate(new LabelledBatch(problem.Inputs, [0])));
        Assert.Throws<ShapeMismatchException>(() => GradientAlignment.Angle([1, 2], [1]));
    }

    /// <summary>E_x[∂y⁽ᴸ⁾/∂y⁽ˡ⁾] against central differences, output by neuron; the penultimate one is W⁽ᴸ⁾ (Eq. 13).</summary>
    [Theory]
    [InlineData(ActivationFunction.Tanh)]
    [InlineData(ActivationFunction.ReLU)]
    public void Direct_feedbacks_target_is_the_mean_derivative(ActivationFunction activation)
    {
        var problem = new SmallProblem("5-6-4-7-3", activation, s_averaging, BatchSize);
        IReadOnlyList<double[]> jacobians = FeedbackError.MeanOutputJacobians(
            DenseForward.Run(problem.Network, problem.Parameters, problem.Inputs, BatchSize), problem.Parameters);
        Assert.Equal(3, jacobians.Count);
        VectorAssert.Close(problem.Parameters.Blocks[3].Weights, jacobians[2], 1e-13);
        for (var l = 0; l < 3; l++)
        {
            int neurons = problem.Network.Blocks[l].Outputs;
            var expected = new double[3 * neurons];
            for (var i = 0; i < neurons; i++)
            {
                var directions = new double[]?[4];
                directions[l] = [.. Enumerable.Range(0, BatchSize * neurons).Select(at => at % neurons == i ? 1.0 : 0)];
                double[] column = ShiftedNetwork.CentralDifference(
                    problem.Network, problem.Parameters, problem.Inputs, BatchSize, directions, 1e-5);
                for (var o = 0; o < 3; o++)
                {
                    expected[(o * neurons) + i] = Enumerable.Range(0, BatchSize).Average(s => column[(s * 3) + o]);
                }
            }

            VectorAssert.Close(expected, jacobians[l], 1e-6);
        }

        // Feedback at a known distance from it: 0 in the first block, 0.5 at one connection of the second, B = 0 in the third.
        jacobians[0].CopyTo(problem.Parameters.Blocks[0].Feedback, 0);
        jacobians[1].CopyTo(problem.Parameters.Blocks[1].Feedback, 0);
        problem.Parameters.Blocks[1].Feedback[5] += 0.5;
        Array.Clear(problem.Parameters.Blocks[2].Feedback);
        IReadOnlyList<FeedbackError> errors = FeedbackError.Measure(
            problem.Network, problem.Options.Rule, problem.Parameters, problem.Inputs, BatchSize);
        Assert.Equal(new FeedbackError(0, 0), errors[0]);
        Assert.Equal(0.5, errors[1].Absolute, 1e-12);
        Assert.Equal(0.5 / Math.Sqrt(jacobians[1].Sum(derivative => derivative * derivative)), errors[1].Relative, 1e-12);
        Assert.Equal(1, errors[2].Relative, 1e-12);
    }

    [Fact]
    public void Layerwise_feedbacks_target_is_the_next_blocks_weights()
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.LayerwiseForwardFeedbackAlignment };
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, options, BatchSize);
        problem.Parameters.Blocks[1].Weights.CopyTo(problem.Parameters.Blocks[0].Feedback, 0);
        problem.Parameters.Blocks[0].Feedback[0] -= 0.25;
        Array.Clear(problem.Parameters.Blocks[1].Feedback);
        IReadOnlyList<FeedbackError> errors = FeedbackError.Measure(
            problem.Network, options.Rule, problem.Parameters, problem.Inputs, BatchSize);
        Assert.Equal(0.25, errors[0].Absolute, 1e-12);
        Assert.Equal(1, errors[1].Relative, 1e-12);
        Assert.Equal(Math.Sqrt(problem.Parameters.Blocks[2].Weights.Sum(w => w * w)), errors[1].Absolute, 1e-12);
    }

    [Fact]
    public void A_rule_without_feedback_has_no_feedback_error()
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.Backpropagation };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, BatchSize);
        Assert.Contains("L-FDFA", Assert.Throws<InvalidOptionException>(() => FeedbackError.Measure(
            problem.Network, options.Rule, problem.Parameters, problem.Inputs, BatchSize)).Message, StringComparison.Ordinal);
    }

    private static GradientEstimator Estimator(SmallProblem problem) => new(problem.Network, problem.Options, problem.Parameters, seed: 3);

    private static LabelledBatch Batch(SmallProblem problem) => new(problem.Inputs, problem.Labels);

    private static double[][] Copy(NetworkParameters parameters) =>
        [.. parameters.Blocks.SelectMany(block => new[] { block.Weights, block.Biases, block.Feedback }).Select(values => values.ToArray())];
}
