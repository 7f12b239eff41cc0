using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

public sealed class ReferenceNetworkTests
{
    private static readonly TrainingOptions s_options = new();

    [Fact]
    public void Each_step_draws_the_perturbations_of_its_number_and_seed()
    {
        var problem = new SmallProblem("5-6-4-3", ActivationFunction.Tanh, s_options, batchSize: 3);
        ReferenceNetwork network = problem.CreateNetwork(seed: 99);
        for (uint number = 0; number < 3; number++)
        {
            Assert.Equal(number, network.StepCount);
            StepResult step = network.Step(problem.Inputs, problem.Labels, epoch: 0);
            Assert.Equal(new PerturbationNoise(99, number).OfActivation(block: 1, sample: 2, neuron: 5), step.Blocks[0].Perturbations[0][2 * 6 + 5]);
            Assert.Equal(new PerturbationNoise(99, number).OfActivation(block: 2, sample: 1, neuron: 3), step.Blocks[1].Perturbations[0][1 * 4 + 3]);
        }
    }

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
    public void Both_rates_decay_with_the_epoch()
    {
        TrainingOptions options = s_options with
        {
            WeightOptimizer = OptimizerKind.Sgd,
            FeedbackOptimizer = OptimizerKind.Sgd,
            FeedbackOrder = FeedbackOrder.Simultaneous,
            LearningRate = 0.1,
            FeedbackRate = 0.1,
            LearningRateDecay = 0.5,
            FeedbackRateDecay = 0.25,
        };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, batchSize: 4);
        double[] Change(int epoch, Func<BlockParameters, double[]> select)
        {
            ReferenceNetwork network = problem.CreateNetwork();
            network.Step(problem.Inputs, problem.Labels, epoch);
            return [.. select(network.Parameters.Blocks[0]).Zip(select(problem.Parameters.Blocks[0]), (now, before) => now - before)];
        }

        VectorAssert.Close([.. Change(0, block => block.Weights).Select(x => x / 8)], Change(3, block => block.Weights), 1e-11);
        VectorAssert.Close([.. Change(0, block => block.Biases).Select(x => x / 8)], Change(3, block => block.Biases), 1e-11);
        VectorAssert.Close([.. Change(0, block => block.Feedback).Select(x => x / 64)], Change(3, block => block.Feedback), 1e-11);
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
    public void The_gradient_of_a_batch_is_the_mean_over_its_samples()
    {
        TrainingOptions options = s_options with { Rule = LearningRule.Backpropagation };
        var problem = new SmallProblem("5-6-3", ActivationFunction.Tanh, options, batchSize: 4);
        double[] whole = problem.CreateNetwork().Step(problem.Inputs, problem.Labels, epoch: 0).Blocks[0].WeightGradient;
        double[][] single = [.. Enumerable.Range(0, 4).Select(s => problem.CreateNetwork()
            .Step(problem.Inputs[(s * 5)..(s * 5 + 5)], problem.Labels[s..(s + 1)], epoch: 0).Blocks[0].WeightGradient)];
        VectorAssert.Close([.. Enumerable.Range(0, whole.Length).Select(i => single.Average(gradient => gradient[i]))], whole, 1e-13);
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
        Assert.Contains("did you mean FDFA?", Assert.Throws<InvalidOptionException>(() => problem.CreateNetwork()).Message, StringComparison.Ordinal);
    }
}
