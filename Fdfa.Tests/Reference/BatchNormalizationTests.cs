using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>Batch normalization against numbers worked out by hand from PyTorch's definition (momentum 0.1, ε 1e-5).</summary>
/// <remarks>How tangents and errors go through it, frozen or not, is in <see cref="BlockDerivativeTests"/>.</remarks>
public sealed class BatchNormalizationTests
{
    private static readonly DenseBlock s_neuron = new(1, 1, ActivationFunction.Identity, HasBatchNormalization: true);

    // Two filters on two positions: values of a channel lie apart in memory.
    private static readonly ConvolutionBlock s_filters = new(
        new ImageShape(1, 1, 2), 2, 1, 1, 0, ActivationFunction.Identity, HasBatchNormalization: true);

    /// <summary>z = 1, 2, 3, 6: mean 3, biased variance 14/4, unbiased 14/3; a = 2 x̂ + 0.5.</summary>
    [Fact]
    public void A_neuron_is_normalized_over_the_batch()
    {
        var numbers = new Normalization([2], [0.5], [0.25], [4]);
        NormalizedBatch batch = BatchNormalization.Normalize(s_neuron, numbers, [1, 2, 3, 6], NormalizationStatistics.Batch);
        double r = 1 / Math.Sqrt(3.50001);
        Assert.Equal([3], batch.Means);
        Assert.Equal([3.5], batch.Variances);
        VectorAssert.Close([-2 * r, -r, 0, 3 * r], batch.Values, 1e-15);
        VectorAssert.Close(
            [-1.6380868, -0.5690434, 0.5, 3.7071301], BatchNormalization.Forward(s_neuron, numbers, batch), 1e-7);

        BatchNormalization.UpdateRunningStatistics(s_neuron, numbers, batch);
        Assert.Equal(0.9 * 0.25 + 0.1 * 3, numbers.RunningMean[0], 1e-15);
        Assert.Equal(0.9 * 4 + 0.1 * 14 / 3, numbers.RunningVariance[0], 1e-15);
    }

    /// <summary>Sample 1 has (1, 2 | 10, 20), sample 2 (3, 6 | 30, 60): channel 1 has 1, 2, 3, 6 and channel 2 ten times these.</summary>
    [Fact]
    public void A_filter_is_normalized_over_batch_and_positions()
    {
        var numbers = new Normalization([1, 1], [0, 0], [0, 0], [1, 1]);
        NormalizedBatch batch = BatchNormalization.Normalize(
            s_filters, numbers, [1, 2, 10, 20, 3, 6, 30, 60], NormalizationStatistics.Batch);
        double r = 1 / Math.Sqrt(3.50001);
        double s = 10 / Math.Sqrt(350.00001);
        VectorAssert.Close([3, 30], batch.Means, 1e-15);
        VectorAssert.Close([3.5, 350], batch.Variances, 1e-15);
        VectorAssert.Close([-2 * r, -r, -2 * s, -s, 0, 3 * r, 0, 3 * s], batch.Values, 1e-15);
        BatchNormalization.UpdateRunningStatistics(s_filters, numbers, batch);
        VectorAssert.Close([0.3, 3], numbers.RunningMean, 1e-15);
        VectorAssert.Close([0.9 + 1.4 / 3, 0.9 + 140.0 / 3], numbers.RunningVariance, 1e-15);
        VectorAssert.Close([2 + 2, 4 + 4], BatchNormalization.ShiftGradient(s_filters, [1, 1, 1, 3, 1, 1, 2, 2]), 1e-15);
    }

    /// <summary>Where PyTorch refuses: one value is its own mean, passes β on, and leaves the running variance alone.</summary>
    [Fact]
    public void A_single_value_becomes_the_shift()
    {
        var numbers = new Normalization([2], [0.5], [1], [4]);
        NormalizedBatch batch = BatchNormalization.Normalize(s_neuron, numbers, [7], NormalizationStatistics.Batch);
        Assert.Equal([0.5], BatchNormalization.Forward(s_neuron, numbers, batch));
        Assert.Equal([0], BatchNormalization.Tangent(s_neuron, numbers, batch, [1]));
        BatchNormalization.UpdateRunningStatistics(s_neuron, numbers, batch);
        Assert.Equal([0.9 + 0.7], numbers.RunningMean);
        Assert.Equal([4], numbers.RunningVariance);
    }

    /// <summary>
    /// 1-2-2 with W = (1, −3), γ = 1, β = 0, identity output: over two steps with the inputs 1, 2, 3, 6 the running mean of W x is
    /// 0.1·3 and then 0.9·0.3 + 0.1·3 times W, as long as the weights stand still; evaluation takes it, training does not.
    /// </summary>
    [Fact]
    public void Training_moves_running_statistics_and_evaluation_takes_them()
    {
        NetworkDescription network = Topology.Parse("1-2-2", ActivationFunction.Tanh, batchNormalization: true);
        var options = new TrainingOptions
        {
            Rule = LearningRule.Backpropagation,
            WeightOptimizer = OptimizerKind.Sgd,
            LearningRate = 1e-300,
            Loss = LossFunction.MeanSquaredError,
        };
        NetworkParameters start = Initialiser.Create(network, options, seed: 1);
        Assert.Equal([1, 1], start.Blocks[0].Normalization!.Scale);
        Assert.Equal([0, 0], start.Blocks[0].Normalization!.Shift);
        Assert.Equal([0, 0], start.Blocks[0].Normalization!.RunningMean);
        Assert.Equal([1, 1], start.Blocks[0].Normalization!.RunningVariance);
        Assert.Empty(start.Blocks[0].Biases);
        Assert.Null(start.Blocks[1].Normalization);
        start = new NetworkParameters([
            start.Blocks[0] with { Weights = [1, -3] },
            new BlockParameters([1, 0, 0, 1], [0, 0], []),
        ]);
        var reference = new ReferenceNetwork(network, options, start, seed: 1);
        Normalization numbers = reference.Parameters.Blocks[0].Normalization!;
        Assert.NotSame(start.Blocks[0].Normalization!.RunningMean, numbers.RunningMean);

        double before = reference.Step([1, 2, 3, 6], [0, 1, 0, 1], epoch: 0).Loss;
        VectorAssert.Close([0.3, -0.9], numbers.RunningMean, 1e-15);
        VectorAssert.Close([0.9 + 1.4 / 3, 0.9 + 12.6 / 3], numbers.RunningVariance, 1e-15);
        Assert.Equal(before, reference.Step([1, 2, 3, 6], [0, 1, 0, 1], epoch: 0).Loss);
        VectorAssert.Close([0.57, -1.71], numbers.RunningMean, 1e-15);

        double[] y = [.. new[] { 1.0, -3.0 }.Select((w, i) =>
            Math.Tanh(((w * 6) - numbers.RunningMean[i]) / Math.Sqrt(numbers.RunningVariance[i] + 1e-5)))];
        double expected = (((y[0] - 1) * (y[0] - 1)) + (y[1] * y[1])) / 2;
        Assert.Equal(expected, reference.Evaluate([6], [0]).Loss, 1e-15);
        VectorAssert.Close([0.57, -1.71], numbers.RunningMean, 1e-15);
    }

    [Fact]
    public void Parameters_without_their_normalization_are_refused()
    {
        NetworkDescription network = Topology.Parse("3-4-2", batchNormalization: true);
        NetworkParameters sound = Initialiser.Create(network, new TrainingOptions(), seed: 0);
        void Refuse(string expected, BlockParameters first) => Refusal.Of<ShapeMismatchException>(
            () => new NetworkParameters([first, sound.Blocks[1]]).RequireFit(network, new TrainingOptions().Rule), expected);
        BlockParameters block = sound.Blocks[0];
        sound.RequireFit(network, new TrainingOptions().Rule);
        Refuse("scales of block 1 hold 0", block with { Normalization = null });
        Refuse("biases of block 1 hold 4", block with { Biases = new double[4] });
        Refuse("shifts of block 1 hold 3", block with { Normalization = block.Normalization! with { Shift = new double[3] } });
        Refuse("running means of block 1 hold 5", block with { Normalization = block.Normalization! with { RunningMean = new double[5] } });
        Refuse(
            "running variances of block 1 hold 5",
            block with { Normalization = block.Normalization! with { RunningVariance = new double[5] } });
    }
}
