using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Theorem 3, Eq. 12 and 13 for whole networks: what the means of forward gradients are.</summary>
/// <remarks>
/// 4.6 or 5 standard errors, measured on the same draws, for each of 100 or 500 means at most: a right implementation fails for fewer than
/// one seed in two thousand (Bonferroni).
/// </remarks>
public sealed class UnbiasednessTests
{
    private const int Draws = 4000;

    private static readonly TrainingOptions s_weights = new() { Rule = LearningRule.WeightPerturbedForwardGradient };
    private static readonly TrainingOptions s_activations = new() { Rule = LearningRule.ActivityPerturbedForwardGradient };
    private static readonly TrainingOptions s_direct = new() { Noise = NoiseDistribution.Rademacher };
    private static readonly TrainingOptions s_layerwise = s_direct with { Rule = LearningRule.LayerwiseForwardFeedbackAlignment };

    public static TheoryData<SmallProblem> ForwardGradients =>
    [
        Dense(s_weights),
        Dense(s_weights with { WeightNoise = WeightNoise.PerSample }),
        Dense(s_activations),
        Dense(s_activations with { OutputGradient = OutputGradient.Exact }),
        Dense(s_activations with { Noise = NoiseDistribution.Rademacher }),
        Dense(new() { Rule = LearningRule.LocalGreedyForwardGradient }),
        Convolutional(s_weights),
        Convolutional(s_weights with { WeightNoise = WeightNoise.PerSample }),
        Convolutional(s_weights, hasNormalization: true),
        Convolutional(s_activations),
        Convolutional(s_activations with { PerturbationSite = PerturbationSite.BeforePool }),
        Convolutional(s_activations with { PerturbationSite = PerturbationSite.PreActivation }),
        Convolutional(s_activations with { PerturbationSite = PerturbationSite.BeforePool }, hasNormalization: true),
    ];

    /// <summary>
    /// E[∂W] is the gradient of the loss that the rule derives. FG-A with batch normalization estimates the gradient of each sample's own
    /// loss by its own values: the part that stays of backpropagation when samples are taken one by one.
    /// </summary>
    [Theory]
    [MemberData(nameof(ForwardGradients))]
    public void The_mean_of_forward_gradients_is_the_gradient(SmallProblem problem)
    {
        GradientEstimator estimator = problem.Estimator(seed: 21);
        double[] truth = Flatten(problem switch
        {
            { Network.HasBatchNormalization: true } when problem.Options.Rule == LearningRule.ActivityPerturbedForwardGradient =>
                OwnGradients(problem),
            _ when problem.Parameters.Blocks[0].Head is not null =>
                [LocalGradient(problem), .. estimator.TrueGradient(problem.Batch).Skip(1)],
            _ => estimator.TrueGradient(problem.Batch),
        });
        double[][] estimates = [.. Enumerable.Range(0, Draws).Select(draw => Flatten(estimator.Estimate(problem.Batch, (uint)draw)))];
        Assert.InRange(truth.Length, 50, 100);
        double summedVariance = 0;
        for (var i = 0; i < truth.Length; i++)
        {
            double[] ofWeight = [.. estimates.Select(estimate => estimate[i])];
            summedVariance += Sample.Variance(ofWeight);
            if (problem.Options.OutputGradient == OutputGradient.Exact && i >= truth.Length - 15)
            {
                Assert.All(ofWeight, estimate => Assert.Equal(truth[i], estimate, 1e-13));
                continue;
            }

            Sample.AssertMean(truth[i], ofWeight, 4.6);
        }

        // E‖mean of D draws − gradient‖² = Σ Var / D, at D = 20 and 200: the error falls with √D and towards zero, not beside it.
        // Over 200 and 20 means; the squared error of one mean varies by about a third, so 30 % is four standard errors of 20.
        foreach (int count in new[] { 20, 200 })
        {
            double squaredError = estimates.Chunk(count).Average(chunk =>
                Enumerable.Range(0, truth.Length).Sum(i => Math.Pow(chunk.Average(estimate => estimate[i]) - truth[i], 2)));
            Assert.InRange(squaredError * count / summedVariance, 0.7, 1.3);
        }
    }

    public static TheoryData<SmallProblem> LearnedFeedback =>
    [
        new("4-6-5-3", ActivationFunction.Tanh, s_direct, batchSize: 3),
        new("5-6-4-7-3", ActivationFunction.Tanh, s_layerwise, batchSize: 3),
        .. Enum.GetValues<PerturbationSite>().Select(site => Taught(s_direct with { PerturbationSite = site })),
        Taught(s_layerwise),
    ];

    /// <summary>
    /// E[d⁽ᴸ⁾ ⊗ u⁽ˡ⁾] is the mean Jacobian by the site (Eq. 12), also where batch statistics couple the samples; L-FDFA's E[t ⊗ u] is
    /// W⁽ˡ⁺¹⁾, filter weight by filter weight. There E[∇B] = 0: feedback that is what it stands for is at rest.
    /// </summary>
    [Theory]
    [MemberData(nameof(LearnedFeedback))]
    public void Feedback_is_taught_what_it_stands_for(SmallProblem problem)
    {
        IRule rule = RuleCatalogue.Find(problem.Options.Rule);
        TrainingStep begun = problem.Begin();
        double[][][] estimates = [.. Enumerable.Range(0, Draws).Select(draw =>
        {
            TrainingStep step = begun with { Noise = begun.Noise with { Step = (uint)draw } };
            return rule.FeedbackGradients(step, rule.InjectTangents(step)).OfType<double[]>().ToArray();
        })];
        IReadOnlyList<double[]> expected = problem.Options.Rule == LearningRule.LayerwiseForwardFeedbackAlignment
            ? [.. problem.Parameters.Blocks.Skip(1).Select(block => block.Weights)]
            : FeedbackError.MeanOutputJacobians(begun.Forward, problem.Parameters, problem.Options.PerturbationSite);
        for (var l = 0; l < expected.Count; l++)
        {
            double[] b = problem.Parameters.Blocks[l].Feedback;
            for (var i = 0; i < b.Length; i++)
            {
                Sample.AssertMean(expected[l][i], [.. estimates.Select(estimate => b[i] - estimate[l][i])], 5);
            }
        }
    }

    private static SmallProblem Dense(TrainingOptions options) => new("3-4-4-3", ActivationFunction.Tanh, options, batchSize: 3);

    private static SmallProblem Convolutional(TrainingOptions options, bool hasNormalization = false) => new(
        "2C3-P2-2C2-3-2", ActivationFunction.Tanh, options, 3, inputShape: new ImageShape(1, 7, 6), batchNormalization: hasNormalization);

    private static SmallProblem Taught(TrainingOptions options) => new(
        "2C3-P2-2C3+1-3-2", ActivationFunction.Tanh, options, 3, inputShape: new ImageShape(1, 7, 6), batchNormalization: true);

    /// <summary>Block 1 descends the loss of its own head: that of the network cut off behind it, with the head as output block.</summary>
    private static BlockGradient LocalGradient(SmallProblem problem)
    {
        BlockParameters block = problem.Parameters.Blocks[0];
        var options = new TrainingOptions { Rule = LearningRule.Backpropagation };
        var parameters = new NetworkParameters([new(block.Weights, block.Biases, []), new(block.Head!.Weights, block.Head.Biases, [])]);
        return new GradientEstimator(Topology.Parse("3-4-3", ActivationFunction.Tanh), options, parameters, seed: 0)
            .TrueGradient(problem.Batch)[0];
    }

    /// <summary>What backpropagation makes of each sample's loss, where of the errors at the site only the sample's own are kept.</summary>
    private static IReadOnlyList<BlockGradient> OwnGradients(SmallProblem problem)
    {
        TrainingStep step = problem.Begin();
        PerturbationSite site = problem.Options.PerturbationSite;
        double[][] kept = [.. problem.Network.Blocks.Select(block => new double[problem.BatchSize * block.SizeAt(site)])];
        for (var sample = 0; sample < problem.BatchSize; sample++)
        {
            double[] delta = [.. step.OutputError.Select((e, i) => i / 2 == sample ? e : 0)];
            for (int l = step.LastBlock; l >= 1; l--)
            {
                BlockPass pass = step.Forward.Blocks[l - 1];
                int values = pass.Block.SizeAt(site);
                Array.Copy(pass.BackTo(site, delta), sample * values, kept[l - 1], sample * values, values);
                delta = LinearMap.Transposed(
                    pass.Block,
                    pass.Backward(problem.Parameters.Blocks[l - 1], delta, PerturbationSite.BlockOutput).Linear,
                    problem.Parameters.Blocks[l - 1].Weights,
                    problem.BatchSize);
            }
        }

        return [.. kept.Select((deltas, index) => BlockGradient.FromDeltas(step, index + 1, deltas, site))];
    }

    private static double[] Flatten(IReadOnlyList<BlockGradient> gradients) =>
        [.. gradients.SelectMany(
            gradient => gradient.Weights.Concat(gradient.Biases).Concat(gradient.Scale ?? []).Concat(gradient.Shift ?? []))];
}
