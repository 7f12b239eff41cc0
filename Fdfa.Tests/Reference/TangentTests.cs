using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

public sealed class TangentTests
{
    private const int BatchSize = 5;

    [Theory]
    [InlineData("7-3", ActivationFunction.Tanh)]
    [InlineData("6-9-4", ActivationFunction.Tanh)]
    [InlineData("6-9-1-8-4", ActivationFunction.Tanh)]
    [InlineData("6-9-4", ActivationFunction.ReLU)]
    [InlineData("6-9-7-8-4", ActivationFunction.ReLU)]
    [InlineData("6-9-7-4", ActivationFunction.Identity)]
    public void The_forward_pass_is_the_definition(string topology, ActivationFunction activation)
    {
        var problem = new SmallProblem(topology, activation, new TrainingOptions(), BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        var preactivations = new List<double>();
        double[] outputs = ShiftedNetwork.Outputs(
            problem.Network, problem.Parameters, problem.Inputs, BatchSize, new double[]?[problem.Network.Blocks.Count], 0, preactivations);

        VectorAssert.Close(outputs, step.Blocks[^1].Activations, 1e-13);
        for (var sample = 0; sample < BatchSize; sample++)
        {
            double[] ours = [.. step.Blocks.SelectMany(block => block.Preactivations
                .Skip(sample * block.BiasGradient.Length).Take(block.BiasGradient.Length))];
            VectorAssert.Close([.. preactivations.Skip(sample * ours.Length).Take(ours.Length)], ours, 1e-13);
        }
    }

    [Theory]
    [InlineData("6-9-4", ActivationFunction.Tanh)]
    [InlineData("6-9-1-8-4", ActivationFunction.Tanh)]
    [InlineData("6-9-4", ActivationFunction.ReLU)]
    [InlineData("6-9-7-8-4", ActivationFunction.ReLU)]
    [InlineData("6-9-7-4", ActivationFunction.Identity)]
    public void The_output_tangent_is_the_central_difference_along_all_perturbations(string topology, ActivationFunction activation)
    {
        var problem = new SmallProblem(topology, activation, new TrainingOptions(), BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);
        double[]?[] perturbations = [.. step.Blocks.Select(block => block.Perturbations.SingleOrDefault())];

        const double Distance = 1e-5;
        RequireNoKinkWithin(100 * Distance, problem);
        VectorAssert.Close(
            ShiftedNetwork.CentralDifference(problem.Network, problem.Parameters, problem.Inputs, BatchSize, perturbations, Distance),
            step.Blocks[^1].Tangents[0],
            1e-6);
    }

    [Theory]
    [InlineData(ActivationFunction.Tanh)]
    [InlineData(ActivationFunction.ReLU)]
    public void A_hidden_tangent_is_that_of_the_network_cut_off_behind_it(ActivationFunction activation)
    {
        var problem = new SmallProblem("6-9-7-8-4", activation, new TrainingOptions(), BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);

        // The cut network ends in an identity block that passes block 3 on.
        var identity = new double[64];
        for (var i = 0; i < 8; i++)
        {
            identity[i * 8 + i] = 1;
        }

        var cut = new NetworkDescription([6, 9, 7, 8, 8], activation);
        var parameters = new NetworkParameters([.. problem.Parameters.Blocks.Take(3), new BlockParameters(identity, new double[8], [])]);
        double[]?[] perturbations = [.. step.Blocks.Select(block => block.Perturbations.SingleOrDefault())];
        VectorAssert.Close(
            ShiftedNetwork.CentralDifference(cut, parameters, problem.Inputs, BatchSize, perturbations, 1e-5),
            step.Blocks[2].Tangents[0],
            1e-6);
    }

    [Fact]
    public void Perturbations_are_injected_at_hidden_blocks_only()
    {
        var problem = new SmallProblem("6-9-7-4", ActivationFunction.Tanh, new TrainingOptions(), BatchSize);
        StepResult step = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0);

        Assert.Single(step.Blocks[0].Perturbations);
        Assert.Single(step.Blocks[1].Perturbations);
        Assert.Empty(step.Blocks[2].Perturbations);

        // d⁽⁰⁾ = 0: the first block's tangent is its perturbation.
        Assert.Equal(step.Blocks[0].Perturbations, step.Blocks[0].Tangents);
    }

    /// <summary>⟨J v, w⟩ = ⟨v, Jᵀ w⟩: the tangent pass and backpropagation are each other's transpose.</summary>
    [Theory]
    [InlineData(ActivationFunction.Tanh)]
    [InlineData(ActivationFunction.ReLU)]
    public void Tangents_and_backpropagation_are_adjoint(ActivationFunction activation)
    {
        var problem = new SmallProblem("6-9-7-8-4", activation, new TrainingOptions(), BatchSize);
        NetworkDescription network = problem.Network;
        ForwardPass forward = NetworkForward.Run(network, problem.Parameters, problem.Inputs, BatchSize);
        var random = new Random(4);
        double[] w = [.. forward.Outputs.Select(_ => random.NextDouble() - 0.5)];
        var step = new TrainingStep(
            problem.Parameters, new TrainingOptions(), new SoftmaxCrossEntropy(), forward, problem.Labels, w, new PerturbationNoise(11, 0));
        TangentPass tangents = new ForwardDirectFeedbackAlignment().InjectTangents(step).Single();
        double[][] g = [.. new Backpropagation().Gradients(step, []).Select(block => block.PreactivationDeltas!)];

        double ahead = w.Zip(tangents.Tangents[^1], (a, b) => a * b).Sum();
        double back = 0;
        for (var l = 0; l < network.Blocks.Count - 1; l++)
        {
            Block next = network.Blocks[l + 1];
            for (var sample = 0; sample < BatchSize; sample++)
            {
                for (var i = 0; i < next.Inputs; i++)
                {
                    double delta = 0;
                    for (var k = 0; k < next.Outputs; k++)
                    {
                        delta += g[l + 1][sample * next.Outputs + k] * problem.Parameters.Blocks[l + 1].Weights[k * next.Inputs + i];
                    }

                    back += delta * tangents.Perturbations[l]![sample * next.Inputs + i];
                }
            }
        }

        Assert.True(Math.Abs(ahead) > 0.1, $"The product {ahead} is too near to zero to compare.");
        Assert.Equal(ahead, back, 1e-12);
    }

    [Fact]
    public void ReLUs_derivative_at_zero_is_zero()
    {
        Assert.Equal(0, Activation.Derivative(ActivationFunction.ReLU, 0));
        Assert.Equal(1, Activation.Derivative(ActivationFunction.ReLU, double.Epsilon));
        Assert.Equal(1, Activation.Derivative(ActivationFunction.Tanh, 0));
    }

    private static void RequireNoKinkWithin(double distance, SmallProblem problem)
    {
        if (problem.Network.HiddenActivation == ActivationFunction.ReLU)
        {
            var preactivations = new List<double>();
            ShiftedNetwork.Outputs(
                problem.Network, problem.Parameters, problem.Inputs, BatchSize, new double[]?[problem.Network.Blocks.Count], 0, preactivations);
            Assert.True(preactivations.Min(Math.Abs) > distance, "A kink is too near; choose another seed.");
        }
    }
}
