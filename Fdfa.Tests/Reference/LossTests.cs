using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;

namespace Fdfa.Tests.Reference;

public sealed class LossTests
{
    [Fact]
    public void Cross_entropy_by_hand()
    {
        // Row 0: p = (1/6, 2/6, 3/6); row 1: p = (1/2, 1/4, 1/4).
        double[] outputs = [0, Math.Log(2), Math.Log(3), Math.Log(2), 0, 0];
        var error = new double[6];
        double loss = new SoftmaxCrossEntropy().Evaluate(outputs, [2, 1], error);

        Assert.Equal((Math.Log(2) + Math.Log(4)) / 2, loss, 1e-14);
        VectorAssert.Close([1 / 12.0, 1 / 6.0, -1 / 4.0, 1 / 4.0, -3 / 8.0, 1 / 8.0], error, 1e-14);
    }

    [Fact]
    public void Mean_squared_error_by_hand()
    {
        double[] outputs = [0.5, 2, -1, 1, 1, 3];
        var error = new double[6];
        double loss = new MeanSquaredError().Evaluate(outputs, [1, 0], error);

        Assert.Equal((0.25 + 1 + 1 + 0 + 1 + 9) / 6, loss, 1e-14);
        VectorAssert.Close([1 / 6.0, 2 / 6.0, -2 / 6.0, 0, 2 / 6.0, 6 / 6.0], error, 1e-14);
    }

    [Theory]
    [InlineData(LossFunction.SoftmaxCrossEntropy)]
    [InlineData(LossFunction.MeanSquaredError)]
    public void The_output_error_is_the_derivative_of_the_mean_loss(LossFunction function)
    {
        ILoss loss = LossCatalogue.Find(function);
        var random = new Random(3);
        double[] outputs = [.. Enumerable.Range(0, 35).Select(_ => 4 * random.NextDouble() - 2)];
        int[] labels = [4, 0, 2, 2, 1, 3, 4];
        var error = new double[35];
        loss.Evaluate(outputs, labels, error);

        VectorAssert.Close(
            Differences.By(outputs, Enumerable.Range(0, 35), () => loss.Evaluate(outputs, labels, new double[35])), error, 1e-8);
    }

    [Fact]
    public void Cross_entropy_survives_outputs_that_would_overflow()
    {
        var error = new double[6];
        double loss = new SoftmaxCrossEntropy().Evaluate([1e4, 0, -1e4, -1e4, -2e4, -1e4], [1, 0], error);

        Assert.Equal((1e4 + Math.Log(2)) / 2, loss, 1e-9);
        VectorAssert.Close([0.5, -0.5, 0, -0.25, 0, 0.25], error, 1e-14);
    }

    [Fact]
    public void Cross_entropy_of_a_NaN_is_NaN() =>
        Assert.True(double.IsNaN(new SoftmaxCrossEntropy().Evaluate([0, double.NaN], [0], new double[2])));

    [Fact]
    public void The_first_of_equal_outputs_is_the_prediction()
    {
        double[] outputs = [1, 1, 0, 0, 2, 2, -1, -1, -1, 3, 1, 2];
        Assert.Equal(4, LabelledOutputs.CountCorrect(outputs, [0, 1, 0, 0]));
        Assert.Equal(0, LabelledOutputs.CountCorrect(outputs, [1, 2, 2, 1]));
    }

    [Theory]
    [InlineData(6, new int[0])]
    [InlineData(0, new[] { 0, 1 })]
    [InlineData(5, new[] { 0, 1 })]
    [InlineData(6, new[] { 0, 3 })]
    [InlineData(6, new[] { 0, -1 })]
    public void Outputs_and_labels_that_do_not_fit_are_refused(int outputs, int[] labels)
    {
        Assert.Throws<ShapeMismatchException>(() => new SoftmaxCrossEntropy().Evaluate(new double[outputs], labels, new double[outputs]));
        Assert.Throws<ShapeMismatchException>(() => new MeanSquaredError().Evaluate(new double[outputs], labels, new double[outputs]));
        Assert.Throws<ShapeMismatchException>(() => LabelledOutputs.CountCorrect(new double[outputs], labels));
    }

    [Fact]
    public void An_error_array_of_another_size_is_refused() =>
        Assert.Throws<ShapeMismatchException>(() => new MeanSquaredError().Evaluate(new double[6], [0, 1], new double[7]));
}
