using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>A problem that needs its hidden blocks: the four quadrants of a square, opposite ones alike (XOR).</summary>
/// <remarks>
/// Over four seeds the rules classified 245 to 256 of the 256 samples, and frozen hidden blocks 129 to 222; the bounds lie
/// between. (Hidden blocks twice as wide prove nothing: left as they start, they still give 248.)
/// </remarks>
public sealed class LearningTests
{
    private const int Samples = 256;
    private const int BatchSize = 32;
    private const int Epochs = 60;
    private const ulong Seed = 1;

    private static readonly TrainingOptions s_options = new()
    {
        LearningRate = 5e-3,
        FeedbackRate = 5e-3,
        LearningRateDecay = 0.98,
        FeedbackRateDecay = 0.98,
    };

    public static TheoryData<string, ActivationFunction, LossFunction, FeedbackOrder> Cases => new()
    {
        { "BP", ActivationFunction.ReLU, LossFunction.SoftmaxCrossEntropy, FeedbackOrder.FeedbackFirst },
        { "BP", ActivationFunction.Tanh, LossFunction.MeanSquaredError, FeedbackOrder.FeedbackFirst },
        { "FDFA", ActivationFunction.ReLU, LossFunction.SoftmaxCrossEntropy, FeedbackOrder.FeedbackFirst },
        { "FDFA", ActivationFunction.ReLU, LossFunction.SoftmaxCrossEntropy, FeedbackOrder.Simultaneous },
        { "FDFA", ActivationFunction.Tanh, LossFunction.MeanSquaredError, FeedbackOrder.Simultaneous },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_rule_learns_the_quadrants(string rule, ActivationFunction activation, LossFunction loss, FeedbackOrder feedbackOrder)
    {
        TrainingOptions options = s_options with { Rule = LearningRule.Parse(rule), Loss = loss, FeedbackOrder = feedbackOrder };

        Assert.InRange(CountCorrectAfterTraining(activation, options), 240, Samples);
    }

    /// <summary>The control: what the output block alone makes of hidden blocks that stay as they start.</summary>
    [Theory]
    [InlineData(ActivationFunction.ReLU, LossFunction.SoftmaxCrossEntropy)]
    [InlineData(ActivationFunction.Tanh, LossFunction.MeanSquaredError)]
    public void Without_feedback_the_quadrants_are_not_learned(ActivationFunction activation, LossFunction loss)
    {
        // Zero feedback that averages at a vanishing rate carries no error to the hidden blocks.
        TrainingOptions options = s_options with
        {
            Rule = LearningRule.ForwardDirectFeedbackAlignment,
            Loss = loss,
            FeedbackOptimizer = OptimizerKind.Sgd,
            FeedbackRate = 1e-30,
        };

        Assert.InRange(CountCorrectAfterTraining(activation, options), 0, 230);
    }

    private static int CountCorrectAfterTraining(ActivationFunction activation, TrainingOptions options)
    {
        NetworkDescription description = Topology.Parse("2-8-8-8-2", activation);
        var network = new ReferenceNetwork(description, options, Initialiser.Create(description, options, Seed), Seed);
        var (inputs, labels) = CreateQuadrants();
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            int[] order = EpochOrder.Create(Samples, Seed, epoch);
            for (var start = 0; start < Samples; start += BatchSize)
            {
                int[] batch = order[start..(start + BatchSize)];
                network.Step([.. batch.SelectMany(s => inputs[(2 * s)..(2 * s + 2)])], [.. batch.Select(s => labels[s])], epoch);
            }
        }

        return network.Evaluate(inputs, labels).Correct;
    }

    private static (double[] Inputs, int[] Labels) CreateQuadrants()
    {
        var random = new Random(12);
        double[] inputs = [.. Enumerable.Range(0, 2 * Samples).Select(_ => 2 * random.NextDouble() - 1)];
        int[] labels = [.. Enumerable.Range(0, Samples).Select(s => inputs[2 * s] > 0 == inputs[2 * s + 1] > 0 ? 1 : 0)];
        return (inputs, labels);
    }
}
