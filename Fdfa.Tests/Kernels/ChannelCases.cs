using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Tests.Kernels;

/// <summary>Networks with channels that kernels and reference are compared on. How they are compared is in <see cref="DenseCases"/>.</summary>
internal static class ChannelCases
{
    /// <summary>The variant that changes nothing.</summary>
    public const string Defaults = "defaults";

    /// <summary>AlexNet's first convolution: its place among the geometries.</summary>
    public const int LargestGeometry = 2;

    /// <summary>All rules but L-FDFA, which has kernels for dense networks only.</summary>
    public static IReadOnlyList<string> Rules { get; } = [.. LearningRule.All.Select(rule => rule.Name).Where(name => name != "L-FDFA")];

    /// <summary>The rules that can perturb, or take an error, anywhere but at a block's output.</summary>
    public static IReadOnlyList<string> RulesWithSites { get; } = ["FDFA", "DFA", "DKP", "FG-A", "LG-FG-A", "DRTP"];

    /// <summary>Topology and image: channels 1, 3, 5; kernels 1, 3, 5, 11; strides 1, 2, 4; paddings 0 to 2; pools 2/2 and 3/2, and adaptive averages.</summary>
    public static IReadOnlyList<(string Topology, ImageShape Image)> Geometries { get; } =
    [
        ("5C3-P2-4", new ImageShape(1, 9, 7)),
        ("3C5/2+2-P3/2-5C3+1-4", new ImageShape(3, 17, 15)),
        ("6C11/4+2-P3/2-5C3+1-7C1-P2-3", new ImageShape(3, 43, 37)),
        ("1C1-5C3/2-3", new ImageShape(5, 6, 8)),
        ("4C3-9-19-4", new ImageShape(3, 7, 6)),
        ("3C3-P2-A2-5C3+1-A3-4", new ImageShape(2, 13, 12)),
    ];

    /// <summary>Two blocks whose statistics are over at least eight values from a batch of eight on, and the output.</summary>
    public static NetworkDescription NormalizedDense { get; } = Topology.Parse("17-33-18-3", batchNormalization: true);

    /// <summary>One convolution with everything behind it.</summary>
    public static NetworkDescription Tiny { get; } = Topology.Parse("5C3+1-P2-3", inputShape: new ImageShape(2, 5, 4), batchNormalization: true);

    public static TheoryData<string> RuleNames() => [.. Rules];

    public static TheoryData<string> RuleNamesWithSites() => [.. RulesWithSites];

    public static NetworkDescription Geometry(int index, bool isNormalized) => Topology.Parse(
        Geometries[index].Topology, ActivationFunction.ReLU, Geometries[index].Image, isNormalized);

    /// <summary>Overlapping windows, a border that only the second convolution wants, and a dense block between convolutions and output.</summary>
    /// <remarks>
    /// Without the border a shift β of the first block would mostly vanish in the second's normalization: its gradient would be nothing but
    /// rounding, and no measure of agreement.
    /// </remarks>
    public static NetworkDescription Pooled(bool isNormalized, ActivationFunction activation = ActivationFunction.ReLU) =>
        Topology.Parse("5C3-P3/2-3C3+1-7-3", activation, new ImageShape(2, 9, 7), isNormalized);

    /// <summary>The same without the dense block, for Adam's trajectories.</summary>
    /// <remarks>
    /// A channel that σ = ReLU lets through for all samples of a batch, or for none, at each of its positions, has no gradient in β where a
    /// normalized dense block is behind it: of positions as few as these, that happens, and Adam makes a step of the rounding.
    /// </remarks>
    public static NetworkDescription WithoutDense(bool isNormalized) =>
        Topology.Parse("5C3-P3/2-3C3+1-3", inputShape: new ImageShape(2, 9, 7), batchNormalization: isNormalized);

    /// <summary>Adam's first step flips where a new B is zero but for rounding, and a delta with it: one step uses the old B.</summary>
    public static TrainingOptions WithOldFeedback(string rule, int batch) =>
        DenseCases.WithAdam(rule, batch) with { FeedbackOrder = FeedbackOrder.Simultaneous };

    /// <summary>What a rule can do besides its defaults, the order of its updates included.</summary>
    public static IEnumerable<(string Name, Func<TrainingOptions, TrainingOptions> Vary)> Variants(string rule)
    {
        var learningRule = LearningRule.Parse(rule);
        foreach (var variant in AgreementCheck.Variants(learningRule))
        {
            yield return variant;
        }

        if (learningRule.LearnsFeedback)
        {
            // The other order is the default of the cases here.
            yield return ("B first", options => options with { FeedbackOrder = FeedbackOrder.FeedbackFirst });
        }
    }

    /// <summary>The variant of that name.</summary>
    public static Func<TrainingOptions, TrainingOptions> Vary(string rule, string variant) =>
        variant == Defaults ? same => same : Variants(rule).Single(one => one.Name == variant).Vary;
}
