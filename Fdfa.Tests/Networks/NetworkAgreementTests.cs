using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Networks;

/// <summary>
/// Whole networks on the CPU accelerator against the double-precision reference: each a little, with every pair of what they can be told.
/// </summary>
/// <remarks>
/// Sizes, strides and numbers are proved operation by operation (<see cref="Operations"/>). FDFA_EXHAUSTIVE=1 adds every combination.
/// </remarks>
public sealed class NetworkAgreementTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    /// <summary>Two epochs, each of which ends in a partial batch, and the first step of a third.</summary>
    private const int Steps = 7;

    private static readonly Dictionary<string, NetworkCase> s_cases = NetworkCase.Covering.ToDictionary(one => one.ToString());

    public static TheoryData<string> Cases() => [.. s_cases.Keys];

    public static TheoryData<string> Rules() => [.. LearningRule.All.Select(rule => rule.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_step_and_a_few_more_agree(string name) => Check(s_cases[name]);

    /// <summary>Hours of cases, those of a rule and a tile program in one test.</summary>
    [SkippableTheory]
    [Trait("Kind", "Exhaustive")]
    [MemberData(nameof(Rules))]
    public void Every_combination_agrees(string rule)
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("FDFA_EXHAUSTIVE") == "1", "Takes long; set FDFA_EXHAUSTIVE=1.");
        foreach (var one in NetworkCase.Exhaustive().Where(one => one.Options.Rule.Name == rule))
        {
            Check(one);
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Fifty_steps_agree(string rule)
    {
        var network = new NetworkDescription([17, 33, 18, 3]);
        Agreement.Check(devices.Open("simd"), network, StepOptions.Averaging(rule, 21), 50);
        Agreement.Check(devices.Open("simd"), network, StepOptions.WithAdam(rule, 21), 50);
    }

    /// <summary>The shape that GPUs run, 64 threads: slow here, where each thread is one of the system's, so small cases.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void The_tile_shape_of_GPUs_agrees(string rule)
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.Simt(), 1);
        Agreement.Check(device, new NetworkDescription([18, 35, 17, 3]), StepOptions.LargeStep(rule, 33), 1);
        if (SmallNetworks.ChannelRules.Contains(rule))
        {
            Agreement.Check(device, SmallNetworks.Tiny, StepOptions.LargeStep(rule, 3), 1);
        }
    }

    /// <summary>More rows than a group takes, and operands that leave the caches.</summary>
    [Fact]
    public void Large_blocks_agree() =>
        Agreement.Check(devices.Open("simd"), new NetworkDescription([800, 800, 3]), StepOptions.LargeStep("FDFA", 65), 1);

    /// <summary>They move where the derivative at zero is one.</summary>
    [Fact]
    public void Weights_that_start_at_zero_agree() => Agreement.Check(
        devices.Open("simd"),
        new NetworkDescription([19, 33, 18, 5], ActivationFunction.ReLUOpenAtZero),
        StepOptions.LargeStep("DFA", 9) with { WeightInitialisation = Initialisation.Zeros },
        20);

    /// <summary>A large feedback rate tells the old B from the new one.</summary>
    [Theory]
    [InlineData(FeedbackOrder.FeedbackFirst)]
    [InlineData(FeedbackOrder.Simultaneous)]
    public void Both_feedback_orders_agree(FeedbackOrder order) => Agreement.Check(
        devices.Open("simd"), new NetworkDescription([19, 33, 18, 5]), StepOptions.LargeStep("FDFA", 9) with { FeedbackOrder = order }, 1);

    [Fact]
    public void Every_pair_of_values_that_a_case_can_have_is_in_one()
    {
        var covered = NetworkCase.Design.Cases.SelectMany(CoveringDesign.PairsOf).ToHashSet();
        var possible = NetworkCase.Design.Pairs().Where(pair => NetworkCase.Design.Complete(pair) is not null).ToHashSet();

        Assert.True(possible.SetEquals(covered));
        Assert.All(NetworkCase.Covering, one => one.Options.Validate());
        Assert.Equal(s_cases.Count, NetworkCase.Covering.Count);
    }

    /// <summary>A value that is added to an option, or an option that is added, fails here until there are cases with it.</summary>
    [Fact]
    public void Every_value_of_every_option_is_in_a_case()
    {
        // Numbers of any size are compared operation by operation; augmentation has tests of its own (AugmentedTrainingTests).
        string[] elsewhere =
        [
            nameof(TrainingOptions.LearningRate), nameof(TrainingOptions.FeedbackRate), nameof(TrainingOptions.LearningRateDecay),
            nameof(TrainingOptions.Augmentation)
        ];
        foreach (var option in typeof(TrainingOptions).GetProperties().Where(option => option.CanWrite && !elsewhere.Contains(option.Name)))
        {
            var values = NetworkCase.Covering.Select(one => option.GetValue(one.Options)).ToHashSet();
            Assert.True(values.Count > 1, $"All cases have {values.First()} for {option.Name}.");
            if (option.PropertyType.IsEnum)
            {
                Assert.Superset(Enum.GetValues(option.PropertyType).Cast<object?>().ToHashSet(), values);
            }
        }

        Assert.Equal(LearningRule.All.ToHashSet(), NetworkCase.Covering.Select(one => one.Options.Rule).ToHashSet());
        Assert.Equal(
            Enum.GetValues<ActivationFunction>().ToHashSet(), NetworkCase.Covering.Select(one => one.Network.HiddenActivation).ToHashSet());
        Assert.Equal(CpuAccelerators.TilePrograms.ToHashSet(), NetworkCase.Covering.Select(one => one.Tiles).ToHashSet());
    }

    private void Check(NetworkCase one)
    {
        foreach (var steps in new[] { 1, Steps })
        {
            TrainingOptions options = StepOptions.WithRates(one.Options, steps);

            // Squared errors grow with the outputs, and nothing between bounds those of a linear network: at this rate it would diverge.
            var isUnbounded = steps > 1 && one.Network.HiddenActivation == ActivationFunction.Identity
                && options.Loss == LossFunction.MeanSquaredError;
            options = isUnbounded ? options with { LearningRate = options.LearningRate / 10 } : options;
            Agreement.Check(devices.Open(one.Tiles), one.Network, options, steps, one.Seeds);
        }
    }
}
