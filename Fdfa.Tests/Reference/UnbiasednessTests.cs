using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Theorem 3 for whole networks: the mean of forward gradients is the gradient of the loss that they derive.</summary>
/// <remarks>
/// Confidence: 4.5 standard errors for each of 51 weights and biases, so that a right implementation fails for fewer than one
/// seed in two thousand (Bonferroni); the standard errors are measured on the same draws.
/// </remarks>
public sealed class UnbiasednessTests
{
    private const int Draws = 20_000;

    [Theory]
    [InlineData("FG-W", WeightNoise.PerBatch, OutputGradient.Perturbed, NoiseDistribution.Normal)]
    [InlineData("FG-W", WeightNoise.PerSample, OutputGradient.Perturbed, NoiseDistribution.Normal)]
    [InlineData("FG-A", WeightNoise.PerBatch, OutputGradient.Perturbed, NoiseDistribution.Normal)]
    [InlineData("FG-A", WeightNoise.PerBatch, OutputGradient.Exact, NoiseDistribution.Normal)]
    [InlineData("FG-A", WeightNoise.PerBatch, OutputGradient.Perturbed, NoiseDistribution.Rademacher)]
    [InlineData("LG-FG-A", WeightNoise.PerBatch, OutputGradient.Perturbed, NoiseDistribution.Normal)]
    public void The_mean_of_forward_gradients_is_the_gradient(
        string rule, WeightNoise weightNoise, OutputGradient outputGradient, NoiseDistribution noise)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            WeightNoise = weightNoise,
            OutputGradient = outputGradient,
            Noise = noise,
        };
        var problem = new SmallProblem("3-4-4-3", ActivationFunction.Tanh, options, batchSize: 3);
        var batch = new LabelledBatch(problem.Inputs, problem.Labels);
        var estimator = new GradientEstimator(problem.Network, options, problem.Parameters, seed: 21);
        double[] truth = Flatten(estimator.TrueGradient(batch));
        if (rule == "LG-FG-A")
        {
            // Block 1 descends the loss of its own head: that of the network cut off behind it, with the head as output block.
            double[] local = Flatten([.. LocalGradient(problem, batch).Take(1)]);
            local.CopyTo(truth, 0);
        }

        double[][] estimates = [.. Enumerable.Range(0, Draws).Select(draw => Flatten(estimator.Estimate(batch, (uint)draw)))];
        double summedVariance = 0;
        for (var i = 0; i < truth.Length; i++)
        {
            double[] ofWeight = [.. estimates.Select(estimate => estimate[i])];
            double variance = Sample.Variance(ofWeight);
            summedVariance += variance;
            if (Array.TrueForAll(ofWeight, estimate => estimate == ofWeight[0]))
            {
                Assert.Equal((OutputGradient.Exact, true), (outputGradient, i >= truth.Length - 15));
                Assert.Equal(truth[i], ofWeight[0], 1e-13);
                continue;
            }

            Sample.AssertMean(truth[i], ofWeight, 4.5);
        }

        // E‖mean of D draws − gradient‖² = Σ Var / D, at D = 100 and 1000: the error falls with √D and towards zero, not beside it.
        // Over 200 and 20 means; the squared error of one mean varies by about a third, so 30 % is four standard errors of 20.
        foreach (int count in new[] { 100, 1000 })
        {
            double squaredError = estimates.Chunk(count).Average(chunk =>
                Enumerable.Range(0, truth.Length).Sum(i => Math.Pow(chunk.Average(estimate => estimate[i]) - truth[i], 2)));
            Assert.InRange(squaredError * count / summedVariance, 0.7, 1.3);
        }
    }

    private static IReadOnlyList<BlockGradient> LocalGradient(SmallProblem problem, LabelledBatch batch)
    {
        BlockParameters block = problem.Parameters.Blocks[0];
        var options = new TrainingOptions { Rule = LearningRule.Backpropagation };
        var parameters = new NetworkParameters([new(block.Weights, block.Biases, []), new(block.Head!.Weights, block.Head.Biases, [])]);
        return new GradientEstimator(Topology.Parse("3-4-3", ActivationFunction.Tanh), options, parameters, seed: 0).TrueGradient(batch);
    }

    private static double[] Flatten(IReadOnlyList<BlockGradient> gradients) =>
        [.. gradients.SelectMany(gradient => gradient.Weights.Concat(gradient.Biases))];
}
