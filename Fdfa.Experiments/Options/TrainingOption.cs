using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Experiments.Output;

namespace Fdfa.Experiments.Options;

/// <summary>One of the options that a preset decides and the command line overrides. A new one is a new row of <see cref="All"/>.</summary>
/// <param name="Property">The property of <see cref="TrainingOptions"/>.</param>
/// <param name="Label">Its name in words, for tables.</param>
/// <param name="Switch">As on the command line.</param>
/// <param name="ValueName">What its value is, for the help page; null where being there is the value.</param>
/// <param name="Help">For the help page.</param>
/// <param name="Concerns">The rules that it means anything to.</param>
/// <param name="Text">Its value as on the command line; "yes" or "no" where it takes none.</param>
/// <param name="Read">Options with the value of a command line, if that has one.</param>
internal sealed record TrainingOption(
    string Property,
    string Label,
    string Switch,
    string? ValueName,
    string Help,
    Func<LearningRule, bool> Concerns,
    Func<TrainingOptions, string> Text,
    Func<ParseResult, Option, TrainingOptions, TrainingOptions> Read)
{
    /// <summary>A shorter name of the switch; null where it has none.</summary>
    public string? Alias { get; init; }

    /// <summary>
    /// The value that runs had before there was this option: the key of a run leaves it out. Null where the option was always there.
    /// </summary>
    public string? Former { get; init; }

    /// <summary>Every option that a preset decides, in the order of tables and help pages.</summary>
    public static IReadOnlyList<TrainingOption> All { get; } =
    [
        Value(
            nameof(TrainingOptions.BatchSize), "Batch size", "--batch-size", "count",
            "Samples per step. [default: the preset's 64, but 128 for alexnet]",
            _ => true, options => options.BatchSize, Whole,
            (arguments, option) => arguments.WholeNumber(option, maximum: TrainingOptions.LargestBatch),
            (options, value) => options with { BatchSize = value }),
        Value(
            nameof(TrainingOptions.LearningRate), "Learning rate", "--learning-rate", "rate",
            "Learning rate of weights and biases in the first epoch. [default: the preset's 1e-4, but published-code 1e-3 for FG-W]",
            _ => true, options => options.LearningRate, ConsoleOutput.Plain, OptionText.Rate,
            (options, value) => options with { LearningRate = value }) with { Alias = "--lr" },
        Word(
            nameof(TrainingOptions.Schedule), "Learning rate schedule", "--schedule", OptionWords.Schedules,
            words => $"How the learning rate of weights and biases goes on from its first: {words}. [default: the preset's exponential]",
            _ => true, options => options.Schedule,
            (options, value) => options with { Schedule = value }) with
            {
                Former = OptionWords.Schedules.Of(LearningRateSchedule.Exponential),
            },
        Value(
            nameof(TrainingOptions.LearningRateDecay), "Learning rate decay per epoch", "--decay", "factor",
            "Factor on the learning rate after every epoch, or after every period of step; above 0 and at most 1. "
            + "[default: the preset's 0.95]",
            _ => true, options => options.LearningRateDecay, ConsoleOutput.Plain, OptionText.Fraction,
            (options, value) => options with { LearningRateDecay = value }) with { With = OfSchedules(schedule => schedule.HasDecay) },
        Value(
            nameof(TrainingOptions.SchedulePeriod), "Schedule's period", "--schedule-period", "epochs",
            "Epochs until cosine comes to 0, or from step to step. [default: cosine all epochs after warm-up, step 30]",
            _ => true, options => options.SchedulePeriod, Whole,
            (arguments, option) => arguments.WholeNumber(option),
            (options, value) => options with { SchedulePeriod = value }) with { With = OfSchedules(schedule => schedule.HasPeriod) },
        Value(
            nameof(TrainingOptions.WarmupEpochs), "Warm-up epochs", "--warmup", "epochs",
            "Epochs at the start in which the learning rate rises linearly, before the schedule begins. [default: 0]",
            _ => true, options => options.WarmupEpochs, Whole,
            (arguments, option) => arguments.WholeNumber(option, minimum: 0),
            (options, value) => options with { WarmupEpochs = value }) with { Former = Whole(0) },
        Word(
            nameof(TrainingOptions.WeightOptimizer), "Optimizer", "--optimizer", OptionWords.Optimizers,
            words => $"Optimizer of weights and biases: {words}. [default: the preset's adam]",
            _ => true, options => options.WeightOptimizer,
            (options, value) => options with { WeightOptimizer = value }),
        Value(
            nameof(TrainingOptions.Momentum), "Momentum", "--momentum", "number",
            "Momentum of the optimizers "
            + $"{Listed(Optimizer.All.Where(optimizer => optimizer.HasMomentum).Select(optimizer => optimizer.Word))}, "
            + "at least 0 and below 1. [default: 0.9]",
            _ => true, options => options.Momentum, ConsoleOutput.Plain, OptionText.NotNegative,
            (options, value) => options with { Momentum = value }) with { With = OfOptimizers(optimizer => optimizer.HasMomentum) },
        Value(
            nameof(TrainingOptions.WeightDecay), "Weight decay", "--weight-decay", "number",
            "Decoupled weight decay of the optimizer "
            + $"{Listed(Optimizer.All.Where(optimizer => optimizer.HasWeightDecay).Select(optimizer => optimizer.Word))}: "
            + "this times the rate is the share of all that it moves that goes in a step. [default: 0.01]",
            _ => true, options => options.WeightDecay, ConsoleOutput.Plain, OptionText.NotNegative,
            (options, value) => options with { WeightDecay = value }) with { With = OfOptimizers(optimizer => optimizer.HasWeightDecay) },
        Word(
            nameof(TrainingOptions.Loss), "Loss", "--loss", OptionWords.Losses,
            words => $"Loss between outputs and labels: {words} (mean squared error). [default: the preset's cross-entropy]",
            _ => true, options => options.Loss,
            (options, value) => options with { Loss = value }),
        Word(
            nameof(TrainingOptions.WeightInitialisation), "Weights start as", "--weight-init", OptionWords.Initialisations,
            words => $"Start of weights: {words} (uniform within 1/√inputs). [default: paper kaiming, but zeros for DFA; "
                + "published-code pytorch for the rules that it has]",
            _ => true, options => options.WeightInitialisation,
            (options, value) => options with { WeightInitialisation = value }),
        Word(
            nameof(TrainingOptions.BiasInitialisation), "Biases start as", "--bias-init", OptionWords.BiasInitialisations,
            words => $"Start of biases: {words}; with-weights means pytorch where the weights start as pytorch, else zeros. "
                + "[default: the preset's with-weights]",
            _ => true, options => options.BiasInitialisation,
            (options, value) => options with { BiasInitialisation = value }) with
            {
                Former = OptionWords.BiasInitialisations.Of(BiasInitialisation.WithWeights),
            },
        Value(
            nameof(TrainingOptions.FeedbackRate), "Feedback rate", "--feedback-rate", "rate",
            "Learning rate of the feedback in the first epoch. [default: the preset's 1e-4]",
            rule => rule.LearnsFeedback, options => options.FeedbackRate, ConsoleOutput.Plain, OptionText.Rate,
            (options, value) => options with { FeedbackRate = value }),
        Value(
            nameof(TrainingOptions.FeedbackRateDecay), "Feedback rate decay per epoch", "--feedback-rate-decay", "factor",
            "Factor on the feedback rate after every epoch. [default: paper 0.95, published-code 1 for the rules that it has]",
            rule => rule.LearnsFeedback, options => options.FeedbackRateDecay, ConsoleOutput.Plain, OptionText.Fraction,
            (options, value) => options with { FeedbackRateDecay = value }),
        Word(
            nameof(TrainingOptions.FeedbackOptimizer), "Feedback optimizer", "--feedback-optimizer", OptionWords.Optimizers,
            words => $"Optimizer of the feedback: {words}; sgd is the exponential average of Eq. 8. [default: the preset's adam]",
            rule => rule.LearnsFeedback, options => options.FeedbackOptimizer,
            (options, value) => options with { FeedbackOptimizer = value }),
        Word(
            nameof(TrainingOptions.FeedbackOrder), "Feedback is updated", "--feedback-order", OptionWords.FeedbackOrders,
            words => $"Whether the weights see the new feedback or the old: {words}. "
                + "[default: paper first (Algorithm 1), published-code simultaneous]",
            // Layerwise feedback is used in the step's own backward chain, before it can change.
            rule => rule.LearnsFeedback && rule.ErrorSignal == ErrorSignal.DirectFeedback, options => options.FeedbackOrder,
            (options, value) => options with { FeedbackOrder = value }),
        Word(
            nameof(TrainingOptions.FeedbackInitialisation), "Feedback starts as", "--feedback-init", OptionWords.Initialisations,
            words => $"Start of the feedback: {words}. [default: the preset's zeros where feedback is learned, kaiming where it is fixed]",
            rule => rule.HasFeedback, options => options.FeedbackInitialisation,
            (options, value) => options with { FeedbackInitialisation = value }),
        Value(
            nameof(TrainingOptions.FeedbackDecay), "Feedback decay", "--feedback-decay", "factor",
            "Weight decay of DKP's feedback: its gradient is eᵀ y + factor · B. [default: the preset's 0]",
            rule => rule.FeedbackUpdate == FeedbackUpdate.KolenPollack, options => options.FeedbackDecay, ConsoleOutput.Plain,
            OptionText.NotNegative, (options, value) => options with { FeedbackDecay = value }),
        Value(
            nameof(TrainingOptions.Perturbations), "Perturbations", "--perturbations", "count",
            "Directions that a step averages its estimates over. [default: the preset's 1]",
            rule => rule.HasTangents, options => options.Perturbations, Whole,
            (arguments, option) => arguments.WholeNumber(option, maximum: TrainingOptions.MostPerturbations),
            (options, value) => options with { Perturbations = value }),
        Word(
            nameof(TrainingOptions.Noise), "Noise", "--noise", OptionWords.Noises,
            words => $"Distribution of the perturbations: {words} (-1 or 1, less variance). [default: the preset's normal]",
            rule => rule.HasTangents, options => options.Noise,
            (options, value) => options with { Noise = value }),
        Flag(
            nameof(TrainingOptions.Antithetic), "Antithetic pairs", "--antithetic",
            "Draw the directions in pairs u, -u, for comparison with finite differences; with an even --perturbations.",
            rule => rule.HasTangents, options => options.Antithetic,
            options => options with { Antithetic = true }),
        Word(
            nameof(TrainingOptions.WeightNoise), "Weight noise per", "--weight-noise", OptionWords.WeightNoises,
            words => $"What FG-W draws a perturbation of all weights for: each {words}. "
                + "A step per sample costs some 25 times one per batch. [default: paper sample (Algorithm 2), published-code batch]",
            rule => rule.Injection == Injection.Weights, options => options.WeightNoise,
            (options, value) => options with { WeightNoise = value }),
        Word(
            nameof(TrainingOptions.OutputGradient), "Output gradient", "--output-gradient", OptionWords.OutputGradients,
            words => $"How FG-A and LG-FG-A train the output block: {words}, which is local there too. "
                + "[default: the preset's perturbed (Eq. 4)]",
            rule => rule.Injection == Injection.AllActivations, options => options.OutputGradient,
            (options, value) => options with { OutputGradient = value }),
        Word(
            nameof(TrainingOptions.PerturbationSite), "Perturbed at", "--perturb-at", OptionWords.PerturbationSites,
            words => $"Where in a block perturbations are added and the feedback error arrives: {words}. "
                + "[default: block-output, but published-code before-pool where a block has a pool, except in alexnet]",
            // Layerwise feedback stands for the next block's weights, which read the block's output; BP and FG-W have no such place.
            rule =>
                rule.Injection == Injection.AllActivations || rule.ErrorSignal is ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets,
            options => options.PerturbationSite,
            (options, value) => options with { PerturbationSite = value }) with
            {
                Former = OptionWords.PerturbationSites.Of(PerturbationSite.BlockOutput),
            },
    ];

    /// <summary>Which other options it belongs to; null where it is on its own.</summary>
    private Companions? With { get; init; }

    private const string Yes = "yes";
    private const string No = "no";

    /// <summary>The options that mean anything to a run: to its rule, and to the optimizers and the schedule that it has.</summary>
    public static IEnumerable<TrainingOption> For(TrainingOptions options) =>
        All.Where(option => option.Concerns(options.Rule) && option.With?.Are(options) != false);

    /// <summary>The option for a command to have.</summary>
    public Option Create()
    {
        Option option = ValueName is null ? OptionText.CreateSwitch(Switch, Help) : OptionText.Create(Switch, ValueName, Help);
        if (Alias is not null)
        {
            option.Aliases.Add(Alias);
        }

        return option;
    }

    /// <summary>The words of a command line that ask for the value in <paramref name="options"/>.</summary>
    public IEnumerable<string> ToArguments(TrainingOptions options) => (ValueName, Text(options)) switch
    {
        (null, Yes) => [Switch],
        (null, _) => [],
        (_, var text) => [Switch, text],
    };

    /// <summary>Refuses an option that the rule would ignore: a run with it would not be what somebody thinks it is.</summary>
    /// <exception cref="InvalidOptionException">It means nothing to <paramref name="rule"/>.</exception>
    public void RequireConcern(LearningRule rule)
    {
        if (!Concerns(rule))
        {
            throw new InvalidOptionException(
                $"The option {Switch} means nothing to the rule {rule.Name}; leave it out, or choose a rule that it is for: "
                + $"{string.Join(", ", LearningRule.All.Where(Concerns))}.");
        }
    }

    /// <summary>Refuses a number of an optimizer or a schedule that the run does not have.</summary>
    /// <exception cref="InvalidOptionException">It means nothing to <paramref name="options"/>.</exception>
    public void RequireCompanion(TrainingOptions options)
    {
        if (With?.Are(options) == false)
        {
            throw new InvalidOptionException(
                $"The option {Switch} means nothing here, because it is for {With.Words}; leave it out, or choose one of those.");
        }
    }

    private static Companions OfOptimizers(Func<Optimizer, bool> have) => new(
        $"--optimizer {Listed(Optimizer.All.Where(have).Select(optimizer => optimizer.Word))}",
        options =>
            have(Optimizer.Of(options.WeightOptimizer)) || (options.Rule.LearnsFeedback && have(Optimizer.Of(options.FeedbackOptimizer))));

    private static Companions OfSchedules(Func<Schedule, bool> have) => new(
        $"--schedule {Listed(Schedule.All.Where(have).Select(schedule => schedule.Word))}", options => have(Schedule.Of(options.Schedule)));

    private static string Listed(IEnumerable<string> words) => string.Join(" or ", words);

    private static TrainingOption Value<T>(
        string property,
        string label,
        string name,
        string valueName,
        string help,
        Func<LearningRule, bool> concerns,
        Func<TrainingOptions, T> get,
        Func<T, string> text,
        Func<ParseResult, Option<string>, T?> read,
        Func<TrainingOptions, T, TrainingOptions> set)
        where T : struct =>
        new(
            property, label, name, valueName, help, concerns,
            options => text(get(options)),
            (arguments, option, start) => read(arguments, (Option<string>)option) is { } value ? set(start, value) : start);

    private static TrainingOption Word<T>(
        string property,
        string label,
        string name,
        OptionWords<T> words,
        Func<string, string> help,
        Func<LearningRule, bool> concerns,
        Func<TrainingOptions, T> get,
        Func<TrainingOptions, T, TrainingOptions> set)
        where T : struct, Enum =>
        Value(
            property, label, name, "name", help(words.Listed), concerns, get, words.Of,
            (arguments, option) => arguments.OneOf(option, words), set);

    private static TrainingOption Flag(
        string property,
        string label,
        string name,
        string help,
        Func<LearningRule, bool> concerns,
        Func<TrainingOptions, bool> get,
        Func<TrainingOptions, TrainingOptions> set) =>
        new(
            property, label, name, ValueName: null, help, concerns,
            options => get(options) ? Yes : No,
            (arguments, option, start) => arguments.GetValue((Option<bool>)option) ? set(start) : start);

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Values of other options without which an option means nothing.</summary>
    /// <param name="Words">They, on a command line.</param>
    /// <param name="Are">Whether options have one.</param>
    private sealed record Companions(string Words, Func<TrainingOptions, bool> Are);
}
