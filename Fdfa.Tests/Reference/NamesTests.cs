using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class NamesTests
{
    private static readonly string s_knownRules = $"Known rules: {string.Join(", ", LearningRule.All)}.";

    [Theory]
    [InlineData("FDFA")]
    [InlineData("fdfa")]
    [InlineData("Fdfa")]
    public void A_rule_is_found_whatever_its_case(string name) =>
        Assert.Same(LearningRule.ForwardDirectFeedbackAlignment, LearningRule.Parse(name));

    [Fact]
    public void Every_rule_is_found_by_its_name() =>
        Assert.All(LearningRule.All, rule => Assert.Same(rule, LearningRule.Parse(rule.Name)));

    [Fact]
    public void A_misspelled_rule_is_answered_with_the_nearest_and_all() => Assert.Equal(
        $"Unknown rule 'FDAF'; did you mean FDFA? {s_knownRules}",
        Assert.Throws<InvalidOptionException>(() => LearningRule.Parse("FDAF")).Message);

    [Theory]
    [InlineData("")]
    [InlineData("newton")]
    public void A_rule_near_to_nothing_is_answered_with_all(string name) => Assert.Equal(
        $"Unknown rule '{name}'. {s_knownRules}",
        Assert.Throws<InvalidOptionException>(() => LearningRule.Parse(name)).Message);

    /// <summary>Within half of its letters, a swap of neighbours being one slip; the first of equally near ones.</summary>
    [Theory]
    [InlineData("FDAF", "FDFA", "BP", "FDFA")]
    [InlineData("fdf", "FDFA", "BP", "FDFA")]
    [InlineData("bpp", "BP", "BP", "FDFA")]
    [InlineData("published", null, "BP", "FDFA")]
    [InlineData("", null, "BP", "FDFA")]
    [InlineData("DXA", "DFA", "DFA", "DKA")]
    [InlineData("paepr", "paper", "pabbr", "paper")]
    public void The_nearest_word_is_found(string word, string? expected, string first, string second) =>
        Assert.Equal(expected, NearestWord.Find(word, [first, second]));

    [Fact]
    public void A_hostile_word_is_near_to_nothing() =>
        Assert.Null(NearestWord.Find(new string('F', 10_000_000), ["BP", "FDFA"]));

    [Fact]
    public void Presets_are_found_and_misspellings_answered()
    {
        Assert.Same(Preset.Paper, Preset.Parse("PAPER"));
        Assert.Same(Preset.PublishedCode, Preset.Parse("published-code"));
        Assert.Equal(
            "Unknown preset 'publishedcode'; did you mean published-code? Known presets: paper, published-code.",
            Assert.Throws<InvalidOptionException>(() => Preset.Parse("publishedcode")).Message);
    }

    [Fact]
    public void The_papers_preset_is_appendix_A()
    {
        TrainingOptions options = Preset.Paper.OptionsFor(LearningRule.ForwardDirectFeedbackAlignment);
        Assert.False(Preset.Paper.BatchNormalizationFor(LearningRule.ForwardDirectFeedbackAlignment));
        Assert.Equal(Initialisation.KaimingUniform, options.WeightInitialisation);
        Assert.Equal(Initialisation.Zeros, options.FeedbackInitialisation);
        Assert.Equal((OptimizerKind.Adam, OptimizerKind.Adam), (options.WeightOptimizer, options.FeedbackOptimizer));
        Assert.Equal(FeedbackOrder.FeedbackFirst, options.FeedbackOrder);
        Assert.Equal(1e-4 * 0.95 * 0.95, options.LearningRateAt(2), 1e-18);
        Assert.Equal(1e-4 * 0.95 * 0.95, options.FeedbackRateAt(2), 1e-18);
    }

    [Fact]
    public void The_published_codes_preset_differs_in_few_choices()
    {
        TrainingOptions options = Preset.PublishedCode.OptionsFor(LearningRule.Backpropagation);
        Assert.Equal(
            Preset.Paper.OptionsFor(LearningRule.Backpropagation) with
            {
                WeightInitialisation = Initialisation.PyTorchDefault,
                FeedbackRateDecay = 1,
                FeedbackOrder = FeedbackOrder.Simultaneous,
                WeightNoise = WeightNoise.PerBatch,
            },
            options);
        Assert.Equal(1e-4, options.FeedbackRateAt(50));
    }

    /// <summary>
    /// The published code perturbs its small network before pooling, AlexNet behind; the paper knows the block's output alone.
    /// </summary>
    [Theory]
    [InlineData("15C5-40C5-P2-128-10", "FDFA", PerturbationSite.BeforePool, 64)]
    [InlineData("alexnet-10", "FDFA", PerturbationSite.BlockOutput, 128)]
    [InlineData("15C5-40C5-P2-128-10", "FG-A", PerturbationSite.BlockOutput, 64)]
    public void Presets_choose_the_perturbation_site(string topology, string name, PerturbationSite published, int batchSize)
    {
        NetworkDescription network = Topology.Parse(topology, inputShape: new ImageShape(3, 224, 224));
        LearningRule rule = LearningRule.Parse(name);
        Assert.Equal(
            Preset.PublishedCode.OptionsFor(rule) with { PerturbationSite = published, BatchSize = batchSize },
            Preset.PublishedCode.OptionsOn(network, rule));
        Assert.Equal(Preset.Paper.OptionsFor(rule) with { BatchSize = batchSize }, Preset.Paper.OptionsOn(network, rule));
    }

    /// <summary>The published code enlarges and augments CIFAR-100 for AlexNet; it has no other image that AlexNet sees.</summary>
    [Theory]
    [InlineData("published-code", "alexnet-100", "FDFA", 32, true)]
    [InlineData("published-code", "alexnet-100", "FG-W", 32, true)]
    [InlineData("published-code", "alexnet-100", "FG-A", 32, false)]
    [InlineData("published-code", "alexnet-200", "FDFA", 64, false)]
    [InlineData("published-code", "15C5-40C5-P2-128-10", "FDFA", 32, false)]
    [InlineData("paper", "alexnet-100", "FDFA", 32, false)]
    public void Presets_choose_the_augmentation(string preset, string topology, string rule, int side, bool isAugmented) => Assert.Equal(
        isAugmented ? ImageAugmentation.PublishedCode : null,
        Preset.Parse(preset).AugmentationOf(topology, LearningRule.Parse(rule), new ImageShape(3, side, side)));

    /// <summary>What the presets give each rule: Appendix A, and the authors' two scripts, one of which is for FG-W alone.</summary>
    [Theory]
    [InlineData("BP", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, true)]
    [InlineData("FG-W", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-3, false)]
    [InlineData("FG-A", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, false)]
    [InlineData("LG-FG-A", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, false)]
    [InlineData("DFA", Initialisation.Zeros, ActivationFunction.ReLUOpenAtZero, 1e-4, true)]
    [InlineData("DKP", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, true)]
    [InlineData("FDFA", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, true)]
    [InlineData("FA", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, false)]
    [InlineData("DRTP", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, false)]
    [InlineData("L-FDFA", Initialisation.KaimingUniform, ActivationFunction.ReLU, 1e-4, false)]
    public void Presets_differ_by_rule(
        string name,
        Initialisation paperWeights,
        ActivationFunction paperActivation,
        double publishedRate,
        bool isPublishedWithBatchNormalization)
    {
        LearningRule rule = LearningRule.Parse(name);
        TrainingOptions paper = Preset.Paper.OptionsFor(rule);
        TrainingOptions published = Preset.PublishedCode.OptionsFor(rule);

        Assert.Equal((rule, rule), (paper.Rule, published.Rule));
        Assert.Equal((paperWeights, paperActivation), (paper.WeightInitialisation, Preset.Paper.ActivationFor(rule)));
        Assert.Equal(1e-4, paper.LearningRate);
        Assert.Equal((WeightNoise.PerSample, OutputGradient.Perturbed), (paper.WeightNoise, paper.OutputGradient));
        Assert.False(Preset.Paper.BatchNormalizationFor(rule));

        // What the authors' repository does not have stays as Appendix A has it.
        bool isPublished = name is "BP" or "FG-W" or "DFA" or "DKP" or "FDFA";
        Assert.Equal(isPublished ? Initialisation.PyTorchDefault : paperWeights, published.WeightInitialisation);
        Assert.Equal(ActivationFunction.ReLU, Preset.PublishedCode.ActivationFor(rule));
        Assert.Equal(publishedRate, published.LearningRate);
        Assert.Equal(isPublishedWithBatchNormalization, Preset.PublishedCode.BatchNormalizationFor(rule));

        // Feedback that learns starts at zero, feedback that stays is random: in both.
        Initialisation feedback = name is "DKP" or "FDFA" or "L-FDFA" ? Initialisation.Zeros : Initialisation.KaimingUniform;
        Assert.Equal((feedback, feedback), (paper.FeedbackInitialisation, published.FeedbackInitialisation));
        paper.Validate(Topology.Parse("4-3-2", Preset.Paper.ActivationFor(rule)));
        published.Validate(Topology.Parse("4-3-2"));

        // A rule that is changed brings what it needs, and nothing that was chosen on purpose goes.
        Assert.All(LearningRule.All, other => Assert.Equal(feedback, Preset.Paper.OptionsFor(other).WithRule(rule).FeedbackInitialisation));
        Assert.All(
            LearningRule.All,
            other => (Preset.Paper.OptionsFor(other) with { WeightInitialisation = Initialisation.KaimingUniform }).WithRule(rule)
                .Validate(Topology.Parse("4-3-2")));
        TrainingOptions chosen = Preset.Paper.OptionsFor(LearningRule.ForwardDirectFeedbackAlignment) with
        {
            FeedbackInitialisation = Initialisation.PyTorchDefault,
        };
        Assert.Equal(Initialisation.PyTorchDefault, chosen.WithRule(rule).FeedbackInitialisation);
    }

    [Fact]
    public void The_rules_of_the_paper_come_first_and_every_name_is_used_once()
    {
        Assert.Equal(LearningRule.OfThePaper, LearningRule.All.Take(7));
        Assert.Equal(LearningRule.All.Count, LearningRule.All.Select(rule => rule.Name).Distinct().Count());
        Assert.All(LearningRule.All, rule => Assert.NotNull(Fdfa.Cpu.Reference.Rules.RuleCatalogue.Find(rule)));
    }

    public static TheoryData<TrainingOptions> ImpossibleOptions => new(
        new() { BatchSize = 0 },
        new() { LearningRate = double.NaN },
        new() { FeedbackRate = 0 },
        new() { LearningRateDecay = 1.01 },
        new() { FeedbackRateDecay = 0 },
        new() { Rule = null! },
        new() { FeedbackOrder = (FeedbackOrder)7 },
        new() { Loss = (LossFunction)7 },
        new() { WeightOptimizer = (OptimizerKind)7 },
        new() { FeedbackOptimizer = (OptimizerKind)7 },
        new() { WeightInitialisation = (Initialisation)7 },
        new() { BiasInitialisation = (BiasInitialisation)7 },
        new() { FeedbackInitialisation = (Initialisation)7 },
        new() { BatchSize = TrainingOptions.LargestBatch + 1 },
        new() { Perturbations = 0 },
        new() { Perturbations = TrainingOptions.MostPerturbations + 1 },
        new() { Antithetic = true },
        new() { Antithetic = true, Perturbations = 3 },
        new() { Schedule = (LearningRateSchedule)7 },
        new() { SchedulePeriod = 0 },
        new() { WarmupEpochs = -1 },
        new() { Momentum = 1 },
        new() { Momentum = -0.1 },
        new() { Momentum = double.NaN },
        new() { WeightDecay = -0.1 },
        new() { WeightDecay = double.NaN },
        new() { FeedbackDecay = -1e-6 },
        new() { FeedbackDecay = double.NaN },
        new() { FeedbackDecay = double.PositiveInfinity },
        new() { Noise = (NoiseDistribution)7 },
        new() { WeightNoise = (WeightNoise)7 },
        new() { OutputGradient = (OutputGradient)7 });

    [Theory]
    [MemberData(nameof(ImpossibleOptions))]
    public void Impossible_options_are_refused(TrainingOptions options) =>
        Assert.Throws<InvalidOptionException>(options.Validate);

    [Fact]
    public void Options_at_their_limits_are_taken()
    {
        new TrainingOptions
        {
            BatchSize = TrainingOptions.LargestBatch,
            Perturbations = TrainingOptions.MostPerturbations,
            Antithetic = true,
        }.Validate();
        new TrainingOptions { BatchSize = 1, LearningRateDecay = 1, FeedbackRateDecay = double.Epsilon, FeedbackDecay = 0 }.Validate();
    }
}
