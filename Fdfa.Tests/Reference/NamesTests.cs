using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class NamesTests
{
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
        "Unknown rule 'FDAF'; did you mean FDFA? Known rules: BP, FDFA.",
        Assert.Throws<InvalidOptionException>(() => LearningRule.Parse("FDAF")).Message);

    [Theory]
    [InlineData("")]
    [InlineData("newton")]
    public void A_rule_near_to_nothing_is_answered_with_all(string name) => Assert.Equal(
        $"Unknown rule '{name}'. Known rules: BP, FDFA.",
        Assert.Throws<InvalidOptionException>(() => LearningRule.Parse(name)).Message);

    [Theory]
    [InlineData("FDAF", "FDFA")]
    [InlineData("fdf", "FDFA")]
    [InlineData("bpp", "BP")]
    [InlineData("published", null)]
    [InlineData("", null)]
    public void The_nearest_word_is_within_half_of_its_letters(string word, string? expected) =>
        Assert.Equal(expected, NearestWord.Find(word, ["BP", "FDFA"]));

    [Fact]
    public void Of_equally_near_words_the_first_is_taken() => Assert.Equal("DFA", NearestWord.Find("DXA", ["DFA", "DKA"]));

    [Fact]
    public void A_swap_of_neighbours_is_one_slip() => Assert.Equal("paper", NearestWord.Find("paepr", ["pabbr", "paper"]));

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
    public void The_published_codes_preset_differs_in_four_choices()
    {
        TrainingOptions options = Preset.PublishedCode.OptionsFor(LearningRule.Backpropagation);
        Assert.True(Preset.PublishedCode.BatchNormalizationFor(LearningRule.ForwardDirectFeedbackAlignment));
        Assert.Equal(
            Preset.Paper.OptionsFor(LearningRule.Backpropagation) with
            {
                WeightInitialisation = Initialisation.PyTorchDefault,
                FeedbackRateDecay = 1,
                FeedbackOrder = FeedbackOrder.Simultaneous,
            },
            options);
        Assert.Equal(1e-4, options.FeedbackRateAt(50));
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
        new() { FeedbackInitialisation = (Initialisation)7 });

    [Theory]
    [MemberData(nameof(ImpossibleOptions))]
    public void Impossible_options_are_refused(TrainingOptions options) =>
        Assert.Throws<InvalidOptionException>(options.Validate);
}
