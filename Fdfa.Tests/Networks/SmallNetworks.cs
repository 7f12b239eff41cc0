using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Networks;

namespace Fdfa.Tests.Networks;

/// <summary>Networks of everything that a block with channels can have, and the rules that train them.</summary>
internal static class SmallNetworks
{
    /// <summary>All rules but L-FDFA, which has kernels for dense networks only.</summary>
    public static IReadOnlyList<string> ChannelRules { get; } =
        [.. LearningRule.All.Where(DeviceSupport.HasChannelKernels).Select(rule => rule.Name)];

    /// <summary>Two blocks whose statistics are over at least eight values from a batch of eight on, and the output.</summary>
    public static NetworkDescription NormalizedDense { get; } = Topology.Parse("17-33-18-3", batchNormalization: true);

    /// <summary>One convolution with everything after it.</summary>
    public static NetworkDescription Tiny { get; } = Topology.Parse(
        "5C3+1-P2-3", inputShape: new ImageShape(2, 5, 4), batchNormalization: true);

    public static TheoryData<string> ChannelRuleNames() => [.. ChannelRules];

    /// <summary>
    /// Overlapping windows, a border that only the second convolution wants, and a dense block between convolutions and output.
    /// </summary>
    /// <remarks>
    /// Without the border a shift β of the first block would mostly vanish in the second's normalization: its gradient would be nothing but
    /// rounding, and no measure of agreement.
    /// </remarks>
    public static NetworkDescription Pooled(bool isNormalized, ActivationFunction activation = ActivationFunction.ReLU) =>
        Topology.Parse("5C3-P3/2-3C3+1-7-3", activation, new ImageShape(2, 9, 7), isNormalized);

    /// <summary>The same without the dense block, for Adam's trajectories.</summary>
    /// <remarks>
    /// A channel that σ = ReLU lets through for all samples of a batch, or for none, at each of its positions, has no gradient in β where a
    /// normalized dense block follows it: of positions as few as these, that happens, and Adam makes a step of the rounding.
    /// </remarks>
    public static NetworkDescription WithoutDense(bool isNormalized) =>
        Topology.Parse("5C3-P3/2-3C3+1-3", inputShape: new ImageShape(2, 9, 7), batchNormalization: isNormalized);

    /// <summary>What a rule can do besides its defaults, the order of its updates included.</summary>
    public static IEnumerable<(string Name, Func<TrainingOptions, TrainingOptions> Vary)> Variants(string rule)
    {
        var learningRule = LearningRule.Parse(rule);
        return learningRule.LearnsFeedback
            ? AgreementCheck.Variants(learningRule)
                .Append(("old B", options => options with { FeedbackOrder = FeedbackOrder.Simultaneous }))
            : AgreementCheck.Variants(learningRule);
    }
}
