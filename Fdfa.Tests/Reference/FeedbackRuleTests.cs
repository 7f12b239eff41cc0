using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>DFA, DKP, FA, DRTP and L-FDFA, one scalar at a time.</summary>
public sealed class FeedbackRuleTests
{
    private const int BatchSize = 6;
    private const string Layers = "5-6-4-7-3";

    private static readonly TrainingOptions s_averaging = new()
    {
        WeightOptimizer = OptimizerKind.Sgd,
        FeedbackOptimizer = OptimizerKind.Sgd,
        LearningRate = 0.1,
        FeedbackRate = 0.3,
        FeedbackOrder = FeedbackOrder.Simultaneous,
    };

    public static TheoryData<string, ActivationFunction> RulesAndActivations
    {
        get
        {
            var cases = new TheoryData<string, ActivationFunction>();
            foreach (string rule in new[] { "DFA", "DKP", "FDFA", "FA", "DRTP", "L-FDFA" })
            {
                cases.Add(rule, ActivationFunction.Tanh);
                cases.Add(rule, ActivationFunction.ReLU);
            }

            return cases;
        }
    }

    /// <summary>
    /// δ_i⁽ˡ⁾ = Σ_o x_o B_oi, where x is e (DFA, DKP, FDFA), −onehot/N (DRTP) or g⁽ˡ⁺¹⁾ (FA, L-FDFA); g = δ σ'; ∂W = gᵀ y; ∂b = Σ_s g.
    /// </summary>
    [Theory]
    [MemberData(nameof(RulesAndActivations))]
    public void Deltas_and_gradients_are_the_definition(string rule, ActivationFunction activation)
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule) };
        var problem = new SmallProblem(Layers, activation, options, BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.Equal(step.OutputError, step.Blocks[^1].PreactivationDeltas);

        double[] above = step.OutputError;
        for (int l = 4; l >= 1; l--)
        {
            DenseBlock block = problem.Network.Blocks[l - 1];
            double[] y = l == 1 ? problem.Inputs : step.Blocks[l - 2].Activations;
            var g = new double[BatchSize * block.Outputs];
            var weights = new double[block.Outputs * block.Inputs];
            var biases = new double[block.Outputs];
            for (var s = 0; s < BatchSize; s++)
            {
                for (var i = 0; i < block.Outputs; i++)
                {
                    int neuron = (s * block.Outputs) + i;
                    g[neuron] = l == 4
                        ? step.OutputError[neuron]
                        : Slope(activation, step.Blocks[l - 1].Activations[neuron]) * Delta(problem, step, rule, l, s, i, above);
                    biases[i] += g[neuron];
                    for (var j = 0; j < block.Inputs; j++)
                    {
                        weights[(i * block.Inputs) + j] += g[neuron] * y[(s * block.Inputs) + j];
                    }
                }
            }

            VectorAssert.Close(g, step.Blocks[l - 1].PreactivationDeltas!, 1e-13);
            VectorAssert.Close(weights, step.Blocks[l - 1].WeightGradient, 1e-13);
            VectorAssert.Close(biases, step.Blocks[l - 1].BiasGradient, 1e-13);
            above = g;
        }
    }

    [Theory]
    [InlineData("DFA")]
    [InlineData("FA")]
    [InlineData("DRTP")]
    public void Fixed_feedback_stays_and_nothing_is_injected(string rule)
    {
        var problem = new SmallProblem(Layers, ActivationFunction.Tanh, s_averaging with { Rule = LearningRule.Parse(rule) }, BatchSize);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.All(step.Blocks, block => Assert.Null(block.FeedbackGradient));
        Assert.All(step.Blocks, block => Assert.Empty(block.Tangents));
        Assert.Equal(problem.Parameters.Blocks.Select(block => block.Feedback), network.Parameters.Blocks.Select(block => block.Feedback));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.25)]
    public void DKPs_feedback_gradient_is_that_of_output_weights_in_its_place(double decay)
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.DirectKolenPollack, FeedbackDecay = decay };
        var problem = new SmallProblem(Layers, ActivationFunction.Tanh, options, BatchSize);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
        for (var l = 1; l <= 3; l++)
        {
            int neurons = problem.Network.Blocks[l - 1].Outputs;
            double[] b = problem.Parameters.Blocks[l - 1].Feedback;
            double[] expected = [.. Enumerable.Range(0, 3 * neurons).Select(at => (decay * b[at]) + Enumerable.Range(0, BatchSize).Sum(
                s => step.OutputError[(s * 3) + (at / neurons)] * step.Blocks[l - 1].Activations[(s * neurons) + (at % neurons)]))];
            VectorAssert.Close(expected, step.Blocks[l - 1].FeedbackGradient!, 1e-13);
            VectorAssert.Close(
                [.. b.Zip(expected, (value, gradient) => value - (0.3 * gradient))], network.Parameters.Blocks[l - 1].Feedback, 1e-13);
        }

        // In the penultimate block, and without decay, it is W⁽ᴸ⁾'s.
        double[] ofOutput = [.. step.Blocks[3].WeightGradient.Zip(problem.Parameters.Blocks[2].Feedback, (g, b) => g + (decay * b))];
        VectorAssert.Close(ofOutput, step.Blocks[2].FeedbackGradient!, 1e-13);
        Assert.Null(step.Blocks[3].FeedbackGradient);
    }

    /// <summary>At equal rates B⁽ᴸ⁻¹⁾ − W⁽ᴸ⁾ never changes; from B = W⁽ᴸ⁾ the last hidden block learns as with BP, step after step.</summary>
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adam)]
    public void DKPs_penultimate_feedback_follows_the_output_weights(OptimizerKind optimizer)
    {
        TrainingOptions options = s_averaging with
        {
            Rule = LearningRule.DirectKolenPollack,
            WeightOptimizer = optimizer,
            FeedbackOptimizer = optimizer,
            FeedbackRate = 0.1,
        };
        var problem = new SmallProblem(Layers, ActivationFunction.Tanh, options, BatchSize);
        ReferenceNetwork network = problem.CreateNetwork();
        double[] Distance() => [.. network.Parameters.Blocks[2].Feedback.Zip(network.Parameters.Blocks[3].Weights, (b, w) => b - w)];
        double[] before = Distance();
        for (var number = 0; number < 5; number++)
        {
            network.Step(problem.Inputs, problem.Labels, epoch: 0);
        }

        VectorAssert.Close(before, Distance(), 1e-12);
        Assert.NotEqual(problem.Parameters.Blocks[2].Feedback, network.Parameters.Blocks[2].Feedback);
    }

    /// <summary>FeedbackFirst: hidden weights learn from the feedback that the step has just made; layerwise feedback has no such order.</summary>
    [Theory]
    [InlineData("DKP", true)]
    [InlineData("FDFA", true)]
    [InlineData("L-FDFA", false)]
    [InlineData("DFA", false)]
    public void Feedback_first_matters_for_direct_feedback_that_learns(string rule, bool matters)
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule) };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, BatchSize);
        ReferenceNetwork first = problem.CreateNetwork(options with { FeedbackOrder = FeedbackOrder.FeedbackFirst });
        ReferenceNetwork simultaneous = problem.CreateNetwork();
        StepResult step = first.Step(problem.Inputs, problem.Labels, epoch: 0);
        double[] other = simultaneous.Step(problem.Inputs, problem.Labels, epoch: 0).Blocks[0].WeightGradient;
        Assert.Equal(simultaneous.Parameters.Blocks[0].Feedback, first.Parameters.Blocks[0].Feedback);
        if (!matters)
        {
            Assert.Equal(other, step.Blocks[0].WeightGradient);
            return;
        }

        // One more step of the same network's first batch, with the new feedback from the start, is what the first order saw.
        var moved = new NetworkParameters([
            problem.Parameters.Blocks[0] with { Feedback = first.Parameters.Blocks[0].Feedback },
            problem.Parameters.Blocks[1],
        ]);
        StepResult again = new ReferenceNetwork(problem.Network, options, moved, seed: 7).Step(problem.Inputs, problem.Labels, epoch: 0);
        VectorAssert.Close(again.Blocks[0].WeightGradient, step.Blocks[0].WeightGradient, 1e-13);
        Assert.NotEqual(other, step.Blocks[0].WeightGradient);
    }

    /// <summary>∇B_oi = B_oi − (1/KN) Σ_{k,s} t_o u_i with t = d⁽ᴸ⁾ (FDFA) or t_o = Σ_j W_oj⁽ˡ⁺¹⁾ d_j⁽ˡ⁾ (L-FDFA).</summary>
    [Theory]
    [InlineData("FDFA", 1)]
    [InlineData("FDFA", 3)]
    [InlineData("L-FDFA", 1)]
    [InlineData("L-FDFA", 3)]
    public void Feedback_gradients_average_over_batch_and_directions(string rule, int perturbations)
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule), Perturbations = perturbations };
        var problem = new SmallProblem(Layers, ActivationFunction.Tanh, options, BatchSize);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
        for (var l = 1; l <= 3; l++)
        {
            int neurons = problem.Network.Blocks[l - 1].Outputs;
            int rows = rule == "FDFA" ? 3 : problem.Network.Blocks[l].Outputs;
            double[] expected = [.. problem.Parameters.Blocks[l - 1].Feedback];
            for (var k = 0; k < perturbations; k++)
            {
                for (var s = 0; s < BatchSize; s++)
                {
                    for (var o = 0; o < rows; o++)
                    {
                        double t = rule == "FDFA"
                            ? step.Blocks[3].Tangents[k][(s * 3) + o]
                            : Enumerable.Range(0, neurons).Sum(j => problem.Parameters.Blocks[l].Weights[(o * neurons) + j]
                                * step.Blocks[l - 1].Tangents[k][(s * neurons) + j]);
                        for (var i = 0; i < neurons; i++)
                        {
                            expected[(o * neurons) + i] -=
                                t * step.Blocks[l - 1].Perturbations[k][(s * neurons) + i] / (BatchSize * perturbations);
                        }
                    }
                }
            }

            VectorAssert.Close(expected, step.Blocks[l - 1].FeedbackGradient!, 1e-13);
            VectorAssert.Close(
                [.. problem.Parameters.Blocks[l - 1].Feedback.Zip(expected, (b, gradient) => b - (0.3 * gradient))],
                network.Parameters.Blocks[l - 1].Feedback,
                1e-13);
        }
    }

    /// <summary>Where B⁽ˡ⁾ = W⁽ˡ⁺¹⁾ in every block, FA and L-FDFA are BP.</summary>
    [Theory]
    [InlineData("FA")]
    [InlineData("L-FDFA")]
    public void With_the_forward_weights_as_feedback_the_chain_is_backpropagation(string rule)
    {
        TrainingOptions options = s_averaging with { Rule = LearningRule.Parse(rule) };
        SmallProblem problem = WithForwardWeightsAsFeedback(new SmallProblem(Layers, ActivationFunction.Tanh, options, BatchSize));
        StepResult ours = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        var withoutFeedback = new NetworkParameters([.. problem.Parameters.Blocks.Select(block => block with { Feedback = [] })]);
        StepResult theirs = new ReferenceNetwork(
            problem.Network, options with { Rule = LearningRule.Backpropagation }, withoutFeedback, seed: 7)
            .Step(problem.Inputs, problem.Labels, epoch: 0);
        for (var l = 0; l < 4; l++)
        {
            VectorAssert.Close(theirs.Blocks[l].WeightGradient, ours.Blocks[l].WeightGradient, 1e-13);
        }
    }

    /// <summary>
    /// E[∇B⁽ˡ⁾] = 0 at B⁽ˡ⁾ = W⁽ˡ⁺¹⁾, for every hidden block of a non-linear network. With t = W (u + r), r from below and independent
    /// of u, Var[t_o u_i] = W_oi² + ‖W_o‖² + E[(W r)_o²]; the last term is measured, because r changes with the block.
    /// </summary>
    /// <remarks>4.6 standard errors for each of 73 means: a right implementation fails for fewer than one seed in a thousand (Bonferroni).</remarks>
    [Fact]
    public void LFDFAs_feedback_is_at_rest_at_the_forward_weights()
    {
        const int Draws = 20_000;
        TrainingOptions options = s_averaging with { Rule = LearningRule.LayerwiseForwardFeedbackAlignment };
        SmallProblem problem = WithForwardWeightsAsFeedback(new SmallProblem(Layers, ActivationFunction.Tanh, options, batchSize: 1));
        double[] inputs = [.. Enumerable.Repeat(problem.Inputs, Draws).SelectMany(x => x)];
        StepResult step = problem.CreateNetwork().Step(inputs, [.. Enumerable.Repeat(0, Draws)], epoch: 0);
        for (var l = 1; l <= 3; l++)
        {
            int neurons = problem.Network.Blocks[l - 1].Outputs;
            double[] w = problem.Parameters.Blocks[l].Weights;
            double[] d = step.Blocks[l - 1].Tangents[0];
            double[] u = step.Blocks[l - 1].Perturbations[0];
            double[] gradient = step.Blocks[l - 1].FeedbackGradient!;
            for (var o = 0; o < problem.Network.Blocks[l].Outputs; o++)
            {
                double[] row = w[(o * neurons)..((o + 1) * neurons)];
                double fromBelow = Enumerable.Range(0, Draws).Average(s => Math.Pow(
                    Enumerable.Range(0, neurons).Sum(j => row[j] * (d[(s * neurons) + j] - u[(s * neurons) + j])), 2));
                for (var i = 0; i < neurons; i++)
                {
                    double variance = (row[i] * row[i]) + row.Sum(value => value * value) + fromBelow;
                    Assert.InRange(gradient[(o * neurons) + i] / Math.Sqrt(variance / Draws), -4.6, 4.6);
                }
            }
        }
    }

    /// <summary>DESIGN §3, item 5: weights at zero and σ'(0) = 0 leave everything but the output bias where it is.</summary>
    [Fact]
    public void DFA_from_zero_weights_moves_only_with_a_ReLU_that_is_open_at_zero()
    {
        var (closedStart, closed) = TrainFromPaper(ActivationFunction.ReLU);
        for (var l = 0; l < 3; l++)
        {
            Assert.Equal(closedStart.Blocks[l].Weights, closed.Blocks[l].Weights);
            Assert.Equal(l == 2, closedStart.Blocks[l].Biases.Zip(closed.Blocks[l].Biases, (before, after) => before != after).All(moved => moved));
            Assert.Equal(l == 2, closedStart.Blocks[l].Biases.Zip(closed.Blocks[l].Biases, (before, after) => before != after).Any(moved => moved));
        }

        Assert.Equal(ActivationFunction.ReLUOpenAtZero, Preset.Paper.ActivationFor(LearningRule.DirectFeedbackAlignment));
        var (_, open) = TrainFromPaper(ActivationFunction.ReLUOpenAtZero);
        Assert.All(open.Blocks.SelectMany(block => block.Biases).Concat(open.Blocks[0].Weights), value => Assert.NotEqual(0, value));

        // Above the first block a neuron whose bias went down in the first step, when its input was still zero, stays closed.
        Assert.All(open.Blocks, block => Assert.InRange(block.Weights.Count(w => w != 0), block.Weights.Length / 4, block.Weights.Length));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(double.Epsilon, 1)]
    [InlineData(-double.Epsilon, 0)]
    public void ReLU_open_at_zero_is_a_ReLU_whose_derivative_at_zero_is_one(double preactivation, double derivative)
    {
        Assert.Equal(derivative, Activation.Derivative(ActivationFunction.ReLUOpenAtZero, preactivation));
        Assert.Equal(
            Activation.Value(ActivationFunction.ReLU, preactivation), Activation.Value(ActivationFunction.ReLUOpenAtZero, preactivation));
    }

    private static (NetworkParameters Start, NetworkParameters End) TrainFromPaper(ActivationFunction activation)
    {
        TrainingOptions options = Preset.Paper.OptionsFor(LearningRule.DirectFeedbackAlignment) with { LearningRate = 1e-2 };
        var problem = new SmallProblem("5-6-4-3", activation, options, batchSize: 16);
        NetworkParameters start = Initialiser.Create(problem.Network, options, seed: 1);
        Assert.All(start.Blocks.SelectMany(block => block.Weights.Concat(block.Biases)), value => Assert.Equal(0, value));
        var network = new ReferenceNetwork(problem.Network, options, start, seed: 1);
        for (var number = 0; number < 5; number++)
        {
            network.Step(problem.Inputs, problem.Labels, epoch: 0);
        }

        return (start, network.Parameters);
    }

    private static double Delta(SmallProblem problem, StepResult step, string rule, int l, int sample, int neuron, double[] above)
    {
        int rows = problem.Parameters.Blocks[l - 1].Feedback.Length / problem.Network.Blocks[l - 1].Outputs;
        double delta = 0;
        for (var o = 0; o < rows; o++)
        {
            double error = rule switch
            {
                "FA" or "L-FDFA" => above[(sample * rows) + o],
                "DRTP" => problem.Labels[sample] == o ? -1.0 / BatchSize : 0,
                _ => step.OutputError[(sample * rows) + o],
            };
            delta += error * problem.Parameters.Blocks[l - 1].Feedback[(o * problem.Network.Blocks[l - 1].Outputs) + neuron];
        }

        return delta;
    }

    private static double Slope(ActivationFunction activation, double y) =>
        activation == ActivationFunction.Tanh ? 1 - (y * y) : y > 0 ? 1 : 0;

    private static SmallProblem WithForwardWeightsAsFeedback(SmallProblem problem)
    {
        for (var l = 0; l < problem.Network.Blocks.Count - 1; l++)
        {
            problem.Parameters.Blocks[l + 1].Weights.CopyTo(problem.Parameters.Blocks[l].Feedback, 0);
        }

        return problem;
    }
}
