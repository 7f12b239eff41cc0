using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class ReferenceNetworkTests
{
    private static readonly TrainingOptions s_options = new();

    [Fact]
    public void A_step_reports_the_loss_and_correct_count_from_before_its_update()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.ReLU, s_options with { LearningRate = 0.1 }, batchSize: 9);
        ReferenceNetwork network = problem.CreateNetwork();
        EvaluationResult before = network.Evaluate(problem.Inputs, problem.Labels);
        StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.Equal((before.Loss, before.Correct), (step.Loss, step.Correct));
        Assert.NotEqual(before.Loss, network.Evaluate(problem.Inputs, problem.Labels).Loss);
    }

    [Fact]
    public void Evaluation_changes_nothing()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.ReLU, s_options, batchSize: 4);
        ReferenceNetwork evaluated = problem.CreateNetwork();
        ReferenceNetwork other = problem.CreateNetwork();
        evaluated.Evaluate(problem.Inputs, problem.Labels);
        evaluated.Step(problem.Inputs, problem.Labels, epoch: 0);
        other.Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.Equal(other.Parameters.Blocks[0].Weights, evaluated.Parameters.Blocks[0].Weights);
        Assert.Equal(1U, evaluated.StepCount);
    }

    [Fact]
    public void The_initial_parameters_stay_as_they_are()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_options, batchSize: 4);
        double[] weights = [.. problem.Parameters.Blocks[0].Weights];
        double[] feedback = [.. problem.Parameters.Blocks[0].Feedback];
        ReferenceNetwork network = problem.CreateNetwork();
        network.Step(problem.Inputs, problem.Labels, epoch: 0);
        Assert.Equal(weights, problem.Parameters.Blocks[0].Weights);
        Assert.Equal(feedback, problem.Parameters.Blocks[0].Feedback);
        Assert.NotEqual(weights, network.Parameters.Blocks[0].Weights);
    }

    [Fact]
    public void Any_batch_size_is_taken_from_the_labels()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_options with { BatchSize = 64 }, batchSize: 7);
        ReferenceNetwork network = problem.CreateNetwork();
        Assert.Equal(7 * 3, network.Step(problem.Inputs, problem.Labels, epoch: 0).OutputError.Length);
        Assert.Equal(3, network.Step(problem.Inputs[..5], problem.Labels[..1], epoch: 0).OutputError.Length);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_options, batchSize: 4);
        ReferenceNetwork network = problem.CreateNetwork();
        Assert.Throws<ShapeMismatchException>(() => network.Step(problem.Inputs[..19], problem.Labels, epoch: 0));
        Assert.Throws<ShapeMismatchException>(() => network.Step([], [], epoch: 0));
        Assert.Throws<ShapeMismatchException>(() => network.Step(problem.Inputs, [0, 1, 2, 3], epoch: 0));
        Assert.Throws<ShapeMismatchException>(() => network.Evaluate(problem.Inputs, [0, 1, 2, -1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Step(problem.Inputs, problem.Labels, epoch: -1));
        Assert.Equal(0U, network.StepCount);
    }

    [Fact]
    public void Parameters_of_another_network_or_rule_are_refused()
    {
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_options, batchSize: 4);
        Assert.Throws<ShapeMismatchException>(() => new ReferenceNetwork(Topology.Parse("5-6-4"), s_options, problem.Parameters, 1));
        Assert.Throws<ShapeMismatchException>(() => new ReferenceNetwork(Topology.Parse("5-6-6-3"), s_options, problem.Parameters, 1));
        Assert.Throws<ShapeMismatchException>(() => problem.CreateNetwork(s_options with { Rule = LearningRule.Backpropagation }));
    }

    [Fact]
    public void A_rule_without_mathematics_is_refused()
    {
        LearningRule unknown = LearningRule.ForwardDirectFeedbackAlignment with { Name = "FDFB" };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, s_options with { Rule = unknown }, batchSize: 4);
        Assert.Contains(
            "did you mean FDFA?", Assert.Throws<InvalidOptionException>(() => problem.CreateNetwork()).Message, StringComparison.Ordinal);
    }
}
