namespace Fdfa.Cpu.Reference.Description;

/// <summary>A named configuration: every option of a run that the network, the data and the seed do not decide.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="OptionsFor">The options that the preset gives a rule.</param>
/// <param name="ActivationFor">σ of the hidden blocks that the preset gives a rule.</param>
/// <param name="BatchNormalizationFor">
/// Whether the preset wants batch normalization in every hidden block; AlexNet's convolutions have it in any case.
/// </param>
/// <param name="PerturbationSiteFor">Where the preset perturbs a network's blocks.</param>
/// <param name="Summary">One line for a help text.</param>
public sealed record Preset(
    string Name,
    Func<LearningRule, TrainingOptions> OptionsFor,
    Func<LearningRule, ActivationFunction> ActivationFor,
    Func<LearningRule, bool> BatchNormalizationFor,
    Func<LearningRule, NetworkDescription, PerturbationSite> PerturbationSiteFor,
    string Summary)
{
    // The default of the published code's script for FG-W, which is apart from the others.
    private const double PublishedWeightPerturbationRate = 1e-3;

    private const int AlexNetBatch = 128;

    private static readonly ImageShape s_cifarImage = new(3, 32, 32);

    /// <summary>The paper's Appendix A and Algorithm 1.</summary>
    /// <remarks>
    /// The paper does not say the batch size: 64, and AlexNet's 128, are the authors' code's, and so are pixels from −1 to 1. Nor does it
    /// say how DKP's feedback starts and whether e B sees it before its update: Appendix A's zero feedback is said of FDFA. Here DKP starts
    /// at zero, as in the authors' code, and updates first, as Algorithm 1 has FDFA: so the two differ in what feedback follows, and in
    /// nothing else. (The authors' code takes the old B; Webster et al. start Kaiming-uniform, with a decay of 1e-6.)
    /// </remarks>
    public static Preset Paper { get; } = new(
        "paper",
        rule => new TrainingOptions
        {
            Rule = rule,
            BatchSize = 64,
            LearningRate = 1e-4,
            FeedbackRate = 1e-4,
            LearningRateDecay = 0.95,
            FeedbackRateDecay = 0.95,
            WeightOptimizer = OptimizerKind.Adam,
            FeedbackOptimizer = OptimizerKind.Adam,
            FeedbackOrder = FeedbackOrder.FeedbackFirst,
            Loss = LossFunction.SoftmaxCrossEntropy,
            WeightInitialisation = StartsAtZero(rule) ? Initialisation.Zeros : Initialisation.KaimingUniform,
            FeedbackInitialisation = TrainingOptions.FeedbackStartOf(rule),
            WeightNoise = WeightNoise.PerSample,
        },
        rule => StartsAtZero(rule) ? ActivationFunction.ReLUOpenAtZero : ActivationFunction.ReLU,
        _ => false,
        (_, _) => PerturbationSite.BlockOutput,
        "Appendix A: Kaiming-uniform weights, zero feedback, Adam 1e-4 with both rates decaying by 0.95, "
        + "feedback (DKP's too) updated before use; batch 64 and pixels from -1 to 1 as in the authors' code");

    /// <summary>
    /// What the authors' repository does where it differs from the paper. It knows BP, FG-W, DFA, DKP and FDFA; for every other
    /// rule Appendix A is all there is.
    /// </summary>
    public static Preset PublishedCode { get; } = new(
        "published-code",
        rule => !IsPublished(rule) ? Paper.OptionsFor(rule) : Paper.OptionsFor(rule) with
        {
            WeightInitialisation = Initialisation.PyTorchDefault,
            FeedbackRateDecay = 1,
            FeedbackOrder = FeedbackOrder.Simultaneous,
            WeightNoise = WeightNoise.PerBatch,
            LearningRate = IsWeightPerturbed(rule) ? PublishedWeightPerturbationRate : 1e-4,
        },
        _ => ActivationFunction.ReLU,
        rule => IsPublished(rule) && !IsWeightPerturbed(rule),
        (rule, network) =>
            IsPublished(rule) && HasPool(network) && !AlexNet.Is(network) ? PerturbationSite.BeforePool : PerturbationSite.BlockOutput,
        "the authors' repository: batch norm in hidden blocks, PyTorch's default weights, constant feedback rate, "
        + "both updates from the old feedback");

    /// <summary>
    /// How the preset makes inputs of images, which says what size of network it wants; <see langword="null"/> where it takes them as they
    /// are. The authors' repository trains AlexNet on CIFAR-100 alone, and on no image of another size.
    /// </summary>
    /// <param name="topology">The topology, such as alexnet-100.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="image">The shape of the data's images.</param>
    public ImageAugmentation? AugmentationOf(string topology, LearningRule rule, ImageShape image)
    {
        ArgumentNullException.ThrowIfNull(topology);
        return AugmentsFor(rule) && topology.StartsWith(AlexNet.Prefix, StringComparison.Ordinal) && image == s_cifarImage
            ? ImageAugmentation.PublishedCode
            : null;
    }

    /// <summary>The preset whose settings a rule has: <see cref="Paper"/> for those that the authors' repository does not know.</summary>
    public Preset OriginFor(LearningRule rule) => this == PublishedCode && !IsPublished(rule) ? Paper : this;

    /// <summary>Whether the preset augments images anywhere.</summary>
    public bool AugmentsFor(LearningRule rule) => this == PublishedCode && IsPublished(rule);

    /// <summary>The options that the preset gives a rule on a network: the site, and AlexNet's batch of 128.</summary>
    public TrainingOptions OptionsOn(NetworkDescription network, LearningRule rule)
    {
        TrainingOptions options = OptionsFor(rule);
        return options with
        {
            PerturbationSite = PerturbationSiteFor(rule, network),
            BatchSize = AlexNet.Is(network) ? AlexNetBatch : options.BatchSize,
        };
    }

    /// <summary>All presets.</summary>
    public static IReadOnlyList<Preset> All { get; } = [Paper, PublishedCode];

    /// <summary>Finds a preset by its name, ignoring case.</summary>
    /// <param name="name">Such as "paper".</param>
    /// <exception cref="InvalidOptionException">No preset has this name; the message names the nearest and lists all.</exception>
    public static Preset Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(preset => preset.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw InvalidOptionException.UnknownWord("preset", name, [.. All.Select(preset => preset.Name)]);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    // Appendix A: "For Random DFA, forward weights were initialized to 0". With ReLU'(0) = 0 they would stay there.
    private static bool StartsAtZero(LearningRule rule) => rule == LearningRule.DirectFeedbackAlignment;

    private static bool IsWeightPerturbed(LearningRule rule) => rule == LearningRule.WeightPerturbedForwardGradient;

    // Without a pool the two sites are one, and a dense network has the paper's.
    private static bool HasPool(NetworkDescription network) =>
        network.Blocks.Any(block => block is ConvolutionBlock { Pool: not null } or ConvolutionBlock { AdaptivePool: not null });

    private static bool IsPublished(LearningRule rule) =>
        LearningRule.OfThePaper.Contains(rule)
        && rule != LearningRule.ActivityPerturbedForwardGradient
        && rule != LearningRule.LocalGreedyForwardGradient;
}
