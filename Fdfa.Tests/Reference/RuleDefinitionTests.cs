using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Every rule against <see cref="RuleDefinition"/>, and what its steps make of the parameters.</summary>
public sealed class RuleDefinitionTests
{
    private const ulong Seed = 99;
    private const int Epoch = 2;

    public static TheoryData<SmallProblem> Cases
    {
        get
        {
            var cases = new TheoryData<SmallProblem>();
            foreach (LearningRule rule in LearningRule.All)
            {
                TrainingOptions plain =
                    new() { Rule = rule, LearningRate = 0.1, LearningRateDecay = 0.5, FeedbackRate = 0.3, FeedbackRateDecay = 0.25 };
                TrainingOptions averaging = plain with
                {
                    WeightOptimizer = OptimizerKind.Sgd,
                    FeedbackOptimizer = OptimizerKind.Sgd,
                    FeedbackOrder = FeedbackOrder.Simultaneous,
                    FeedbackDecay = 0.25,
                    Loss = LossFunction.MeanSquaredError,
                    Perturbations = 3,
                    WeightNoise = WeightNoise.PerSample,
                    OutputGradient = OutputGradient.Exact,
                };
                TrainingOptions pairs = plain with { Perturbations = 2, Antithetic = true, Noise = NoiseDistribution.Rademacher };
                void AddDense(string topology, ActivationFunction activation, TrainingOptions options, int batchSize) =>
                    cases.Add(new(topology, activation, options, batchSize));

                AddDense("5-6-4-7-3", ActivationFunction.Tanh, plain, 4);
                AddDense("5-6-4-7-3", ActivationFunction.ReLU, averaging, 6);
                AddDense("5-6-4-3", ActivationFunction.Tanh, averaging with { FeedbackOrder = FeedbackOrder.FeedbackFirst }, 1);
                AddDense("5-6-3", ActivationFunction.ReLU, pairs, 4);
                if (!rule.HasFeedback)
                {
                    AddDense("5-3", ActivationFunction.Tanh, pairs, 4);
                }

                foreach (PerturbationSite site in Enum.GetValues<PerturbationSite>())
                {
                    void AddConvolutional(TrainingOptions options, bool hasNormalization) => cases.Add(new(
                        "3C3-P2-4C3/2+1-A2-6-3", ActivationFunction.Tanh, options with { PerturbationSite = site }, 4, 1, new(2, 8, 7),
                        hasNormalization));

                    AddConvolutional(averaging, hasNormalization: false);
                    AddConvolutional(
                        pairs with { WeightOptimizer = site == PerturbationSite.BlockOutput ? OptimizerKind.Sgd : OptimizerKind.Adam },
                        hasNormalization: true);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Two_steps_follow_the_definition(SmallProblem problem)
    {
        ReferenceNetwork network = problem.CreateNetwork(seed: Seed);
        TrainingOptions options = problem.Options;
        IOptimizer[][] optimizers = [.. network.Parameters.Blocks.Select(block => Learned(block, trace: null).Select(array =>
            Optimizer.Of(array.IsFeedback ? options.FeedbackOptimizer : options.WeightOptimizer)
                .Create(array.Values.Length, options)).ToArray())];
        for (uint number = 0; number < 2; number++)
        {
            Assert.Equal(number, network.StepCount);

            // A new network's parameters are a copy.
            SmallProblem before =
                problem with { Parameters = new ReferenceNetwork(problem.Network, options, network.Parameters, Seed).Parameters };
            StepResult step = network.Step(problem.Inputs, problem.Labels, Epoch);
            bool seesNew = options.FeedbackOrder == FeedbackOrder.FeedbackFirst && options.Rule.Name is "DKP" or "FDFA";
            var definition = new RuleDefinition(
                before,
                new PerturbationNoise(Seed, number, options.Noise, options.Antithetic),
                step,
                [.. (seesNew ? network.Parameters : before.Parameters).Blocks.Select(block => block.Feedback)]);
            AssertFollows(before, step, definition);

            for (var index = 0; index < optimizers.Length; index++)
            {
                foreach (var (old, now, optimizer) in Learned(before.Parameters.Blocks[index], step.Blocks[index])
                    .Zip(Learned(network.Parameters.Blocks[index], trace: null), optimizers[index]))
                {
                    if (old.Gradient is not null)
                    {
                        optimizer.Update(old.Values, old.Gradient, old.IsFeedback ? 0.3 * 0.25 * 0.25 : 0.1 * 0.5 * 0.5);
                    }

                    Assert.Equal(old.Values, now.Values);
                }
            }
        }
    }

    /// <summary>DESIGN §3, item 5: weights at zero and σ'(0) = 0 leave everything but the output bias where it is.</summary>
    [Theory]
    [InlineData(ActivationFunction.ReLU, false)]
    [InlineData(ActivationFunction.ReLUOpenAtZero, true)]
    public void DFA_from_zero_weights_moves_only_with_a_ReLU_that_is_open_at_zero(ActivationFunction activation, bool moves)
    {
        TrainingOptions options = Preset.Paper.OptionsFor(LearningRule.DirectFeedbackAlignment) with { LearningRate = 1e-2 };
        var problem = new SmallProblem("5-6-4-3", activation, options, batchSize: 16);
        var network = new ReferenceNetwork(problem.Network, options, Initialiser.Create(problem.Network, options, seed: 1), seed: 1);
        IReadOnlyList<BlockParameters> blocks = network.Parameters.Blocks;
        Assert.All(blocks.SelectMany(block => block.Weights.Concat(block.Biases)), value => Assert.Equal(0, value));
        for (var number = 0; number < 5; number++)
        {
            network.Step(problem.Inputs, problem.Labels, epoch: 0);
        }

        Assert.All(blocks[^1].Biases, bias => Assert.NotEqual(0, bias));
        Assert.All(
            blocks.SkipLast(1).SelectMany(block => block.Biases).Concat(blocks[0].Weights), value => Assert.Equal(moves, value != 0));

        // Above the first block a neuron whose bias went down in the first step, when its input was still zero, stays closed.
        Assert.All(blocks, block => Assert.InRange(
            block.Weights.Count(w => w != 0), moves ? block.Weights.Length / 4 : 0, moves ? block.Weights.Length : 0));
    }

    /// <summary>What an optimizer moves in a block, in an order of its own; without a trace no gradients.</summary>
    private static IEnumerable<(double[] Values, double[]? Gradient, bool IsFeedback)> Learned(BlockParameters block, BlockTrace? trace) =>
        new (double[]?, double[]?, bool)[]
        {
            (block.Weights, trace?.WeightGradient, false),
            (block.Biases, trace?.BiasGradient, false),
            (block.Feedback, trace?.FeedbackGradient, true),
            (block.Head?.Weights, trace?.Gradient.Head?.Weights, false),
            (block.Head?.Biases, trace?.Gradient.Head?.Biases, false),
            (block.Normalization?.Scale, trace?.Gradient.Scale, false),
            (block.Normalization?.Shift, trace?.Gradient.Shift, false),
        }
        .Select(array => (array.Item1 ?? [], array.Item2, array.Item3));

    private static void AssertFollows(SmallProblem problem, StepResult step, RuleDefinition definition)
    {
        Assert.Equal(definition.Loss.Loss, step.Loss, 1e-12);
        VectorAssert.Close(definition.Loss.Error, step.OutputError, 1e-12);
        for (int l = step.Blocks.Count; l >= 1; l--)
        {
            BlockTrace trace = step.Blocks[l - 1];
            Assert.Equal(definition.Perturbations(l), trace.Perturbations);
            double[][] tangents = definition.Tangents(l);
            Assert.Equal(tangents.Length, trace.Tangents.Count);
            Assert.All(tangents.Zip(trace.Tangents), pair => VectorAssert.Close(pair.First, pair.Second, 1e-6));
        }

        for (int l = step.Blocks.Count; l >= 1; l--)
        {
            Assert.All(
                Arrays(definition.Gradient(l)).Zip(Arrays(step.Blocks[l - 1].Gradient)),
                pair => VectorAssert.Close(pair.First, pair.Second, 1e-12));
            VectorAssert.Close(definition.FeedbackGradient(l), step.Blocks[l - 1].FeedbackGradient, 1e-12);
        }
    }

    private static double[]?[] Arrays(BlockGradient gradient) =>
        [
            gradient.PreactivationDeltas,
            gradient.LinearDeltas,
            gradient.Weights,
            gradient.Biases,
            gradient.Scale,
            gradient.Shift,
            gradient.Head?.Weights,
            gradient.Head?.Biases,
        ];
}
