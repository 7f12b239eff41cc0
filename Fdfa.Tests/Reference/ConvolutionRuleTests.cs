using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Every rule on convolutions, pools and batch normalization, at every perturbation site.</summary>
public sealed class ConvolutionRuleTests
{
    private const string SmallNetwork = "3C3-P2-4C3/2+1-A2-6-3";
    private const int BatchSize = 4;
    private static readonly ImageShape s_image = new(2, 8, 7);

    public static TheoryData<string, PerturbationSite, bool> RulesAndSites
    {
        get
        {
            var cases = new TheoryData<string, PerturbationSite, bool>();
            foreach (LearningRule rule in LearningRule.All)
            {
                foreach (PerturbationSite site in Enum.GetValues<PerturbationSite>())
                {
                    cases.Add(rule.Name, site, false);
                    cases.Add(rule.Name, site, true);
                }
            }

            return cases;
        }
    }

    /// <summary>Shapes of feedback and perturbations, finite numbers, and everything that learns moves.</summary>
    [Theory]
    [MemberData(nameof(RulesAndSites))]
    public void Every_rule_trains_a_small_network(string ruleName, PerturbationSite site, bool hasNormalization)
    {
        LearningRule rule = LearningRule.Parse(ruleName);
        var options = new TrainingOptions { Rule = rule, PerturbationSite = site, Perturbations = 2, LearningRate = 1e-2, FeedbackRate = 1e-2 };
        SmallProblem problem = Problem(options, hasNormalization);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
        network.Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.True(double.IsFinite(network.Evaluate(problem.Inputs, problem.Labels).Loss));
        bool isDirect = rule.ErrorSignal is ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets;
        int[] maps = [3 * 6 * 5, 4 * 2 * 1, 6, 3];
        int[] outputs = [3 * 3 * 2, 4 * 2 * 2, 6, 3];
        int[] weights = [3 * 2 * 9, 4 * 3 * 9, 6 * 16, 3 * 6];
        PerturbationSite effective = rule.ErrorSignal == ErrorSignal.LayerwiseFeedback ? PerturbationSite.BlockOutput : site;
        Assert.Equal(effective, options.EffectiveSite);
        for (var l = 1; l <= 4; l++)
        {
            BlockParameters before = problem.Parameters.Blocks[l - 1];
            BlockParameters after = network.Parameters.Blocks[l - 1];
            BlockTrace trace = step.Blocks[l - 1];
            int atSite = effective == PerturbationSite.BlockOutput ? outputs[l - 1] : maps[l - 1];
            Assert.Equal(outputs[l - 1] * BatchSize, trace.Activations.Length);
            Assert.Equal(maps[l - 1] * BatchSize, trace.Preactivations.Length);
            Assert.All(trace.Tangents, d => Assert.Equal(outputs[l - 1] * BatchSize, d.Length));
            Assert.All(trace.Perturbations, u => Assert.Equal(atSite * BatchSize, u.Length));
            Assert.Equal(!rule.HasFeedback || l == 4 ? 0 : isDirect ? 3 * atSite : weights[l], after.Feedback.Length);
            Assert.Equal(weights[l - 1], trace.WeightGradient.Length);
            Assert.NotEqual(before.Weights, after.Weights);
            if (rule.LearnsFeedback && l < 4)
            {
                Assert.NotEqual(before.Feedback, after.Feedback);
            }

            if (l < 4 && hasNormalization)
            {
                Assert.NotEqual(before.Normalization!.Scale, after.Normalization!.Scale);
                Assert.NotEqual(before.Normalization.Shift, after.Normalization.Shift);
                Assert.NotEqual(before.Normalization.RunningMean, after.Normalization.RunningMean);
                Assert.NotEqual(before.Normalization.RunningVariance, after.Normalization.RunningVariance);
                Assert.Empty(after.Biases);
            }
            else
            {
                Assert.NotEqual(before.Biases, after.Biases);
            }

            Assert.Equal(rule == LearningRule.LocalGreedyForwardGradient && l < 3 ? 3 * outputs[l - 1] : 0, after.Head?.Weights.Length ?? 0);
        }
    }

    /// <summary>
    /// With B⁽ˡ⁾ the Jacobian of a linear last block, DFA's penultimate gradients are BP's, whatever the block and the site: what
    /// arrives there is W⁽ᴸ⁾ brought to the site by hand.
    /// </summary>
    [Theory]
    [InlineData(PerturbationSite.BlockOutput)]
    [InlineData(PerturbationSite.PreActivation)]
    public void Feedback_that_is_the_Jacobian_gives_backpropagations_gradient(PerturbationSite site)
    {
        // One sample and a convolution before the output: the Jacobian by the site is one matrix.
        var options = new TrainingOptions { Rule = LearningRule.DirectFeedbackAlignment, PerturbationSite = site };
        var problem = new SmallProblem("3C3-P2-3", ActivationFunction.Tanh, options, batchSize: 1, inputShape: s_image, batchNormalization: true);
        ForwardPass forward = BlockCases.Begin(problem).Forward;
        FeedbackError.MeanOutputJacobians(forward, problem.Parameters, site)[0].CopyTo(problem.Parameters.Blocks[0].Feedback, 0);
        BlockGradient ours = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0).Blocks[0].Gradient;
        BlockGradient truth = new Backpropagation().Gradients(BlockCases.Begin(problem), [])[0];
        VectorAssert.Close(truth.Weights, ours.Weights, 1e-12);
        VectorAssert.Close(truth.Scale!, ours.Scale!, 1e-12);
        VectorAssert.Close(truth.Shift!, ours.Shift!, 1e-12);
    }

    /// <summary>FA with W⁽ˡ⁺¹⁾ for feedback is BP, through transposed convolutions too; the site does not matter to either.</summary>
    [Theory]
    [InlineData("FA", false)]
    [InlineData("FA", true)]
    [InlineData("L-FDFA", true)]
    public void Layerwise_feedback_that_is_the_weights_is_backpropagation(string rule, bool hasNormalization)
    {
        var options = new TrainingOptions { Rule = LearningRule.Parse(rule), PerturbationSite = PerturbationSite.PreActivation };
        SmallProblem problem = Problem(options, hasNormalization);
        for (var l = 0; l < 3; l++)
        {
            problem.Parameters.Blocks[l + 1].Weights.CopyTo(problem.Parameters.Blocks[l].Feedback, 0);
        }

        StepResult ours = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        IReadOnlyList<BlockGradient> truth = new Backpropagation().Gradients(BlockCases.Begin(problem), []);
        for (var l = 0; l < 4; l++)
        {
            Assert.Equal(truth[l].Weights, ours.Blocks[l].WeightGradient);
            Assert.Equal(truth[l].Biases, ours.Blocks[l].BiasGradient);
            Assert.Equal(truth[l].Scale, ours.Blocks[l].Gradient.Scale);
        }
    }

    /// <summary>DKP's ∇B is eᵀ times what stands at the site, FDFA's B − (1/N) Σ d⁽ᴸ⁾ ⊗ u, entry by entry.</summary>
    [Theory]
    [InlineData("DKP", PerturbationSite.BlockOutput)]
    [InlineData("DKP", PerturbationSite.BeforePool)]
    [InlineData("DKP", PerturbationSite.PreActivation)]
    [InlineData("FDFA", PerturbationSite.BlockOutput)]
    [InlineData("FDFA", PerturbationSite.BeforePool)]
    [InlineData("FDFA", PerturbationSite.PreActivation)]
    public void Learned_feedback_follows_what_stands_at_the_site(string rule, PerturbationSite site)
    {
        SmallProblem problem = Problem(new TrainingOptions { Rule = LearningRule.Parse(rule), PerturbationSite = site }, hasNormalization: true);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        for (var l = 1; l <= 3; l++)
        {
            BlockTrace trace = step.Blocks[l - 1];
            double[] b = problem.Parameters.Blocks[l - 1].Feedback;
            double[] atSite = rule == "FDFA" ? trace.Perturbations[0]
                : site == PerturbationSite.BlockOutput ? trace.Pass.Outputs
                : site == PerturbationSite.BeforePool ? trace.Pass.Activated
                : trace.Pass.Preactivations;
            double[] left = rule == "FDFA" ? step.Blocks[^1].Tangents[0] : step.OutputError;
            int columns = b.Length / 3;
            double[] sums = [.. b.Select((_, at) => Enumerable.Range(0, BatchSize).Sum(
                s => left[(s * 3) + (at / columns)] * atSite[(s * columns) + (at % columns)]))];
            VectorAssert.Close(
                [.. sums.Select((sum, at) => rule == "FDFA" ? b[at] - (sum / BatchSize) : sum)], trace.FeedbackGradient!, 1e-12);
        }
    }

    /// <summary>
    /// E[d⁽ᴸ⁾ ⊗ u⁽ˡ⁾] is the mean Jacobian by the site (Eq. 12), also where batch statistics couple the samples; L-FDFA's E[t ⊗ u] is
    /// W⁽ˡ⁺¹⁾, filter weight by filter weight. Rademacher noise; 5 standard errors for each of some 500 entries at most (Bonferroni: below
    /// one seed in 3000 fails).
    /// </summary>
    [Theory]
    [InlineData("FDFA", PerturbationSite.BlockOutput)]
    [InlineData("FDFA", PerturbationSite.BeforePool)]
    [InlineData("FDFA", PerturbationSite.PreActivation)]
    [InlineData("L-FDFA", PerturbationSite.BlockOutput)]
    public void Feedback_is_taught_what_it_stands_for(string ruleName, PerturbationSite site)
    {
        const int Draws = 4000;
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(ruleName),
            PerturbationSite = site,
            Noise = NoiseDistribution.Rademacher,
        };
        var problem = new SmallProblem(
            "2C3-P2-2C3+1-3-2", ActivationFunction.Tanh, options, batchSize: 3, inputShape: new ImageShape(1, 7, 6), batchNormalization: true);
        IRule rule = RuleCatalogue.Find(options.Rule);
        double[][][] estimates = [.. Enumerable.Range(0, Draws).Select(draw =>
        {
            TrainingStep step = BlockCases.Begin(problem, draw: (uint)draw);
            step = step with { Noise = step.Noise with { Distribution = options.Noise } };
            return rule.FeedbackGradients(step, rule.InjectTangents(step)).OfType<double[]>().ToArray();
        })];
        IReadOnlyList<double[]> expected = ruleName == "L-FDFA"
            ? [.. problem.Parameters.Blocks.Skip(1).Select(block => block.Weights)]
            : FeedbackError.MeanOutputJacobians(BlockCases.Begin(problem).Forward, problem.Parameters, site);
        for (var l = 0; l < 3; l++)
        {
            double[] b = problem.Parameters.Blocks[l].Feedback;
            for (var i = 0; i < b.Length; i++)
            {
                Sample.AssertMean(expected[l][i], [.. estimates.Select(estimate => b[i] - estimate[l][i])], 5);
            }
        }
    }

    /// <summary>
    /// E[∂W] is the gradient for FG-A and both kinds of FG-W on convolutions, and for FG-W with one V for the batch behind batch
    /// normalization too. FG-A with normalization estimates the gradient of each sample's own loss by its own values: the part that
    /// stays of backpropagation when samples are taken one by one. 4.5 standard errors for each of 100 parameters at most (Bonferroni:
    /// below one seed in a thousand fails).
    /// </summary>
    [Theory]
    [InlineData("FG-A", WeightNoise.PerBatch, PerturbationSite.BlockOutput, false)]
    [InlineData("FG-A", WeightNoise.PerBatch, PerturbationSite.BeforePool, false)]
    [InlineData("FG-A", WeightNoise.PerBatch, PerturbationSite.PreActivation, false)]
    [InlineData("FG-W", WeightNoise.PerBatch, PerturbationSite.BlockOutput, false)]
    [InlineData("FG-W", WeightNoise.PerSample, PerturbationSite.BlockOutput, false)]
    [InlineData("FG-W", WeightNoise.PerBatch, PerturbationSite.BlockOutput, true)]
    [InlineData("FG-A", WeightNoise.PerBatch, PerturbationSite.BeforePool, true)]
    public void The_mean_of_forward_gradients_is_the_gradient(string rule, WeightNoise weightNoise, PerturbationSite site, bool hasNormalization)
    {
        const int Draws = 4000;
        var options = new TrainingOptions { Rule = LearningRule.Parse(rule), WeightNoise = weightNoise, PerturbationSite = site };
        var problem = new SmallProblem(
            "2C3-P2-2C2-3-2", ActivationFunction.Tanh, options, batchSize: 3, inputShape: new ImageShape(1, 7, 6), batchNormalization: hasNormalization);
        var batch = new LabelledBatch(problem.Inputs, problem.Labels);
        var estimator = new GradientEstimator(problem.Network, options, problem.Parameters, seed: 21);
        double[] truth = Flatten(rule == "FG-A" && hasNormalization
            ? OwnGradients(problem)
            : estimator.TrueGradient(batch));
        double[][] estimates = [.. Enumerable.Range(0, Draws).Select(draw => Flatten(estimator.Estimate(batch, (uint)draw)))];
        Assert.InRange(truth.Length, 50, 100);
        for (var i = 0; i < truth.Length; i++)
        {
            Sample.AssertMean(truth[i], [.. estimates.Select(estimate => estimate[i])], 4.5);
        }
    }

    /// <summary>LG-FG-A: the head behind a convolution reads its output as PyTorch flattens it, and the tangent there is the pooled perturbation.</summary>
    [Fact]
    public void A_local_head_reads_the_flattened_output()
    {
        var options = new TrainingOptions { Rule = LearningRule.LocalGreedyForwardGradient, PerturbationSite = PerturbationSite.BeforePool };
        SmallProblem problem = Problem(options, hasNormalization: false);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        BlockTrace trace = step.Blocks[0];
        LocalHead head = problem.Parameters.Blocks[0].Head!;
        const double Distance = 1e-6;
        double[] Losses(double distance)
        {
            double[] shifted = [.. trace.Pass.Activated.Zip(trace.Perturbations[0], (y, u) => y + (distance * u))];
            return [.. Enumerable.Range(0, BatchSize).Select(s =>
            {
                double[] z = [.. head.Biases];
                for (var channel = 0; channel < 3; channel++)
                {
                    for (var place = 0; place < 6; place++)
                    {
                        var (row, column) = (place / 2, place % 2);
                        double largest = new[] { (0, 0), (0, 1), (1, 0), (1, 1) }.Max(
                            at => shifted[(s * 90) + (channel * 30) + (((2 * row) + at.Item1) * 5) + (2 * column) + at.Item2]);
                        for (var o = 0; o < 3; o++)
                        {
                            z[o] += head.Weights[(o * 18) + (channel * 6) + place] * largest;
                        }
                    }
                }

                return Math.Log(z.Sum(Math.Exp)) - z[problem.Labels[s]];
            })];
        }

        double[] derivatives = [.. Losses(Distance).Zip(Losses(-Distance), (ahead, behind) => (ahead - behind) / (2 * Distance * BatchSize))];
        double[] g = [.. trace.Pass.Activated.Select((y, i) => derivatives[i / 90] * trace.Perturbations[0][i] * (1 - (y * y)))];
        VectorAssert.Close(g, trace.PreactivationDeltas!, 1e-6);
    }

    /// <summary>The same image in all channels of a 1x1 convolution is a dense block over channels: two roads to one number.</summary>
    [Theory]
    [InlineData("BP", false)]
    [InlineData("FDFA", false)]
    [InlineData("BP", true)]
    [InlineData("FDFA", true)]
    public void A_convolution_of_one_pixel_is_a_dense_block(string rule, bool hasNormalization)
    {
        var options = new TrainingOptions { Rule = LearningRule.Parse(rule), LearningRate = 1e-2 };
        var dense = new SmallProblem("5-4-6-3", ActivationFunction.Tanh, options, BatchSize, batchNormalization: hasNormalization);
        var convolution = new SmallProblem(
            "4C1-6C1-3", ActivationFunction.Tanh, options, BatchSize, inputShape: new ImageShape(5, 1, 1), batchNormalization: hasNormalization);
        ReferenceNetwork left = dense.CreateNetwork();
        ReferenceNetwork right = convolution.CreateNetwork();
        for (var number = 0; number < 3; number++)
        {
            left.Step(dense.Inputs, dense.Labels, epoch: 0);
            right.Step(convolution.Inputs, convolution.Labels, epoch: 0);
        }

        for (var l = 0; l < 3; l++)
        {
            VectorAssert.Close(left.Parameters.Blocks[l].Weights, right.Parameters.Blocks[l].Weights, 1e-11);
            Assert.Equal(left.Parameters.Blocks[l].Feedback.Length, right.Parameters.Blocks[l].Feedback.Length);
        }
    }

    [Fact]
    public void Filters_start_from_their_fan_in()
    {
        NetworkDescription network = Topology.Parse("64C5-P2-10", inputShape: new ImageShape(3, 12, 12));
        var options = new TrainingOptions { WeightInitialisation = Initialisation.PyTorchDefault, FeedbackInitialisation = Initialisation.KaimingUniform };
        BlockParameters block = Initialiser.Create(network, options, seed: 0).Blocks[0];
        Assert.InRange(block.Weights.Max(), 0.99 / Math.Sqrt(75), 1 / Math.Sqrt(75));
        Assert.InRange(block.Biases.Max(), 0.8 / Math.Sqrt(75), 1 / Math.Sqrt(75));
        Assert.InRange(block.Feedback.Max(), 0.99 * Math.Sqrt(6.0 / 1024), Math.Sqrt(6.0 / 1024));
        BlockParameters before = Initialiser.Create(network, options with { PerturbationSite = PerturbationSite.BeforePool }, seed: 0).Blocks[0];
        Assert.Equal(10 * 64 * 8 * 8, before.Feedback.Length);
        Assert.InRange(before.Feedback.Max(), 0.99 * Math.Sqrt(6.0 / 4096), Math.Sqrt(6.0 / 4096));
    }

    private static SmallProblem Problem(TrainingOptions options, bool hasNormalization) =>
        new(SmallNetwork, ActivationFunction.Tanh, options, BatchSize, inputShape: s_image, batchNormalization: hasNormalization);

    /// <summary>What backpropagation makes of each sample's loss, where of the errors at the site only the sample's own are kept.</summary>
    private static IReadOnlyList<BlockGradient> OwnGradients(SmallProblem problem)
    {
        TrainingStep step = BlockCases.Begin(problem);
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
        [.. gradients.SelectMany(gradient => gradient.Weights.Concat(gradient.Biases).Concat(gradient.Scale ?? []).Concat(gradient.Shift ?? []))];
}
