using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>Batch normalization against numbers worked out by hand from PyTorch's definition (momentum 0.1, ε 1e-5).</summary>
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

    /// <summary>
    /// Along z' = (1, 0, 0, 0): ⟨z'⟩ = 1/4, ⟨x̂ z'⟩ = −r/2, so x̂' = r (3/4 − r², −1/4 − r²/2, −1/4, −1/4 + 3r²/2); and backward from
    /// g = (1, 0, 0, 0) with γ = 2 is twice that, with ∂γ = x̂₁ and ∂β = 1.
    /// </summary>
    [Fact]
    public void Tangents_and_errors_go_through_mean_and_variance()
    {
        var numbers = new Normalization([2], [0.5], [0], [1]);
        NormalizedBatch batch = BatchNormalization.Normalize(s_neuron, numbers, [1, 2, 3, 6], NormalizationStatistics.Batch);
        double r = 1 / Math.Sqrt(3.50001);
        double[] expected = [2 * r * (0.75 - (r * r)), 2 * r * (-0.25 - (r * r / 2)), 2 * r * -0.25, 2 * r * (-0.25 + (1.5 * r * r))];
        VectorAssert.Close(expected, BatchNormalization.Tangent(s_neuron, numbers, batch, [1, 0, 0, 0]), 1e-14);
        VectorAssert.Close(expected, BatchNormalization.Backward(s_neuron, numbers, batch, [1, 0, 0, 0]), 1e-14);
        Assert.Equal(-2 * r, BatchNormalization.ScaleGradient(s_neuron, batch, [1, 0, 0, 0])[0], 1e-15);
        Assert.Equal(1, BatchNormalization.ShiftGradient(s_neuron, [1, 0, 0, 0])[0]);
    }

    /// <summary>Sample 1 has (1, 2 | 10, 20), sample 2 (3, 6 | 30, 60): channel 1 has 1, 2, 3, 6 and channel 2 ten times these.</summary>
    [Fact]
    public void A_filter_is_normalized_over_batch_and_positions()
    {
        var numbers = new Normalization([1, 1], [0, 0], [0, 0], [1, 1]);
        NormalizedBatch batch = BatchNormalization.Normalize(s_filters, numbers, [1, 2, 10, 20, 3, 6, 30, 60], NormalizationStatistics.Batch);
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

    /// <summary>μ̄ = 1, v̄ = 4: a = 2 (z − 1)/√4.00001 + 0.5, and derivatives are the constant 2/√4.00001.</summary>
    [Fact]
    public void Frozen_statistics_are_constants()
    {
        var numbers = new Normalization([2], [0.5], [1], [4]);
        NormalizedBatch batch = BatchNormalization.Normalize(s_neuron, numbers, [1, 2, 7], NormalizationStatistics.Running);
        double slope = 2 / Math.Sqrt(4.00001);
        VectorAssert.Close([0.5, slope + 0.5, 6 * slope + 0.5], BatchNormalization.Forward(s_neuron, numbers, batch), 1e-15);
        VectorAssert.Close([slope, 0, 3 * slope], BatchNormalization.Tangent(s_neuron, numbers, batch, [1, 0, 3]), 1e-15);
        VectorAssert.Close([slope, 0, 3 * slope], BatchNormalization.Backward(s_neuron, numbers, batch, [1, 0, 3]), 1e-15);
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

    /// <summary>γ and β follow their gradients by the optimizer of the weights.</summary>
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adam)]
    public void Scale_and_shift_are_trained(OptimizerKind optimizer)
    {
        var options = new TrainingOptions { Rule = LearningRule.Backpropagation, WeightOptimizer = optimizer, LearningRate = 0.1 };
        var problem = new SmallProblem(
            "2C3-P2-5-3", ActivationFunction.Tanh, options, batchSize: 4, inputShape: new ImageShape(1, 6, 6), batchNormalization: true);
        ReferenceNetwork network = problem.CreateNetwork();
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
        for (var l = 0; l < 2; l++)
        {
            Normalization old = problem.Parameters.Blocks[l].Normalization!;
            Normalization now = network.Parameters.Blocks[l].Normalization!;

            // Adam's first step is the rate, whatever the gradient's size.
            double Change(double gradient) => 0.1 * (optimizer == OptimizerKind.Sgd ? gradient : gradient / (Math.Abs(gradient) + 1e-8));
            VectorAssert.Close([.. old.Scale.Zip(step.Blocks[l].Gradient.Scale!, (v, g) => v - Change(g))], now.Scale, 1e-12);
            VectorAssert.Close([.. old.Shift.Zip(step.Blocks[l].Gradient.Shift!, (v, g) => v - Change(g))], now.Shift, 1e-12);
        }
    }

    [Fact]
    public void Parameters_without_their_normalization_are_refused()
    {
        NetworkDescription network = Topology.Parse("3-4-2", batchNormalization: true);
        NetworkParameters sound = Initialiser.Create(network, new TrainingOptions(), seed: 0);
        void Refuse(string expected, BlockParameters first) => Assert.Contains(
            expected,
            Assert.Throws<ShapeMismatchException>(() =>
                new NetworkParameters([first, sound.Blocks[1]]).RequireFit(network, new TrainingOptions().Rule)).Message,
            StringComparison.Ordinal);
        BlockParameters block = sound.Blocks[0];
        sound.RequireFit(network, new TrainingOptions().Rule);
        Refuse("scales of block 1 hold 0", block with { Normalization = null });
        Refuse("biases of block 1 hold 4", block with { Biases = new double[4] });
        Refuse("shifts of block 1 hold 3", block with { Normalization = block.Normalization! with { Shift = new double[3] } });
        Refuse("running means of block 1 hold 5", block with { Normalization = block.Normalization! with { RunningMean = new double[5] } });
        Refuse("running variances of block 1 hold 5", block with { Normalization = block.Normalization! with { RunningVariance = new double[5] } });
    }
}
