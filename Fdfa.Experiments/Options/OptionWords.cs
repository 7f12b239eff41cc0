using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;

namespace Fdfa.Experiments.Options;

/// <summary>The words by which the command line names the values of an enumeration.</summary>
/// <param name="kind">What the words name, in the singular, for messages.</param>
/// <param name="words">Each value once.</param>
internal sealed class OptionWords<T>(string kind, params (string Word, T Value)[] words)
    where T : struct, Enum
{
    /// <summary>The words for a help text: "adam or sgd".</summary>
    public string Listed { get; } = words.Length == 1
        ? words[0].Word
        : string.Join(", ", words[..^1].Select(pair => pair.Word)) + " or " + words[^1].Word;

    /// <summary>The value that a word names, ignoring case.</summary>
    /// <exception cref="InvalidOptionException">None of the words.</exception>
    public T Read(string word)
    {
        foreach ((string known, T value) in words)
        {
            if (known.Equals(word, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        throw InvalidOptionException.UnknownWord(kind, word, [.. words.Select(pair => pair.Word)]);
    }

    /// <summary>The word for a value.</summary>
    public string Of(T value) => words.First(pair => pair.Value.Equals(value)).Word;
}

/// <summary>Every word of the command line that names a value: read, written and listed from here.</summary>
internal static class OptionWords
{
    /// <summary>The words of <c>--activation</c>.</summary>
    public static OptionWords<ActivationFunction> Activations { get; } = new(
        "activation", [.. Activation.All.Select(activation => (activation.Word, activation.Function))]);

    /// <summary>The words of <c>--keep</c>.</summary>
    public static OptionWords<KeptModels> KeptModels { get; } = new(
        "kept model", ("last", Options.KeptModels.Last), ("best", Options.KeptModels.Best));

    /// <summary>The words of <c>--optimizer</c> and <c>--feedback-optimizer</c>.</summary>
    public static OptionWords<OptimizerKind> Optimizers { get; } = new(
        "optimizer", [.. Optimizer.All.Select(optimizer => (optimizer.Word, optimizer.Kind))]);

    /// <summary>The words of <c>--schedule</c>.</summary>
    public static OptionWords<LearningRateSchedule> Schedules { get; } = new(
        "learning rate schedule", [.. Schedule.All.Select(schedule => (schedule.Word, schedule.Kind))]);

    /// <summary>The words of <c>--loss</c>.</summary>
    public static OptionWords<LossFunction> Losses { get; } = new(
        "loss function", ("cross-entropy", LossFunction.SoftmaxCrossEntropy), ("mse", LossFunction.MeanSquaredError));

    /// <summary>The words of <c>--weight-init</c> and <c>--feedback-init</c>.</summary>
    public static OptionWords<Initialisation> Initialisations { get; } = new(
        "initialisation",
        ("zeros", Initialisation.Zeros),
        ("kaiming", Initialisation.KaimingUniform),
        ("pytorch", Initialisation.PyTorchDefault));

    /// <summary>The words of <c>--bias-init</c>.</summary>
    public static OptionWords<BiasInitialisation> BiasInitialisations { get; } = new(
        "bias initialisation",
        ("with-weights", BiasInitialisation.WithWeights),
        ("zeros", BiasInitialisation.Zeros),
        ("pytorch", BiasInitialisation.PyTorchDefault));

    /// <summary>The words of <c>--feedback-order</c>.</summary>
    public static OptionWords<FeedbackOrder> FeedbackOrders { get; } = new(
        "feedback order", ("first", FeedbackOrder.FeedbackFirst), ("simultaneous", FeedbackOrder.Simultaneous));

    /// <summary>The words of <c>--noise</c>.</summary>
    public static OptionWords<NoiseDistribution> Noises { get; } = new(
        "noise distribution", ("normal", NoiseDistribution.Normal), ("rademacher", NoiseDistribution.Rademacher));

    /// <summary>The words of <c>--weight-noise</c>.</summary>
    public static OptionWords<WeightNoise> WeightNoises { get; } = new(
        "weight noise", ("batch", WeightNoise.PerBatch), ("sample", WeightNoise.PerSample));

    /// <summary>The words of <c>--output-gradient</c>.</summary>
    public static OptionWords<OutputGradient> OutputGradients { get; } = new(
        "output gradient", ("perturbed", OutputGradient.Perturbed), ("exact", OutputGradient.Exact));

    /// <summary>The words of <c>--perturb-at</c>.</summary>
    public static OptionWords<PerturbationSite> PerturbationSites { get; } = new(
        "perturbation site",
        ("block-output", PerturbationSite.BlockOutput),
        ("before-pool", PerturbationSite.BeforePool),
        ("pre-activation", PerturbationSite.PreActivation));
}
