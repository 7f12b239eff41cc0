using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Experiments.Figures;

namespace Fdfa.Tests.Figures;

public sealed class MirroredNetworkTests
{
    /// <summary>The assumption of Propositions 5 and 6, at two widths: outputs 0, |∂L/∂y| = 1, one half of the neurons active.</summary>
    [Theory]
    [InlineData(12, 8)]
    [InlineData(30, 40)]
    public void Derivatives_keep_their_size_at_every_width(int inputs, int hidden)
    {
        var network = new NetworkDescription([inputs, hidden, 10]);
        TrainingOptions options = Preset.Paper.OptionsFor(LearningRule.ForwardDirectFeedbackAlignment);
        NetworkParameters parameters = MirroredNetwork.Create(network, options);
        var random = new Random(3);
        double[] x = [.. Enumerable.Range(0, inputs).Select(_ => (2 * random.NextDouble()) - 1)];
        ForwardPass forward = NetworkForward.Run(network, parameters, x, batchSize: 1);
        double[] gradient = new GradientEstimator(network, options with { FeedbackOrder = FeedbackOrder.Simultaneous }, parameters, seed: 0)
            .TrueGradient(new LabelledBatch(x, [4]))[0].Weights;

        Assert.All(forward.Outputs, output => Assert.Equal(0, output, 1e-12));
        Assert.Equal(hidden / 2, forward.Activations[0].Count(activation => activation > 0));
        Assert.Equal(hidden / 2 * x.Sum(value => value * value), gradient.Sum(g => g * g), 1e-9);
        Assert.Equal(parameters.Blocks[1].Weights, parameters.Blocks[0].Feedback);
    }

    [Theory]
    [InlineData(6, 10)]
    [InlineData(8, 9)]
    public void Sizes_that_cannot_be_mirrored_are_refused(int hidden, int outputs) => Assert.Throws<ArgumentException>(() =>
        MirroredNetwork.Create(new NetworkDescription([3, hidden, outputs]), Preset.Paper.OptionsFor(LearningRule.Backpropagation)));
}
