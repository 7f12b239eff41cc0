using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class ForwardDirectFeedbackAlignmentTests
{
    private static readonly TrainingOptions s_averaging = new()
    {
        Rule = LearningRule.ForwardDirectFeedbackAlignment,
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackOptimizer = OptimizerKind.Sgd,
        LearningRate = 0.1,
        FeedbackRate = 0.3,
    };

    /// <summary>Eq. 8, with the mean over the batch; the minus of Algorithm 1, line 22, would fail here.</summary>
    [Theory]
    [InlineData(1, FeedbackOrder.FeedbackFirst)]
    [InlineData(6, FeedbackOrder.FeedbackFirst)]
    [InlineData(6, FeedbackOrder.Simultaneous)]
    public void In_averaging_mode_feedback_follows_equation_8(int batchSize, FeedbackOrder order)
    {
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, s_averaging with { FeedbackOrder = order }, batchSize);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 2);

        double alpha = 0.3 * 0.95 * 0.95;
        for (var l = 0; l < 2; l++)
        {
            double[] expected = [.. MeanOuterProduct(step, l, batchSize)
                .Zip(problem.Parameters.Blocks[l].Feedback, (estimate, b) => (1 - alpha) * b + alpha * estimate)];
            VectorAssert.Close(expected, network.Parameters.Blocks[l].Feedback, 1e-13);
        }
    }

    /// <summary>Eq. 14 and 15: every hidden block learns from e B ⊙ σ', the output block from e.</summary>
    [Theory]
    [InlineData(ActivationFunction.Tanh)]
    [InlineData(ActivationFunction.ReLU)]
    public void Weights_and_biases_follow_equations_14_and_15(ActivationFunction activation)
    {
        const int BatchSize = 6;
        var problem = new SmallProblem("5-6-4-3", activation, s_averaging with { FeedbackOrder = FeedbackOrder.Simultaneous }, BatchSize);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);

        for (var l = 0; l < 3; l++)
        {
            double[]? feedback = l < 2 ? problem.Parameters.Blocks[l].Feedback : null;
            double[] gradient = ExpectedWeightGradient(problem, step, l, feedback);
            VectorAssert.Close(gradient, step.Blocks[l].WeightGradient, 1e-13);
            VectorAssert.Close(
                [.. problem.Parameters.Blocks[l].Weights.Zip(gradient, (w, g) => w - 0.1 * g)],
                network.Parameters.Blocks[l].Weights,
                1e-13);
            VectorAssert.Close(
                [.. problem.Parameters.Blocks[l].Biases.Zip(step.Blocks[l].BiasGradient, (b, g) => b - 0.1 * g)],
                network.Parameters.Blocks[l].Biases,
                1e-13);

            int neurons = problem.Network.Blocks[l].Outputs;
            double[] columnSums = [.. Enumerable.Range(0, neurons).Select(i =>
                Enumerable.Range(0, BatchSize).Sum(s => step.Blocks[l].PreactivationDeltas![s * neurons + i]))];
            VectorAssert.Close(columnSums, step.Blocks[l].BiasGradient, 1e-13);
        }
    }

    /// <summary>
    /// Feedback, output block, tangents and loss agree; the hidden weights differ by −λ (e (B_new − B_old) ⊙ σ')ᵀ y,
    /// and by nothing else.
    /// </summary>
    [Fact]
    public void The_two_feedback_orders_differ_only_in_the_feedback_that_hidden_weights_see()
    {
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, s_averaging, batchSize: 6);
        ReferenceNetwork first = problem.CreateNetwork(s_averaging with { FeedbackOrder = FeedbackOrder.FeedbackFirst });
        ReferenceNetwork simultaneous = problem.CreateNetwork(s_averaging with { FeedbackOrder = FeedbackOrder.Simultaneous });
        StepResult firstStep = first.Step(problem.Inputs, problem.Labels, epoch: 0);
        StepResult simultaneousStep = simultaneous.Step(problem.Inputs, problem.Labels, epoch: 0);

        Assert.Equal(simultaneousStep.Loss, firstStep.Loss);
        Assert.Equal(simultaneous.Parameters.Blocks[2].Weights, first.Parameters.Blocks[2].Weights);
        for (var l = 0; l < 2; l++)
        {
            Assert.Equal(simultaneousStep.Blocks[l].Tangents, firstStep.Blocks[l].Tangents);
            Assert.Equal(simultaneous.Parameters.Blocks[l].Feedback, first.Parameters.Blocks[l].Feedback);

            double[] change = [.. first.Parameters.Blocks[l].Feedback.Zip(problem.Parameters.Blocks[l].Feedback, (b, old) => b - old)];
            double[] expected = [.. ExpectedWeightGradient(problem, firstStep, l, change).Select(g => -0.1 * g)];
            double[] difference = [.. first.Parameters.Blocks[l].Weights.Zip(simultaneous.Parameters.Blocks[l].Weights, (a, b) => a - b)];
            VectorAssert.Close(expected, difference, 1e-12);
        }
    }

    [Fact]
    public void From_zero_feedback_only_feedback_first_moves_hidden_weights_in_the_first_step()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_averaging, batchSize: 6);
        Array.Clear(problem.Parameters.Blocks[0].Feedback);
        ReferenceNetwork first = problem.CreateNetwork(s_averaging with { FeedbackOrder = FeedbackOrder.FeedbackFirst });
        ReferenceNetwork simultaneous = problem.CreateNetwork(s_averaging with { FeedbackOrder = FeedbackOrder.Simultaneous });
        first.Step(problem.Inputs, problem.Labels, epoch: 0);
        simultaneous.Step(problem.Inputs, problem.Labels, epoch: 0);

        Assert.NotEqual(problem.Parameters.Blocks[0].Weights, first.Parameters.Blocks[0].Weights);
        Assert.Equal(problem.Parameters.Blocks[0].Weights, simultaneous.Parameters.Blocks[0].Weights);
        Assert.NotEqual(problem.Parameters.Blocks[1].Weights, simultaneous.Parameters.Blocks[1].Weights);
    }

    /// <summary>
    /// E[d⁽ᴸ⁾ ⊗ u⁽ˡ⁾] = ∂y⁽ᴸ⁾/∂y⁽ˡ⁾ (Eq. 12), which for the penultimate block is W⁽ᴸ⁾ (Eq. 13), with the variance of Lemma 4:
    /// Var[d_o u_i] = J_oi² + ‖J_o‖², J_o over all hidden neurons.
    /// </summary>
    /// <remarks>
    /// 4.2 standard errors for each of 33 means: a right implementation fails for fewer than one seed in a thousand. The
    /// sample variance of 20,000 draws of kurtosis at most 15 has a standard error of 2.7 %; 12 % is beyond 4.4 of them.
    /// </remarks>
    [Fact]
    public void The_forward_gradient_is_unbiased_with_the_variance_of_lemma_4()
    {
        const int Draws = 20_000;
        var problem = new SmallProblem("4-6-5-3", ActivationFunction.Tanh, s_averaging, batchSize: 1);
        double[] inputs = [.. Enumerable.Repeat(problem.Inputs, Draws).SelectMany(x => x)];
        StepResult step = problem.CreateNetwork().Step(inputs, [.. Enumerable.Repeat(0, Draws)], epoch: 0);

        double[][] jacobians = [.. Enumerable.Range(0, 2).Select(l => Jacobian(problem, l))];
        VectorAssert.Close(problem.Parameters.Blocks[2].Weights, jacobians[1], 1e-8);

        double[] d = step.Blocks[2].Tangents[0];
        for (var o = 0; o < 3; o++)
        {
            double squaredNorm = jacobians.Sum(jacobian =>
            {
                int neurons = jacobian.Length / 3;
                return jacobian[(o * neurons)..((o + 1) * neurons)].Sum(value => value * value);
            });
            for (var l = 0; l < 2; l++)
            {
                int neurons = problem.Network.Blocks[l].Outputs;
                double[] u = step.Blocks[l].Perturbations[0];
                for (var i = 0; i < neurons; i++)
                {
                    double derivative = jacobians[l][o * neurons + i];
                    double variance = derivative * derivative + squaredNorm;
                    double[] estimates = [.. Enumerable.Range(0, Draws).Select(s => d[s * 3 + o] * u[s * neurons + i])];
                    double mean = estimates.Average();
                    double standardError = Math.Sqrt(variance / Draws);

                    Assert.InRange((mean - derivative) / standardError, -4.2, 4.2);
                    Assert.InRange(estimates.Average(x => (x - mean) * (x - mean)) / variance, 0.88, 1.12);
                    Assert.Equal(
                        problem.Parameters.Blocks[l].Feedback[o * neurons + i] - mean,
                        step.Blocks[l].FeedbackGradient![o * neurons + i],
                        1e-11);
                }
            }
        }
    }

    /// <summary>
    /// Proposition 2: from B = ∂y⁽ᴸ⁾/∂y⁽¹⁾, one averaging step leaves a gradient whose mean is the true one and whose
    /// variance is α² ((δ_i)² + ‖δ‖²) (σ'_i x_j)², with δ = e W⁽²⁾ (Eq. 19 leaves out e).
    /// </summary>
    /// <remarks>
    /// 4 standard errors of the mean over 8,000 seeds (99.99 %); the variance within 20 %, beyond 4.7 of its standard
    /// errors at kurtosis 15 at most.
    /// </remarks>
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.01)]
    public void After_one_averaging_step_the_gradients_variance_is_alpha_squared(double alpha)
    {
        const int Seeds = 8_000;
        TrainingOptions options = s_averaging with { FeedbackRate = alpha };
        var problem = new SmallProblem("3-5-4", ActivationFunction.Tanh, options, batchSize: 1);
        double[] outputWeights = problem.Parameters.Blocks[1].Weights;
        outputWeights.CopyTo(problem.Parameters.Blocks[0].Feedback, 0);
        StepResult[] steps = [.. Enumerable.Range(0, Seeds)
            .Select(seed => problem.CreateNetwork(seed: (ulong)seed).Step(problem.Inputs, problem.Labels, epoch: 0))];

        double[] e = steps[0].OutputError;
        double[] y = steps[0].Blocks[0].Activations;
        double[] delta = [.. Enumerable.Range(0, 5).Select(i => Enumerable.Range(0, 4).Sum(o => e[o] * outputWeights[o * 5 + i]))];
        for (var i = 0; i < 5; i++)
        {
            double slope = (1 - y[i] * y[i]) * problem.Inputs[1];
            double variance = alpha * alpha * slope * slope * (delta[i] * delta[i] + delta.Sum(value => value * value));
            double[] estimates = [.. steps.Select(step => step.Blocks[0].WeightGradient[i * 3 + 1])];
            double mean = estimates.Average();

            Assert.InRange((mean - delta[i] * slope) / Math.Sqrt(variance / Seeds), -4, 4);
            Assert.InRange(estimates.Average(x => (x - mean) * (x - mean)) / variance, 0.8, 1.2);
        }
    }

    [Fact]
    public void Where_feedback_is_the_true_derivative_the_rule_is_backpropagation()
    {
        // One hidden block and a linear output: ∂y⁽ᴸ⁾/∂y⁽¹⁾ = W⁽²⁾ for every sample (below Eq. 13).
        TrainingOptions options = s_averaging with { FeedbackOrder = FeedbackOrder.Simultaneous };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, batchSize: 6);
        problem.Parameters.Blocks[1].Weights.CopyTo(problem.Parameters.Blocks[0].Feedback, 0);
        StepResult ours = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);

        var withoutFeedback = new NetworkParameters([.. problem.Parameters.Blocks.Select(block => block with { Feedback = [] })]);
        var backpropagation = new ReferenceNetwork(
            problem.Network, options with { Rule = LearningRule.Backpropagation }, withoutFeedback, seed: 7);
        StepResult theirs = backpropagation.Step(problem.Inputs, problem.Labels, epoch: 0);
        VectorAssert.Close(theirs.Blocks[0].WeightGradient, ours.Blocks[0].WeightGradient, 1e-13);
    }

    [Fact]
    public void With_Adam_feedback_moves_by_the_rate_and_not_by_the_average()
    {
        TrainingOptions options = s_averaging with { FeedbackOptimizer = OptimizerKind.Adam };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, batchSize: 6);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);

        double[] expected = [.. problem.Parameters.Blocks[0].Feedback
            .Zip(step.Blocks[0].FeedbackGradient!, (b, gradient) => b - 0.3 * Math.Sign(gradient))];
        VectorAssert.Close(expected, network.Parameters.Blocks[0].Feedback, 1e-5);
    }

    private static double[] MeanOuterProduct(StepResult step, int l, int batchSize)
    {
        double[] d = step.Blocks[^1].Tangents[0];
        double[] u = step.Blocks[l].Perturbations[0];
        int outputs = d.Length / batchSize;
        int neurons = u.Length / batchSize;
        var mean = new double[outputs * neurons];
        for (var o = 0; o < outputs; o++)
        {
            for (var i = 0; i < neurons; i++)
            {
                mean[o * neurons + i] = Enumerable.Range(0, batchSize).Average(s => d[s * outputs + o] * u[s * neurons + i]);
            }
        }

        return mean;
    }

    /// <summary>Σ_s (e_s B ⊙ σ'(a_s)) ⊗ y_s, one scalar at a time; without feedback Σ_s e_s ⊗ y_s.</summary>
    private static double[] ExpectedWeightGradient(SmallProblem problem, StepResult step, int l, double[]? feedback)
    {
        Block block = problem.Network.Blocks[l];
        int outputs = problem.Network.OutputSize;
        double[] y = l == 0 ? problem.Inputs : step.Blocks[l - 1].Activations;
        var gradient = new double[block.Outputs * block.Inputs];
        for (var s = 0; s < problem.BatchSize; s++)
        {
            for (var i = 0; i < block.Outputs; i++)
            {
                double g = step.OutputError[s * outputs + i % outputs];
                if (feedback is not null)
                {
                    double activation = step.Blocks[l].Activations[s * block.Outputs + i];
                    double slope = block.Activation == ActivationFunction.Tanh ? 1 - activation * activation : activation > 0 ? 1 : 0;
                    g = slope * Enumerable.Range(0, outputs).Sum(o => step.OutputError[s * outputs + o] * feedback[o * block.Outputs + i]);
                }

                for (var j = 0; j < block.Inputs; j++)
                {
                    gradient[i * block.Inputs + j] += g * y[s * block.Inputs + j];
                }
            }
        }

        return gradient;
    }

    /// <summary>∂y⁽ᴸ⁾/∂y⁽ˡ⁾ [n_L × n_l] of one sample, column by column.</summary>
    private static double[] Jacobian(SmallProblem problem, int l)
    {
        int neurons = problem.Network.Blocks[l].Outputs;
        int outputs = problem.Network.OutputSize;
        var jacobian = new double[outputs * neurons];
        for (var i = 0; i < neurons; i++)
        {
            var directions = new double[]?[problem.Network.Blocks.Count];
            directions[l] = new double[neurons];
            directions[l]![i] = 1;
            double[] column = ShiftedNetwork.CentralDifference(problem.Network, problem.Parameters, problem.Inputs, 1, directions, 1e-5);
            for (var o = 0; o < outputs; o++)
            {
                jacobian[o * neurons + i] = column[o];
            }
        }

        return jacobian;
    }
}
