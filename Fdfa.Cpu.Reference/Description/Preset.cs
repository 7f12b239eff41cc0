namespace Fdfa.Cpu.Reference.Description;

/// <summary>A named configuration: every option of a run that the network, the data and the seed do not decide.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="OptionsFor">The options that the preset gives a rule.</param>
/// <param name="ActivationFor">σ of the hidden blocks that the preset gives a rule.</param>
/// <param name="BatchNormalizationFor">Whether the preset wants batch normalization in the hidden blocks of dense networks.</param>
/// <param name="Summary">One line for a help text.</param>
public sealed record Preset(
    string Name,
    Func<LearningRule, TrainingOptions> OptionsFor,
    Func<LearningRule, ActivationFunction> ActivationFor,
    Func<LearningRule, bool> BatchNormalizationFor,
    string Summary)
{
    // The default of the published code's script for FG-W, which is apart from the others.
    private const double PublishedWeightPerturbationRate = 1e-3;

    /// <summary>The paper's Appendix A and Algorithm 1.</summary>
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
            FeedbackInitialisation = rule.LearnsFeedback ? Initialisation.Zeros : Initialisation.KaimingUniform,
            WeightNoise = WeightNoise.PerSample,
        },
        rule => StartsAtZero(rule) ? ActivationFunction.ReLUOpenAtZero : ActivationFunction.ReLU,
        _ => false,
        "Appendix A: Kaiming-uniform weights, zero feedback, Adam 1e-4 with both rates decaying by 0.95, feedback updated before use");

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
        "the authors' repository: batch norm in hidden blocks, PyTorch's default weights, constant feedback rate, both updates from the old feedback");

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

    private static bool IsPublished(LearningRule rule) =>
        LearningRule.OfThePaper.Contains(rule)
        && rule != LearningRule.ActivityPerturbedForwardGradient
        && rule != LearningRule.LocalGreedyForwardGradient;
}
