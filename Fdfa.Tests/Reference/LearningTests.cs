using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>A problem that needs its hidden blocks: the four quadrants of a square, opposite ones alike (XOR).</summary>
public sealed class LearningTests
{
    private const int Samples = 256;
    private const int BatchSize = 32;
    private const int Epochs = 60;
    private const ulong Seed = 1;

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
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            Loss = loss,
            FeedbackOrder = feedbackOrder,
            LearningRate = 5e-3,
            FeedbackRate = 5e-3,
            LearningRateDecay = 0.98,
            FeedbackRateDecay = 0.98,
        };
        NetworkDescription description = Topology.Parse("2-16-16-2", activation);
        var (inputs, labels) = CreateQuadrants();
        var network = new ReferenceNetwork(description, options, Initialiser.Create(description, options, Seed), Seed);
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            int[] order = EpochOrder.Create(Samples, Seed, epoch);
            for (var start = 0; start < Samples; start += BatchSize)
            {
                int[] batch = order[start..(start + BatchSize)];
                network.Step([.. batch.SelectMany(s => inputs[(2 * s)..(2 * s + 2)])], [.. batch.Select(s => labels[s])], epoch);
            }
        }

        // Five seeds gave 245 to 256 correct; with its hidden blocks left as they start the same network gets at most FROZEN.
        Assert.InRange(network.Evaluate(inputs, labels).Correct, 240, Samples);
    }

    private static (double[] Inputs, int[] Labels) CreateQuadrants()
    {
        var random = new Random(12);
        double[] inputs = [.. Enumerable.Range(0, 2 * Samples).Select(_ => 2 * random.NextDouble() - 1)];
        int[] labels = [.. Enumerable.Range(0, Samples).Select(s => inputs[2 * s] > 0 == inputs[2 * s + 1] > 0 ? 1 : 0)];
        return (inputs, labels);
    }
}
