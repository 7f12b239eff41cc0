using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>FG-W, FG-A and LG-FG-A: what they propagate and what they make of it, from differences of the loss alone.</summary>
public sealed class ForwardGradientTests
{
    private const int BatchSize = 4;
    private const ulong Seed = 7;
    private const double Distance = 1e-5;

    [Theory]
    [InlineData("5-3", ActivationFunction.Tanh, WeightNoise.PerBatch, 1)]
    [InlineData("5-6-4-3", ActivationFunction.Tanh, WeightNoise.PerBatch, 1)]
    [InlineData("5-6-4-3", ActivationFunction.Tanh, WeightNoise.PerSample, 1)]
    [InlineData("5-6-4-3", ActivationFunction.Tanh, WeightNoise.PerBatch, 3)]
    [InlineData("5-6-4-3", ActivationFunction.ReLU, WeightNoise.PerSample, 3)]
    public void FGW_scales_its_perturbations_of_weights_and_biases_by_the_losss_derivative_along_them(
        string topology, ActivationFunction activation, WeightNoise weightNoise, int perturbations)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.WeightPerturbedForwardGradient,
            WeightNoise = weightNoise,
            Perturbations = perturbations,
        };
        var problem = new SmallProblem(topology, activation, options, BatchSize);
        StepResult step = problem.CreateNetwork(seed: Seed).Step(problem.Inputs, problem.Labels, epoch: 0);
        NetworkParameters expected = Scaled(problem.Parameters, 0);
        for (var k = 0; k < perturbations; k++)
        {
            var tangents = new List<double>();
            for (var s = 0; s < BatchSize; s++)
            {
                NetworkParameters v = WeightPerturbations(problem, weightNoise == WeightNoise.PerBatch ? 0 : s, k);
                double[] Outputs(double distance) => ShiftedNetwork.Outputs(
                    problem.Network, Sum(problem.Parameters, v, distance), InputsOf(problem, s), 1, Nothing(problem), 0);
                tangents.AddRange(Difference(Outputs));
                double derivative = Difference(distance => [LossOf(problem, s, Outputs(distance))])[0];
                expected = Sum(expected, v, derivative / (BatchSize * perturbations));
            }

            VectorAssert.Close([.. tangents], step.Blocks[^1].Tangents[k], 1e-6);
        }

        for (var l = 0; l < problem.Network.Blocks.Count; l++)
        {
            VectorAssert.Close(expected.Blocks[l].Weights, step.Blocks[l].WeightGradient, 1e-6);
            VectorAssert.Close(expected.Blocks[l].Biases, step.Blocks[l].BiasGradient, 1e-6);
            Assert.Null(step.Blocks[l].PreactivationDeltas);
            Assert.Empty(step.Blocks[l].Perturbations);
            Assert.Null(step.Blocks[l].FeedbackGradient);
        }
    }

    /// <summary>The output block is perturbed too (Eq. 4), or takes its exact gradient and injects nothing.</summary>
    [Theory]
    [InlineData("5-3", ActivationFunction.Tanh, OutputGradient.Perturbed, 1)]
    [InlineData("5-6-4-3", ActivationFunction.Tanh, OutputGradient.Perturbed, 1)]
    [InlineData("5-6-4-3", ActivationFunction.Tanh, OutputGradient.Exact, 1)]
    [InlineData("5-6-4-3", ActivationFunction.Tanh, OutputGradient.Perturbed, 3)]
    [InlineData("5-6-4-3", ActivationFunction.ReLU, OutputGradient.Exact, 3)]
    public void FGA_scales_each_samples_perturbations_by_the_losss_derivative_along_them(
        string topology, ActivationFunction activation, OutputGradient outputGradient, int perturbations)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.ActivityPerturbedForwardGradient,
            OutputGradient = outputGradient,
            Perturbations = perturbations,
        };
        var problem = new SmallProblem(topology, activation, options, BatchSize);
        StepResult step = problem.CreateNetwork(seed: Seed).Step(problem.Inputs, problem.Labels, epoch: 0);
        int last = problem.Network.Blocks.Count;
        AssertPerturbed(problem, step, l => l < last || outputGradient == OutputGradient.Perturbed, outputs: last, from: 1);

        for (var l = 1; l < last || (l == last && outputGradient == OutputGradient.Perturbed); l++)
        {
            AssertGradient(problem, step, l, (s, k) => Difference(distance =>
                [LossOf(problem, s, Shifted(problem, step, s, k, 1, distance))])[0]);
        }

        if (outputGradient == OutputGradient.Exact)
        {
            Assert.Equal(step.OutputError, step.Blocks[^1].PreactivationDeltas);
        }
    }

    /// <summary>Heads behind blocks 1 and 2 of four, each with its own loss, from which nothing goes on.</summary>
    [Theory]
    [InlineData(ActivationFunction.Tanh, LossFunction.SoftmaxCrossEntropy, 1)]
    [InlineData(ActivationFunction.ReLU, LossFunction.MeanSquaredError, 3)]
    public void LGFGA_takes_the_derivative_of_the_blocks_own_loss_where_it_has_a_head(
        ActivationFunction activation, LossFunction loss, int perturbations)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.LocalGreedyForwardGradient,
            Loss = loss,
            Perturbations = perturbations,
            WeightOptimizer = OptimizerKind.Sgd,
            LearningRate = 0.1,
        };
        var problem = new SmallProblem("5-6-8-7-3", activation, options, BatchSize);
        ReferenceNetwork network = problem.CreateNetwork(seed: Seed);
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);

        // The network's loss sees what blocks 3 and 4 inject; the tangents of blocks 1 and 2 are their own perturbations.
        AssertPerturbed(problem, step, _ => true, outputs: 4, from: 3);
        Assert.Equal(step.Blocks[0].Perturbations, step.Blocks[0].Tangents);
        Assert.Equal(step.Blocks[1].Perturbations, step.Blocks[1].Tangents);
        for (var l = 3; l <= 4; l++)
        {
            AssertGradient(problem, step, l, (s, k) => Difference(distance =>
                [LossOf(problem, s, Shifted(problem, step, s, k, 3, distance))])[0]);
            Assert.Null(step.Blocks[l - 1].Gradient.Head);
        }

        for (var l = 1; l <= 2; l++)
        {
            LocalHead head = problem.Parameters.Blocks[l - 1].Head!;
            int neurons = problem.Network.Blocks[l - 1].Outputs;
            double[] y = step.Blocks[l - 1].Activations;
            AssertGradient(problem, step, l, (s, k) => Difference(distance => [LossOf(problem, s, HeadOutputs(
                head, [.. Enumerable.Range(s * neurons, neurons).Select(i => y[i] + (distance * step.Blocks[l - 1].Perturbations[k][i]))]))])[0]);

            double LocalLoss() => Enumerable.Range(0, BatchSize)
                .Average(s => LossOf(problem, s, HeadOutputs(head, y[(s * neurons)..((s + 1) * neurons)])));
            LocalHead gradient = step.Blocks[l - 1].Gradient.Head!;
            VectorAssert.Close(Differentiate(head.Weights, LocalLoss), gradient.Weights, 1e-6);
            VectorAssert.Close(Differentiate(head.Biases, LocalLoss), gradient.Biases, 1e-6);
            LocalHead after = network.Parameters.Blocks[l - 1].Head!;
            VectorAssert.Close([.. head.Weights.Zip(gradient.Weights, (h, g) => h - (0.1 * g))], after.Weights, 1e-13);
            VectorAssert.Close([.. head.Biases.Zip(gradient.Biases, (c, g) => c - (0.1 * g))], after.Biases, 1e-13);
        }
    }

    [Theory]
    [InlineData("5-3")]
    [InlineData("5-6-3")]
    public void Without_a_block_below_the_penultimate_LGFGA_is_FGA(string topology)
    {
        var local = new SmallProblem(topology, ActivationFunction.Tanh, new TrainingOptions { Rule = LearningRule.LocalGreedyForwardGradient }, BatchSize);
        var global = new SmallProblem(topology, ActivationFunction.Tanh, new TrainingOptions { Rule = LearningRule.ActivityPerturbedForwardGradient }, BatchSize);
        StepResult ours = local.CreateNetwork().Step(local.Inputs, local.Labels, epoch: 0);
        StepResult theirs = global.CreateNetwork().Step(global.Inputs, global.Labels, epoch: 0);
        Assert.All(ours.Blocks, block => Assert.Null(block.Gradient.Head));
        Assert.Equal(theirs.Blocks.Select(block => block.WeightGradient), ours.Blocks.Select(block => block.WeightGradient));
        Assert.Equal(theirs.Blocks.Select(block => block.BiasGradient), ours.Blocks.Select(block => block.BiasGradient));
    }

    /// <summary>d is linear in u, and what is made of it bilinear: −u says what u says.</summary>
    [Theory]
    [InlineData("FG-W")]
    [InlineData("FG-A")]
    [InlineData("LG-FG-A")]
    [InlineData("FDFA")]
    [InlineData("L-FDFA")]
    public void An_antithetic_pair_gives_the_estimate_of_its_first_direction(string rule)
    {
        var one = new TrainingOptions { Rule = LearningRule.Parse(rule) };
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, one, BatchSize);
        StepResult single = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        StepResult pair = problem.CreateNetwork(one with { Perturbations = 2, Antithetic = true })
            .Step(problem.Inputs, problem.Labels, epoch: 0);

        VectorAssert.Close([.. pair.Blocks[^1].Tangents[0].Select(d => -d)], pair.Blocks[^1].Tangents[1], 1e-13);
        for (var l = 0; l < 3; l++)
        {
            VectorAssert.Close(single.Blocks[l].WeightGradient, pair.Blocks[l].WeightGradient, 1e-13);
            VectorAssert.Close(single.Blocks[l].BiasGradient, pair.Blocks[l].BiasGradient, 1e-13);
            if (single.Blocks[l].FeedbackGradient is { } feedbackGradient)
            {
                VectorAssert.Close(feedbackGradient, pair.Blocks[l].FeedbackGradient!, 1e-13);
            }
        }
    }

    /// <summary>The blocks that should be perturbed are, K times, by the noise's numbers; d⁽ᴸ⁾ is the difference along them.</summary>
    private static void AssertPerturbed(SmallProblem problem, StepResult step, Func<int, bool> isPerturbed, int outputs, int from)
    {
        var noise = new PerturbationNoise(Seed, Step: 0);
        for (var l = 1; l <= problem.Network.Blocks.Count; l++)
        {
            int neurons = problem.Network.Blocks[l - 1].Outputs;
            Assert.Equal(isPerturbed(l) ? problem.Options.Perturbations : 0, step.Blocks[l - 1].Perturbations.Count);
            for (var k = 0; k < step.Blocks[l - 1].Perturbations.Count; k++)
            {
                Assert.Equal(noise.OfActivation(l, BatchSize - 1, neurons - 1, k), step.Blocks[l - 1].Perturbations[k][^1]);
            }
        }

        for (var k = 0; k < problem.Options.Perturbations; k++)
        {
            double[] expected = [.. Enumerable.Range(0, BatchSize).SelectMany(s =>
                Difference(distance => Shifted(problem, step, s, k, from, distance)))];
            VectorAssert.Close(expected, step.Blocks[outputs - 1].Tangents[k], 1e-6);
        }
    }

    /// <summary>∂W_ij = (1/NK) Σ_{k,s} c_{k,s} u_i σ'(a_i) y_j and its bias, from derivatives c of each sample's loss.</summary>
    private static void AssertGradient(SmallProblem problem, StepResult step, int l, Func<int, int, double> derivative)
    {
        DenseBlock block = problem.Network.Blocks[l - 1];
        double[] y = l == 1 ? problem.Inputs : step.Blocks[l - 2].Activations;
        var weights = new double[block.Outputs * block.Inputs];
        var biases = new double[block.Outputs];
        for (var k = 0; k < problem.Options.Perturbations; k++)
        {
            for (var s = 0; s < BatchSize; s++)
            {
                double c = derivative(s, k) / (BatchSize * problem.Options.Perturbations);
                for (var i = 0; i < block.Outputs; i++)
                {
                    int neuron = (s * block.Outputs) + i;
                    double g = c * step.Blocks[l - 1].Perturbations[k][neuron] * Slope(block, step.Blocks[l - 1].Activations[neuron]);
                    biases[i] += g;
                    for (var j = 0; j < block.Inputs; j++)
                    {
                        weights[(i * block.Inputs) + j] += g * y[(s * block.Inputs) + j];
                    }
                }
            }
        }

        VectorAssert.Close(weights, step.Blocks[l - 1].WeightGradient, 1e-6);
        VectorAssert.Close(biases, step.Blocks[l - 1].BiasGradient, 1e-6);
    }

    private static double Slope(DenseBlock block, double activation) => block.Activation switch
    {
        ActivationFunction.Tanh => 1 - (activation * activation),
        ActivationFunction.ReLU => activation > 0 ? 1 : 0,
        _ => 1,
    };

    /// <summary>One sample's outputs where blocks l ≥ from move along what they injected.</summary>
    private static double[] Shifted(SmallProblem problem, StepResult step, int sample, int k, int from, double distance)
    {
        double[]?[] directions = [.. problem.Network.Blocks.Select((block, index) =>
            index >= from - 1 && step.Blocks[index].Perturbations.Count > 0
                ? step.Blocks[index].Perturbations[k][(sample * block.Outputs)..((sample + 1) * block.Outputs)]
                : null)];
        return ShiftedNetwork.Outputs(problem.Network, problem.Parameters, InputsOf(problem, sample), 1, directions, distance);
    }

    private static double[] HeadOutputs(LocalHead head, double[] y) => [.. head.Biases.Select((c, o) =>
        c + y.Select((value, i) => head.Weights[(o * y.Length) + i] * value).Sum())];

    private static double LossOf(SmallProblem problem, int sample, double[] outputs) => LossCatalogue.Find(problem.Options.Loss)
        .Evaluate(outputs, [problem.Labels[sample]], new double[outputs.Length]);

    private static double[] InputsOf(SmallProblem problem, int sample) =>
        problem.Inputs[(sample * problem.Network.InputSize)..((sample + 1) * problem.Network.InputSize)];

    private static double[]?[] Nothing(SmallProblem problem) => new double[]?[problem.Network.Blocks.Count];

    private static double[] Difference(Func<double, double[]> function) =>
        [.. function(Distance).Zip(function(-Distance), (ahead, behind) => (ahead - behind) / (2 * Distance))];

    private static double[] Differentiate(double[] values, Func<double> function) => [.. Enumerable.Range(0, values.Length).Select(i =>
    {
        double centre = values[i];
        double derivative = Difference(distance =>
        {
            values[i] = centre + distance;
            return [function()];
        })[0];
        values[i] = centre;
        return derivative;
    })];

    private static NetworkParameters WeightPerturbations(SmallProblem problem, int sample, int direction)
    {
        var noise = new PerturbationNoise(Seed, Step: 0);
        return new NetworkParameters([.. problem.Network.Blocks.Select((block, index) => new BlockParameters(
            [.. Enumerable.Range(0, block.Outputs * block.Inputs).Select(e => noise.OfWeight(
                index + 1, e / block.Inputs, e % block.Inputs, block.Inputs + 1, sample, direction))],
            [.. Enumerable.Range(0, block.Outputs).Select(i => noise.OfWeight(
                index + 1, i, block.Inputs, block.Inputs + 1, sample, direction))],
            []))]);
    }

    private static NetworkParameters Scaled(NetworkParameters parameters, double factor) => new([.. parameters.Blocks.Select(
        block => new BlockParameters([.. block.Weights.Select(w => w * factor)], [.. block.Biases.Select(b => b * factor)], []))]);

    private static NetworkParameters Sum(NetworkParameters left, NetworkParameters right, double factor) => new([.. left.Blocks.Zip(
        right.Blocks,
        (a, b) => new BlockParameters(
            [.. a.Weights.Zip(b.Weights, (x, y) => x + (factor * y))], [.. a.Biases.Zip(b.Biases, (x, y) => x + (factor * y))], []))]);
}
