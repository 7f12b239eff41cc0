using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

/// <summary>
/// Max pooling and adaptive averages on numbers that can be followed by eye; overlaps and borders are in
/// <see cref="BlockDerivativeTests"/>.
/// </summary>
public sealed class PoolTests
{
    /// <summary>Of equal values the first by rows and columns; also where all are zero, as behind ReLU.</summary>
    [Fact]
    public void The_first_of_equal_values_is_taken()
    {
        ConvolutionBlock block = Pooling(4);
        double[] values =
        [
            1, 2, 0, 0,
            2, 2, 0, 0,
            -1, -3, 5, 4,
            -1, -1, 4, 5,
        ];
        int[] choices = MaxPool.Choose(block, values, batchSize: 1);
        Assert.Equal([1, 2, 8, 10], choices);
        Assert.Equal([2, 0, -1, 5], MaxPool.Run(choices, values));
        double[] tangents = [.. Enumerable.Range(100, 16).Select(i => (double)i)];
        Assert.Equal([101, 102, 108, 110], MaxPool.Run(choices, tangents));
    }

    [Fact]
    public void A_NaN_is_not_hidden_by_a_number()
    {
        ConvolutionBlock block = Pooling(2);
        Assert.Equal([0], MaxPool.Choose(block, [double.NaN, 5, 6, 7], 1));
        Assert.Equal([2], MaxPool.Choose(block, [5, 6, double.NaN, 7], 1));
        Assert.Equal([1], MaxPool.Choose(block, [double.NegativeInfinity, 3, 2, 1], 1));
    }

    /// <summary>PyTorch's windows: 5 → 3 takes 0–1, 1–3, 3–4; 2 → 3 takes 0, 0–1, 1; 1 → 3 repeats.</summary>
    [Theory]
    [InlineData(5, new[] { 1.5, 3, 4.5 })]
    [InlineData(2, new[] { 1, 1.5, 2 })]
    [InlineData(1, new[] { 1.0, 1, 1 })]
    [InlineData(3, new[] { 1.0, 2, 3 })]
    [InlineData(6, new[] { 1.5, 3.5, 5.5 })]
    public void An_adaptive_average_covers_everything(int length, double[] expected)
    {
        var block = new ConvolutionBlock(new ImageShape(1, length, length), 1, 1, 1, 0, ActivationFunction.Identity, AdaptivePool: 3);
        double[] rows = [.. Enumerable.Range(0, length * length).Select(i => 1.0 + (i / length))];
        double[] columns = [.. Enumerable.Range(0, length * length).Select(i => 1.0 + (i % length))];
        VectorAssert.Close([.. expected.SelectMany(value => Enumerable.Repeat(value, 3))], AdaptiveAveragePool.Run(block, rows, 1), 1e-15);
        VectorAssert.Close(
            [.. Enumerable.Repeat(expected, 3).SelectMany(values => values)], AdaptiveAveragePool.Run(block, columns, 1), 1e-15);

        // Shares of an output add up to 1, and so the errors of all outputs are all handed on.
        Assert.Equal(9, AdaptiveAveragePool.Transposed(block, [.. Enumerable.Repeat(1.0, 9)], 1).Sum(), 1e-13);
    }

    [Fact]
    public void A_filter_is_a_correlation_in_PyTorchs_order()
    {
        // Two channels, one 2x2 filter for each: PyTorch does not flip filters.
        var block = new ConvolutionBlock(new ImageShape(2, 2, 3), 1, 2, 1, 0, ActivationFunction.Identity);
        double[] image = [1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60];
        double[] weights = [1, 0, 0, -1, 0, 1, 0, 0];
        Assert.Equal([1 - 5 + 20, 2 - 6 + 30], Convolution.Run(block, image, weights, 1));
        Assert.Equal([2, 2, 2, 2, 2, 2, 2, 2], Convolution.UsesOfWeights(block));
        Assert.Equal([1, 2, 0, 0, -1, -2, 0, 1, 2, 0, 0, 0], Convolution.Transposed(block, [1, 2], weights, 1));
        Assert.Equal(
            [1 + 4, 2 + 6, 4 + 10, 5 + 12, 10 + 40, 20 + 60, 40 + 100, 50 + 120], Convolution.WeightGradient(block, [1, 2], image, 1));

        // With padding 1 the corners of the filter see the 1x1 image once each.
        var padded = new ConvolutionBlock(new ImageShape(1, 1, 1), 1, 3, 1, 1, ActivationFunction.Identity);
        Assert.Equal([0, 0, 0, 0, 1, 0, 0, 0, 0], Convolution.UsesOfWeights(padded));
    }

    private static ConvolutionBlock Pooling(int side) =>
        new(new ImageShape(1, side, side), 1, 1, 1, 0, ActivationFunction.Identity, Pool: new PoolWindow(2, 2));
}
