using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Lemma 4 and Propositions 1, 2, 5 and 6 of the paper, numerically.</summary>
public sealed class VarianceTests
{
    private static readonly double[] s_widths = [16, 32, 64, 128, 256];

    /// <summary>
    /// Lemma 4: Var[(x·v) v_i] = x_i² + ‖x‖² for normal noise. For Rademacher noise v_i² is always 1, and what is left is ‖x‖² − x_i².
    /// </summary>
    /// <remarks>
    /// 4 standard errors of a variance, √((μ₄ − σ⁴)/n) with the sample's own μ₄, for each of five: 99.97 % (Bonferroni).
    /// </remarks>
    [Theory]
    [InlineData(NoiseDistribution.Normal, 1)]
    [InlineData(NoiseDistribution.Rademacher, -1)]
    public void Lemma_4(NoiseDistribution distribution, int signOfSquare)
    {
        const int Draws = 100_000;
        double[] x = [0.3, -1.2, 2, 0.05, -0.7];
        double[] v = new PerturbationNoise(31, 0, distribution).OfActivations(1, Draws, x.Length);
        for (var i = 0; i < x.Length; i++)
        {
            double[] squares = [.. Enumerable.Range(0, Draws).Select(draw =>
            {
                double projection = x.Select((value, j) => value * v[(draw * x.Length) + j]).Sum();
                return Math.Pow((projection * v[(draw * x.Length) + i]) - x[i], 2);
            })];
            Sample.AssertMean((signOfSquare * x[i] * x[i]) + x.Sum(value => value * value), squares, 4);
        }
    }

    /// <summary>
    /// Proposition 1: Var[g] = z₁ + z₂, from single draws of (x, v) on one side and the exact z₁ and z₂ on the other; the probe finds both.
    /// </summary>
    /// <remarks>
    /// x is one of six samples, drawn with replacement, so that z₁ = Var_x[∂L/∂w] and z₂ = E_x[(δ_i² + ‖δ‖²)(σ'_i x_j)²] (Proposition 6)
    /// are finite sums. Forty independent repetitions; 4 standard errors of their mean at 39 degrees of freedom: 99.97 % each, 99.9 %
    /// together.
    /// </remarks>
    [Fact]
    public void Proposition_1()
    {
        const int Population = 6;
        const int Batches = 100;
        const int Draws = 2;
        var options = new TrainingOptions { Rule = LearningRule.ActivityPerturbedForwardGradient, OutputGradient = OutputGradient.Exact };
        var problem = new SmallProblem("3-5-4", ActivationFunction.Tanh, options, Population);
        SmallProblem[] samples =
            [.. problem.Inputs.Chunk(3).Zip(problem.Labels, (x, label) => problem with { Inputs = x, Labels = [label] })];
        LabelledBatch[] population = [.. samples.Select(sample => sample.Batch)];
        double[][] gradients = [.. population.Select(x =>
            problem.Estimator().TrueGradient(x)[0].Weights)];
        double z1 = Enumerable.Range(0, 15).Sum(i => Sample.Variance([.. gradients.Select(g => g[i])]) * (Population - 1) / Population);
        double z2 = samples.Average(ActivityPerturbed);

        var random = new Random(8);
        var (data, estimation, total, norm) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (ulong repetition = 0; repetition < 40; repetition++)
        {
            LabelledBatch[] batches = [.. Enumerable.Range(0, Batches).Select(_ => population[random.Next(Population)])];
            GradientEstimator estimator = problem.Estimator(repetition);
            BlockVariance variance = GradientVariance.Measure(estimator, batches, Draws)[0];
            data.Add(variance.DataVariance);
            estimation.Add(variance.EstimationVariance);
            norm.Add(variance.SquaredNorm);
            double[][] single = [.. batches.Select((x, index) => estimator.Estimate(x, (uint)(index * Draws))[0].Weights)];
            total.Add(Enumerable.Range(0, 15).Sum(i => Sample.Variance([.. single.Select(g => g[i])])));
        }

        Sample.AssertMean(z1 + z2, total, 4);
        Sample.AssertMean(z1, data, 4);
        Sample.AssertMean(z2, estimation, 4);
        Sample.AssertMean(z1 + z2 + Enumerable.Range(0, 15).Sum(i => Math.Pow(gradients.Average(g => g[i]), 2)), norm, 4);
    }

    /// <summary>Proposition 2: after one averaging step from B = W⁽²⁾ the variance of FDFA's gradient falls with α².</summary>
    /// <remarks>
    /// Eq. 19 leaves out e, which Eq. 21 still has: the variance is α² (δ_i² + ‖δ‖²)(σ'_i x_j)² with δ = e W⁽²⁾, as Proposition 6 with
    /// a factor α². That is one step of Eq. 8 from a feedback that is given. The running average itself settles at
    /// Σ_t α²(1 − α)²ᵗ = α/(2 − α) times the variance of one d ⊗ u, which is linear in α: the law holds for the step, not for the
    /// feedback that many steps leave behind (the next test). And it is the law of averaging (SGD), not of Adam.
    /// <para>
    /// Every α has draws of its own: on common ones the power would be 2 by construction. The variance of 3,000 draws has a standard
    /// error of about 4 %, the power one of 0.01 (measured: 2.003); a tenth is far beyond 99.9 %. Each variance is within 20 %, five
    /// standard errors.
    /// </para>
    /// </remarks>
    [Fact]
    public void Proposition_2()
    {
        double[] rates = [0.001, 0.004, 0.016, 0.064, 0.256];
        TrainingOptions fdfa = new()
        {
            Rule = LearningRule.ForwardDirectFeedbackAlignment,
            FeedbackOrder = FeedbackOrder.FeedbackFirst,
            FeedbackOptimizer = OptimizerKind.Sgd,
        };
        SmallProblem problem = new SmallProblem("6-8-4", ActivationFunction.Tanh, fdfa, batchSize: 1).WithWeightsAsFeedback();
        double[] variances = [.. rates.Select((alpha, index) => GradientVariance.Measure(
            (problem with { Options = fdfa with { FeedbackRate = alpha } }).Estimator((ulong)index), [problem.Batch], 3_000)[0]
            .EstimationVariance)];

        Assert.InRange(Sample.Power(rates, variances), 1.9, 2.1);
        double atOne = ActivityPerturbed(problem);
        Assert.All(rates.Zip(variances), pair => Assert.InRange(pair.Second / (pair.First * pair.First * atOne), 0.8, 1.2));
    }

    /// <summary>What Proposition 2 does not say: feedback that has averaged for long varies with α/(2 − α), linear in α.</summary>
    /// <remarks>
    /// Eight time constants of Eq. 8 from B = W⁽²⁾, in 150 networks that differ in their seed alone; the variance of one d ⊗ u is Lemma
    /// 4's, W_oi² + ‖W_o‖². The sum over 24 connections has a relative standard error of about 6 %; 25 % is four.
    /// </remarks>
    [Fact]
    public void The_running_averages_variance_is_linear_in_alpha()
    {
        const int Networks = 150;
        double[] rates = [0.4, 0.1, 0.025];
        var variances = new List<double>();
        foreach (double alpha in rates)
        {
            TrainingOptions options = new()
            {
                FeedbackOptimizer = OptimizerKind.Sgd,
                WeightOptimizer = OptimizerKind.Sgd,
                LearningRate = 1e-300,
                FeedbackRate = alpha,
            };
            SmallProblem problem = new SmallProblem("3-6-4", ActivationFunction.Tanh, options, batchSize: 1).WithWeightsAsFeedback();
            double[] w = problem.Parameters.Blocks[1].Weights;
            double[][] feedback = [.. Enumerable.Range(0, Networks).Select(seed =>
            {
                ReferenceNetwork network = problem.CreateNetwork(seed: (ulong)seed);
                for (var step = 0; step < 8 / alpha; step++)
                {
                    network.Step(problem.Inputs, problem.Labels, epoch: 0);
                }

                return network.Parameters.Blocks[0].Feedback;
            })];
            double one = w.Select((value, at) => (value * value) + SquaredNorm(w[(at / 6 * 6)..((at / 6 * 6) + 6)])).Sum();
            variances.Add(w.Select((_, at) => Sample.Variance([.. feedback.Select(b => b[at])])).Sum());
            Assert.InRange(variances[^1] / (alpha / (2 - alpha) * one), 0.75, 1.25);
        }

        Assert.InRange(Sample.Power([.. rates.Select(alpha => alpha / (2 - alpha))], variances), 0.9, 1.1);
    }

    /// <summary>
    /// Proposition 6: FG-A's variance per weight is linear in n₁ and does not depend on n₀. Proposition 5: FG-W's is linear in both (Figure
    /// 5).
    /// </summary>
    /// <remarks>
    /// The closed form and Monte-Carlo (1,000 draws) must both have the power, and agree: the variance of the draws has a relative standard
    /// error of 5 to 7 % (√(2/1000), and the spread of ‖u‖² in the narrowest block), so 30 % is beyond 4 of them, and that of the power is
    /// 0.03 at most: a tenth is 99.9 %. <see cref="Widened"/> says how the assumption is met; the output is not perturbed (u⁽²⁾ = 0) with
    /// <see cref="OutputGradient.Exact"/>. V⁽²⁾ = 0 is made so, not subtracted: the rule is handed its own tangents with what V⁽²⁾ gave
    /// them left out. Biases are perturbed like weights, being those of one more input that is always 1. Measured: powers of 1.00, 0.01,
    /// 1.01 and 0.96; closed forms 0.98 (it is that of 1 + n₁), 0, 1.00 and 0.98 (n₀ + 1).
    /// </remarks>
    [Theory]
    [InlineData("FG-A", true, 1)]
    [InlineData("FG-A", false, 0)]
    [InlineData("FG-W", true, 1)]
    [InlineData("FG-W", false, 1)]
    public void Propositions_5_and_6(string rule, bool isHiddenWidth, double power)
    {
        const int Draws = 1_000;
        var options = new TrainingOptions { Rule = LearningRule.Parse(rule), OutputGradient = OutputGradient.Exact };
        var (exact, measured) = (new List<double>(), new List<double>());
        foreach (double width in s_widths)
        {
            SmallProblem problem = isHiddenWidth
                ? Widened(options, inputs: 4, hidden: (int)width)
                : Widened(options, inputs: (int)width, hidden: 16);
            GradientEstimator estimator = problem.Estimator((ulong)width);
            BlockGradient gradient = estimator.TrueGradient(problem.Batch)[0];
            RequireBoundedDerivatives(gradient);
            int weights = gradient.Weights.Length;
            if (rule == "FG-A")
            {
                exact.Add(ActivityPerturbed(problem) / weights);
                measured.Add(GradientVariance.Measure(estimator, [problem.Batch], Draws)[0].EstimationVariancePerWeight);
            }
            else
            {
                exact.Add(SquaredNorm(gradient.Weights) + SquaredNorm(gradient.Biases) + (SquaredNorm(gradient.Weights) / weights));
                measured.Add(WithoutOutputPerturbation(problem, Draws, seed: (ulong)width)
                    .Average(estimate => estimate.Zip(gradient.Weights, (g, mean) => (g - mean) * (g - mean)).Average()));
            }
        }

        Assert.InRange(Sample.Power(s_widths, exact), power - 0.1, power + 0.1);
        Assert.InRange(Sample.Power(s_widths, measured), power - 0.1, power + 0.1);
        Assert.All(measured.Zip(exact), pair => Assert.InRange(pair.First / pair.Second, 0.7, 1.3));
    }

    /// <summary>With V⁽²⁾ drawn, as in training, the output's derivatives join the sum of Lemma 4: the whole gradient's norm.</summary>
    /// <remarks>3,000 draws, three blocks' variances: √(2/3000) = 2.6 %; 13 % is 5 standard errors.</remarks>
    [Fact]
    public void FGWs_variance_holds_the_squared_norm_of_all_derivatives()
    {
        var options = new TrainingOptions { Rule = LearningRule.WeightPerturbedForwardGradient };
        var problem = new SmallProblem("4-5-4-3", ActivationFunction.Tanh, options, batchSize: 2);
        GradientEstimator estimator = problem.Estimator(seed: 5);
        IReadOnlyList<BlockGradient> gradient = estimator.TrueGradient(problem.Batch);
        double squaredNorm = gradient.Sum(block => SquaredNorm(block.Weights) + SquaredNorm(block.Biases));
        IReadOnlyList<BlockVariance> variance = GradientVariance.Measure(estimator, [problem.Batch], 3_000);
        for (var l = 0; l < 3; l++)
        {
            double expected = SquaredNorm(gradient[l].Weights) + (gradient[l].Weights.Length * squaredNorm);
            Assert.InRange(variance[l].EstimationVariance / expected, 0.87, 1.13);
            Assert.Equal(0, variance[l].DataVariance);
        }
    }

    /// <summary>K directions divide z₂ by K; Rademacher noise takes 2 (∂L/∂y_i)² (σ'_i x_j)² from Proposition 6.</summary>
    /// <remarks>Forty independent repetitions; 4 standard errors of their mean: 99.97 %.</remarks>
    [Theory]
    [InlineData(NoiseDistribution.Normal, 1)]
    [InlineData(NoiseDistribution.Normal, 4)]
    [InlineData(NoiseDistribution.Rademacher, 1)]
    public void Directions_and_signs_lower_the_variance(NoiseDistribution noise, int perturbations)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.ActivityPerturbedForwardGradient,
            OutputGradient = OutputGradient.Exact,
            Noise = noise,
            Perturbations = perturbations,
        };
        var problem = new SmallProblem("3-5-4", ActivationFunction.Tanh, options, batchSize: 1);
        double normal = ActivityPerturbed(problem);
        double squares = SquaredNorm(problem.Estimator().TrueGradient(problem.Batch)[0].Weights);
        double expected = (noise == NoiseDistribution.Normal ? normal : normal - (2 * squares)) / perturbations;
        Sample.AssertMean(
            expected,
            [.. Enumerable.Range(0, 40).Select(seed =>
                GradientVariance.Measure(problem.Estimator((ulong)seed), [problem.Batch], 50)[0].EstimationVariance)],
            4);
    }

    /// <summary>
    /// A two-layer network whose widths can grow while every (∂L/∂w)² keeps its size: the propositions' assumption that they are bounded,
    /// and what their O(·) silently adds, that they do not vanish either.
    /// </summary>
    /// <remarks>
    /// ∂L/∂w_ij = Σ_o e_o W⁽²⁾_oi · σ'(a_i) · x_j, and each factor is held:
    /// <list type="bullet">
    /// <item>x_j is −1 or 1;</item>
    /// <item>a_i is drawn from [−1, 1], the same whatever n₀: W⁽¹⁾ is uniform in ±1/√n₀ and the hidden bias makes up the difference;</item>
    /// <item>W⁽²⁾ is of order 1 at every width, one of ±0.5 … ±1 (the usual 1/√n₁ would make the derivatives vanish, and the variance with
    /// them);</item>
    /// <item>e is the same at every width: the output biases put the outputs at 0, 0.5 and −1 whatever the hidden block says.</item>
    /// </list>
    /// A wider hidden block repeats the derivatives of the narrowest one's 16 neurons, so that the power is not blurred by the luck of 16
    /// draws; W⁽¹⁾ and the perturbations are their own. With Kaiming's weights e and W⁽²⁾ depend on the width, and the
    /// slopes are those of that initialisation, not of the propositions.
    /// </remarks>
    private static SmallProblem Widened(TrainingOptions options, int inputs, int hidden)
    {
        const int Outputs = 3;
        const int Neurons = 16;
        double[] outputs = [0, 0.5, -1];
        var ofNeurons = new Random(14);
        var ofInputs = new Random(15);
        var preactivations = new double[hidden];
        var second = new double[Outputs * hidden];
        for (var i = 0; i < hidden; i++)
        {
            if (i % Neurons == 0)
            {
                ofNeurons = new Random(14);
            }

            preactivations[i] = (2 * ofNeurons.NextDouble()) - 1;
            for (var o = 0; o < Outputs; o++)
            {
                second[(o * hidden) + i] = (ofNeurons.Next(2) == 0 ? -1 : 1) * (0.5 + (0.5 * ofNeurons.NextDouble()));
            }
        }

        double[] x = [.. Enumerable.Range(0, inputs).Select(_ => ofInputs.Next(2) == 0 ? -1.0 : 1)];
        double[] first = [.. Enumerable.Range(0, hidden * inputs).Select(_ => ((2 * ofInputs.NextDouble()) - 1) / Math.Sqrt(inputs))];
        double[] hiddenBiases = [.. preactivations.Select((a, i) => a - x.Select((value, j) => first[(i * inputs) + j] * value).Sum())];
        double[] outputBiases = [.. outputs.Select((output, o) =>
            output - preactivations.Select((a, i) => second[(o * hidden) + i] * Math.Tanh(a)).Sum())];
        return new SmallProblem($"{inputs}-{hidden}-{Outputs}", ActivationFunction.Tanh, options, batchSize: 1) with
        {
            Parameters = new([new(first, hiddenBiases, []), new(second, outputBiases, [])]),
            Inputs = x,
            Labels = [0],
        };
    }

    /// <summary>With |W⁽²⁾| ≤ 1, |x| = 1 and softmax's Σ|e| &lt; 2, no (∂L/∂w)² exceeds β = 4; and their mean is not small.</summary>
    private static void RequireBoundedDerivatives(BlockGradient gradient)
    {
        double[] squares = [.. gradient.Weights.Select(g => g * g)];
        Assert.InRange(squares.Max(), 0, 4);
        Assert.InRange(squares.Average(), 0.1, 4);
    }

    /// <summary>Eq. H.3 summed over the weights: Σ_ij (δ_i² + ‖δ‖²)(σ'_i x_j)², δ = e W⁽²⁾, one sample, one hidden block of tanh.</summary>
    private static double ActivityPerturbed(SmallProblem problem)
    {
        TrainingStep step = problem.Begin();
        double[] y = step.Forward.Activations[0];
        double[] weights = problem.Parameters.Blocks[1].Weights;
        double[] delta = [.. y.Select((_, i) => step.OutputError.Select((error, o) => error * weights[(o * y.Length) + i]).Sum())];
        return y.Select((value, i) =>
            ((delta[i] * delta[i]) + SquaredNorm(delta)) * Math.Pow(1 - (value * value), 2) * SquaredNorm(problem.Inputs)).Sum();
    }

    /// <summary>FG-W's estimates of W⁽¹⁾ where V⁽²⁾ = 0: d⁽²⁾ = d⁽¹⁾ W⁽²⁾ᵀ instead of d⁽¹⁾ W⁽²⁾ᵀ + [y⁽¹⁾ 1] V⁽²⁾ᵀ.</summary>
    private static IEnumerable<double[]> WithoutOutputPerturbation(SmallProblem problem, int draws, ulong seed)
    {
        var rule = new WeightPerturbedForwardGradient();
        TrainingStep begun = problem.Begin();
        double[] weights = problem.Parameters.Blocks[1].Weights;
        for (uint draw = 0; draw < draws; draw++)
        {
            TrainingStep step = begun with { Noise = new PerturbationNoise(seed, draw) };
            TangentPass pass = rule.InjectTangents(step).Single();
            double[] d = pass.Tangents[0];
            double[] withoutOutput =
                [.. begun.OutputError.Select((_, o) => d.Select((tangent, i) => tangent * weights[(o * d.Length) + i]).Sum())];
            yield return rule.Gradients(step, [pass with { Tangents = [d, withoutOutput] }])[0].Weights;
        }
    }

    private static double SquaredNorm(double[] values) => values.Sum(value => value * value);
}
