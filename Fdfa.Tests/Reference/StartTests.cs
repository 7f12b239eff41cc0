using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>Where training starts, and whether anything can be learned from there.</summary>
public sealed class StartTests
{
    public static TheoryData<string, Initialisation, BiasInitialisation, Initialisation, ActivationFunction> Starts
    {
        get
        {
            var starts = new TheoryData<string, Initialisation, BiasInitialisation, Initialisation, ActivationFunction>();
            foreach (var (rule, weights, biases, feedback, activation) in
                from rule in LearningRule.All
                from weights in new[] { Initialisation.Zeros, Initialisation.KaimingUniform }
                from biases in new[] { BiasInitialisation.WithWeights, BiasInitialisation.PyTorchDefault }
                from feedback in new[] { Initialisation.Zeros, Initialisation.KaimingUniform }
                from activation in Enum.GetValues<ActivationFunction>()
                select (rule.Name, weights, biases, feedback, activation))
            {
                starts.Add(rule, weights, biases, feedback, activation);
            }

            return starts;
        }
    }

    /// <summary>Whether the weights of the first block move at all in twenty steps.</summary>
    [Theory]
    [MemberData(nameof(Starts))]
    public void What_cannot_learn_from_its_start_is_refused_and_nothing_else(
        string rule, Initialisation weights, BiasInitialisation biases, Initialisation feedback, ActivationFunction activation)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            WeightInitialisation = weights,
            BiasInitialisation = biases,
            FeedbackInitialisation = feedback,
        };
        var problem = new SmallProblem("4-3-3-2", activation, options, batchSize: 3);
        NetworkParameters start = Initialiser.Create(problem.Network, options, seed: 1);
        var network = new ReferenceNetwork(problem.Network, options, start, seed: 1);
        for (var step = 0; step < 20; step++)
        {
            network.Step(problem.Inputs, problem.Labels, epoch: 0);
        }

        bool learns = !network.Parameters.Blocks[0].Weights.SequenceEqual(start.Blocks[0].Weights);

        Assert.Equal(learns, Record.Exception(() => options.Validate(problem.Network)) is null);
    }
}
