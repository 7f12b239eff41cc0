using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;

namespace Fdfa.Tests.Reference;

/// <summary>Eq. 12 and 13: where averaged feedback goes while the weights stand still.</summary>
public sealed class FeedbackConvergenceTests
{
    /// <summary>FDFA: B⁽ᴸ⁻¹⁾ → W⁽ᴸ⁾, and B⁽¹⁾ → E_x[∂y⁽ᴸ⁾/∂y⁽¹⁾]. L-FDFA: every B⁽ˡ⁾ → W⁽ˡ⁺¹⁾. Within 1 % in the Frobenius norm.</summary>
    /// <remarks>
    /// The rate halves from epoch to epoch while the steps in one double: α shrinks like 1/t, as it does in a plain average, which is what
    /// brings the error below that of any constant rate (α/(2 − α) of one estimate's variance). By Lemma 4 the root of the expected
    /// squared error is about 0.2 to 0.4 % of the norm (measured: 0.19 to 0.40 %). At 1 % that square would have to exceed four times its
    /// mean: for a sum of twelve squares or more, of which those in a row are correlated, that is beyond 99.9 %. The weights stand still
    /// because a learning rate of 10⁻³⁰⁰ moves no number that is not tiny itself.
    /// </remarks>
    [Theory]
    [InlineData("FDFA")]
    [InlineData("L-FDFA")]
    public void Averaged_feedback_converges_to_what_it_stands_for(string rule)
    {
        var options = new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            WeightOptimizer = OptimizerKind.Sgd,
            FeedbackOptimizer = OptimizerKind.Sgd,
            LearningRate = 1e-300,
            FeedbackRate = 0.5,
            FeedbackRateDecay = 0.5,
            FeedbackInitialisation = Initialisation.Zeros,
        };
        var problem = new SmallProblem("5-4-4-3", ActivationFunction.Tanh, options, batchSize: 128);
        foreach (BlockParameters block in problem.Parameters.Blocks)
        {
            Array.Clear(block.Feedback);
        }

        ReferenceNetwork network = problem.CreateNetwork();
        for (var epoch = 0; epoch < 11; epoch++)
        {
            for (var step = 0; step < 3 << epoch; step++)
            {
                network.Step(problem.Inputs, problem.Labels, epoch);
            }
        }

        Assert.Equal(problem.Parameters.Blocks.Select(block => block.Weights), network.Parameters.Blocks.Select(block => block.Weights));
        IReadOnlyList<FeedbackError> errors = FeedbackError.Measure(
            problem.Network, options.Rule, network.Parameters, problem.Inputs, problem.BatchSize);
        Assert.All(errors, error => Assert.InRange(error.Relative, 0, 0.01));
    }
}
