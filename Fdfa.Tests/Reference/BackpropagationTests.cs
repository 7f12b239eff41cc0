using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;

namespace Fdfa.Tests.Reference;

public sealed class BackpropagationTests
{
    private const int BatchSize = 4;

    [Theory]
    [InlineData("5-3", ActivationFunction.Tanh, LossFunction.SoftmaxCrossEntropy)]
    [InlineData("5-6-3", ActivationFunction.Tanh, LossFunction.SoftmaxCrossEntropy)]
    [InlineData("5-6-4-7-3", ActivationFunction.Tanh, LossFunction.SoftmaxCrossEntropy)]
    [InlineData("5-6-4-7-3", ActivationFunction.Tanh, LossFunction.MeanSquaredError)]
    [InlineData("5-6-4-7-3", ActivationFunction.ReLU, LossFunction.SoftmaxCrossEntropy)]
    [InlineData("5-6-4-7-3", ActivationFunction.ReLU, LossFunction.MeanSquaredError)]
    public void Gradients_are_the_central_differences_of_the_loss(string topology, ActivationFunction activation, LossFunction loss)
    {
        var options = new TrainingOptions { Rule = LearningRule.Backpropagation, Loss = loss };
        var problem = new SmallProblem(topology, activation, options, BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);

        Assert.Equal(LossOf(problem), step.Loss, 1e-13);
        for (var l = 0; l < problem.Network.Blocks.Count; l++)
        {
            VectorAssert.Close(Differentiate(problem, problem.Parameters.Blocks[l].Weights), step.Blocks[l].WeightGradient, 1e-6);
            VectorAssert.Close(Differentiate(problem, problem.Parameters.Blocks[l].Biases), step.Blocks[l].BiasGradient, 1e-6);
        }
    }

    [Fact]
    public void Nothing_is_injected_and_there_is_no_feedback()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.ReLU, new TrainingOptions { Rule = LearningRule.Backpropagation }, BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.All(step.Blocks, block =>
        {
            Assert.Empty(block.Tangents);
            Assert.Empty(block.Perturbations);
            Assert.Null(block.FeedbackGradient);
        });
        Assert.Equal(step.OutputError, step.Blocks[^1].PreactivationDeltas);
    }

    private static double[] Differentiate(SmallProblem problem, double[] values)
    {
        const double Distance = 1e-5;
        var gradient = new double[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            double centre = values[i];
            values[i] = centre + Distance;
            double ahead = LossOf(problem);
            values[i] = centre - Distance;
            double behind = LossOf(problem);
            values[i] = centre;
            gradient[i] = (ahead - behind) / (2 * Distance);
        }

        return gradient;
    }

    private static double LossOf(SmallProblem problem)
    {
        double[] outputs = ShiftedNetwork.Outputs(
            problem.Network, problem.Parameters, problem.Inputs, BatchSize, new double[]?[problem.Network.Blocks.Count], 0);
        return LossCatalogue.Find(problem.Options.Loss).Evaluate(outputs, problem.Labels, new double[outputs.Length]);
    }
}
