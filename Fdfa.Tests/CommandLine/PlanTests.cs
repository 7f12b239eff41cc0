using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>plan</c>: what it prints, and whether that is right.</summary>
public sealed class PlanTests
{
    private static readonly DeviceInfo s_gpu = new("cuda:0", DeviceKind.Cuda, "Some GPU", 8_000_000_000, "");

    [SkippableFact]
    public void The_plan_of_a_dense_network()
    {
        var fits = false;
        string written = CommandLineRun.Written(output => fits = PlanCommand.Write(
            output, "Device memory of 784-800-10 with FDFA, batch 64, 1 seed",
            Trainer.Plan(Topology.Parse("784-800-10"), new TrainingOptions(), 1), s_gpu));

        Assert.True(fits);
        Snapshot.Match(written, "plan");
    }

    /// <summary>Counted by hand, with a row of 784 weights and a bias padded to 800 numbers.</summary>
    [Fact]
    public void The_parts_of_a_block_are_what_their_names_say()
    {
        MemoryPlan plan = Trainer.Plan(Topology.Parse("784-800-10"), new TrainingOptions(), replicas: 3);

        Assert.Equal(["block 1: 784 → 800", "block 2: 800 → 10", "input and loss"], plan.Blocks.Select(block => block.Name));
        BlockMemory hidden = plan.Blocks[0];
        Assert.Equal(3 * 4 * 800 * 800, hidden.Parameters);
        Assert.Equal(3 * 4 * 10 * 816, hidden.Feedback);
        Assert.Equal(2 * (hidden.Parameters + hidden.Feedback), hidden.OptimizerState);
        Assert.Equal(0, plan.Blocks[1].Feedback);
        Assert.Equal(
            plan.Blocks.Sum(block => block.Parameters + block.OptimizerState + block.Feedback + block.Activations), plan.DeviceBytes);
    }

    [Fact]
    public void Without_optimizer_state_there_is_none()
    {
        var sgd = new TrainingOptions { WeightOptimizer = OptimizerKind.Sgd, FeedbackOptimizer = OptimizerKind.Sgd };

        Assert.All(Trainer.Plan(Topology.Parse("784-800-10"), sgd, 1).Blocks, block => Assert.Equal(0, block.OptimizerState));
        Assert.All(
            Trainer.Plan(Topology.Parse("784-800-10"), sgd with { Rule = LearningRule.Backpropagation }, 1).Blocks,
            block => Assert.Equal(0, block.Feedback));
    }

    [Fact]
    public void What_does_not_fit_is_said_with_both_numbers()
    {
        var fits = true;
        string written = CommandLineRun.Written(output => fits = PlanCommand.Write(
            output, "A plan", new MemoryPlan([new BlockMemory("block 1: 1 → 2", 1e9, 2e9, 3e9, 4e9)], 1), s_gpu));

        Assert.False(fits);
        Assert.Contains(
            "It does not fit on cuda:0: it needs 10.0 GB of device memory, and Some GPU has 8.0 GB; "
            + "make a layer or the batch smaller, or train fewer seeds at once: block 1: 1 → 2 takes most.",
            written,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffer_that_no_kernel_can_count_is_named_with_its_block()
    {
        BlockMemory block = new("block 1: 1 → 2", 1, 1, 1, 1) { LongestBuffer = 3e9 };

        Assert.Equal(
            "a buffer of 3000000000 numbers for block 1: 1 → 2, and kernels can count no more than 2147483591",
            new MemoryPlan([block, block with { Name = "input and loss", LongestBuffer = 2e9 }], 1).FindShortage(s_gpu));
        Assert.Null(new MemoryPlan([block with { LongestBuffer = 2e9 }], 1).FindShortage(s_gpu));
        Assert.Equal(
            1000016000000,
            Trainer.Plan(Topology.Parse("784-1000000-1000000-10"), new TrainingOptions(), 1).Blocks.Max(each => each.LongestBuffer));
    }

    [Fact]
    public void The_exit_code_says_whether_it_fits()
    {
        Assert.Equal(0, CommandLineRun.Of("plan", "--network", "784-800-10", "--device", "cpu").ExitCode);

        CommandLineRun large = CommandLineRun.Of("plan", "--network", "784-10000-10000-10", "--seeds", "1000", "--device", "cpu");

        Assert.Equal("", large.Error);
        Assert.Equal(1, large.ExitCode);
        Assert.Contains("block 2: 10000 → 10000", large.Output, StringComparison.Ordinal);
        Assert.Contains("It does not fit on cpu", large.Output, StringComparison.Ordinal);
    }

    /// <summary>What <c>plan</c> and <c>bench</c> read alike.</summary>
    [Theory]
    [InlineData("FDFA", "published-code", "--network 15C5-P2-10 --input 1x28x28", "15C5-P2-10 (ReLU, input 1x28x28, batch normalization)")]
    [InlineData("FDFA", "published-code", "--network 15C5-P2-10 --input 1x28x28 --no-batch-norm", "15C5-P2-10 (ReLU, input 1x28x28)")]
    [InlineData("FDFA", "paper", "--network alexnet-200 --input 3x224x224", "alexnet-200 (ReLU, input 3x224x224, batch normalization)")]
    [InlineData("DFA", "paper", "--batch-norm", "784-9-10 (ReLUOpenAtZero, batch normalization)")]
    [InlineData("FG-A", "published-code", "", "784-9-10 (ReLU)")]
    [InlineData("FDFA", "paper", "--network 3072-10 --input 3x32x32", "3072-10 (ReLU)")]
    public void A_network_without_a_data_set_is_described_whole(string rule, string preset, string commandLine, string expected)
    {
        var network = new NetworkOptions("784-9-10");
        var command = new Command("some");
        foreach (Option option in network.All)
        {
            command.Options.Add(option);
        }

        ParseResult arguments = command.Parse(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(expected, network.Read(arguments, Preset.Parse(preset), LearningRule.Parse(rule)).ToString());
    }
}
