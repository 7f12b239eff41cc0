using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Convolutions, pools and batch normalization against a second definition and its differences.</summary>
public sealed class BlockDerivativeTests
{
    private const double Distance = 1e-6;

    public static TheoryData<string, int, int, int, int, ActivationFunction, bool, bool> Cases => BlockCases.All;

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_forward_pass_is_the_definition(
        string topology, int channels, int height, int width, int batchSize, ActivationFunction activation, bool hasNormalization, bool frozen)
    {
        SmallProblem problem = BlockCases.Problem(
            topology, channels, height, width, batchSize, activation, hasNormalization, new TrainingOptions());
        ForwardPass forward = BlockCases.Begin(problem, frozen).Forward;
        var preactivations = new List<double>();
        double[] outputs = ShiftedNetwork.Outputs(
            problem.Network, problem.Parameters, problem.Inputs, batchSize,
            new double[]?[problem.Network.Blocks.Count], 0, preactivations, frozen: frozen);
        VectorAssert.Close(outputs, forward.Outputs, 1e-12);
        double[] ours = [.. Enumerable.Range(0, batchSize).SelectMany(s => forward.Blocks.SelectMany(pass =>
            pass.Preactivations.Skip(s * pass.Block.Preactivations).Take(pass.Block.Preactivations)))];
        VectorAssert.Close([.. preactivations], ours, 1e-12);
    }

    /// <summary>d⁽ᴸ⁾ along perturbations of all blocks at every site; through batch statistics too, which couple the samples.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void The_output_tangent_is_the_central_difference_along_all_perturbations(
        string topology, int channels, int height, int width, int batchSize, ActivationFunction activation, bool hasNormalization, bool frozen)
    {
        foreach (PerturbationSite site in Enum.GetValues<PerturbationSite>())
        {
            if (site == PerturbationSite.BeforePool && activation == ActivationFunction.ReLU && channels > 0)
            {
                // Where ReLU leaves a window nothing but zeros they tie, and pooling has no derivative: PyTorch's choice is the first.
                continue;
            }

            var options = new TrainingOptions { Rule = LearningRule.ActivityPerturbedForwardGradient, PerturbationSite = site };
            SmallProblem problem = BlockCases.Problem(topology, channels, height, width, batchSize, activation, hasNormalization, options);
            TangentPass pass = new ActivityPerturbedForwardGradient().InjectTangents(BlockCases.Begin(problem, frozen)).Single();
            Assert.Equal(
                problem.Network.Blocks.Select(block => batchSize * block.SizeAt(site)), pass.Perturbations.Select(u => u!.Length));
            VectorAssert.Close(
                ShiftedNetwork.CentralDifference(
                    problem.Network, problem.Parameters, problem.Inputs, batchSize, pass.Perturbations, Distance, site, frozen),
                pass.Tangents[^1],
                1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Backpropagations_gradients_are_the_central_differences_of_the_loss(
        string topology, int channels, int height, int width, int batchSize, ActivationFunction activation, bool hasNormalization, bool frozen)
    {
        SmallProblem problem = BlockCases.Problem(
            topology, channels, height, width, batchSize, activation, hasNormalization,
            new TrainingOptions { Rule = LearningRule.Backpropagation });
        IReadOnlyList<BlockGradient> gradients = new Backpropagation().Gradients(BlockCases.Begin(problem, frozen), []);
        for (var l = 0; l < gradients.Count; l++)
        {
            BlockParameters numbers = problem.Parameters.Blocks[l];
            AssertDifferences(problem, frozen, numbers.Weights, gradients[l].Weights);
            if (numbers.Normalization is not { } normalization)
            {
                AssertDifferences(problem, frozen, numbers.Biases, gradients[l].Biases);
                Assert.Null(gradients[l].Scale);
                Assert.Null(gradients[l].Shift);
                continue;
            }

            Assert.Empty(gradients[l].Biases);
            AssertDifferences(problem, frozen, normalization.Scale, gradients[l].Scale!);
            AssertDifferences(problem, frozen, normalization.Shift, gradients[l].Shift!);
        }
    }

    /// <summary>⟨J v, w⟩ = ⟨v, Jᵀ w⟩ for perturbations v of all hidden blocks at every site: exact, whatever kinks are near.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Tangents_and_backpropagation_are_adjoint(
        string topology, int channels, int height, int width, int batchSize, ActivationFunction activation, bool hasNormalization, bool frozen)
    {
        foreach (PerturbationSite site in Enum.GetValues<PerturbationSite>())
        {
            SmallProblem problem = BlockCases.Problem(
                topology, channels, height, width, batchSize, activation, hasNormalization, new TrainingOptions { PerturbationSite = site });
            TrainingStep step = BlockCases.Begin(problem, frozen);
            var random = new Random(4);
            step = step with { OutputError = [.. step.OutputError.Select(_ => random.NextDouble() - 0.5)] };
            TangentPass pass = new ForwardDirectFeedbackAlignment().InjectTangents(step).Single();
            IReadOnlyList<BlockGradient> gradients = new Backpropagation().Gradients(step, []);
            double ahead = Product(step.OutputError, pass.Tangents[^1]);
            double back = 0;
            for (var l = 1; l < gradients.Count; l++)
            {
                double[] delta = LinearMap.Transposed(
                    problem.Network.Blocks[l], gradients[l].LinearDeltas!, problem.Parameters.Blocks[l].Weights, batchSize);
                back += Product(step.Forward.Blocks[l - 1].BackTo(site, delta), pass.Perturbations[l - 1]!);
            }

            Assert.Equal(ahead, back, 1e-11 * Math.Max(1, Math.Abs(ahead)));
        }
    }

    private static double Product(double[] left, double[] right) => left.Zip(right, (a, b) => a * b).Sum();

    private static void AssertDifferences(SmallProblem problem, bool frozen, double[] values, double[] gradient)
    {
        // Every difference costs two passes, and of many weights some stand for all.
        int stride = (values.Length + 19) / 20;
        int[] some = [.. Enumerable.Range(0, values.Length).Where(i => i % stride == 0)];
        double[] expected = [.. some.Select(i =>
        {
            double centre = values[i];
            values[i] = centre + Distance;
            double ahead = BlockCases.LossOf(problem, frozen);
            values[i] = centre - Distance;
            double behind = BlockCases.LossOf(problem, frozen);
            values[i] = centre;
            return (ahead - behind) / (2 * Distance);
        })];
        Assert.Equal(values.Length, gradient.Length);
        if (problem.Network.HiddenActivation == ActivationFunction.ReLU && Array.TrueForAll(expected, difference => difference == 0))
        {
            // ReLU may silence a block's only neurons that the loss sees.
            Assert.All(some, i => Assert.Equal(0, gradient[i], 1e-14));
            return;
        }

        VectorAssert.Close(expected, [.. some.Select(i => gradient[i])], 1e-6);
    }
}
