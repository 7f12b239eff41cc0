using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Runs;

namespace Fdfa.Tests.CommandLine;

/// <summary>The options of <c>train</c> that a preset decides: all there, and each goes to the command line and comes back.</summary>
public sealed class TrainingOptionTests
{
    public static TheoryData<string, string> RulesAndPresets
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (LearningRule rule in LearningRule.All)
            {
                foreach (Preset preset in Preset.All)
                {
                    data.Add(rule.Name, preset.Name);
                }
            }

            return data;
        }
    }

    [Fact]
    public void Every_training_option_can_be_given()
    {
        // The rule is an option of its own; the augmentation follows from preset, topology and data, because it decides the input's size.
        IEnumerable<string> properties = typeof(TrainingOptions)
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property =>
                property.CanWrite && property.Name is not (nameof(TrainingOptions.Rule) or nameof(TrainingOptions.Augmentation)))
            .Select(property => property.Name);

        Assert.Equal(properties.Order(), TrainingOption.All.Select(option => option.Property).Order());
    }

    [Theory]
    [MemberData(nameof(RulesAndPresets))]
    public void Without_options_a_run_is_the_preset_s(string rule, string preset)
    {
        RunRequest request = SomeRun.Read("--rule", rule, "--preset", preset);

        Assert.Equal(Preset.Parse(preset).OptionsOn(request.Network, LearningRule.Parse(rule)), request.Options);
        Assert.Equal(Preset.Parse(preset).BatchNormalizationFor(LearningRule.Parse(rule)), request.Network.IsNormalized());
        Assert.Equal(Preset.Parse(preset).ActivationFor(LearningRule.Parse(rule)), request.Network.HiddenActivation);
    }

    [Theory]
    [MemberData(nameof(RulesAndPresets))]
    public void The_repeated_command_line_has_every_option_that_means_something(string rule, string preset)
    {
        // Every value differs from both presets, so that one that is lost shows; with one block any start can learn.
        string[] given =
        [
            "--batch-size", "7", "--learning-rate", "0.25", "--schedule", "step", "--decay", "0.5", "--schedule-period", "3", "--warmup",
            "2", "--optimizer", "nesterov", "--momentum", "0.5", "--weight-decay", "0.25", "--loss", "mse", "--weight-init", "zeros",
            "--bias-init", "pytorch",
            "--feedback-rate", "0.125", "--feedback-rate-decay", "0.75", "--feedback-optimizer", "adamw", "--feedback-order",
            "simultaneous",
            "--feedback-init", "pytorch", "--feedback-decay", "1e-6", "--perturbations", "4", "--noise", "rademacher",
            "--weight-noise", "sample", "--output-gradient", "exact", "--perturb-at", "pre-activation",
        ];
        LearningRule learningRule = LearningRule.Parse(rule);

        // AdamW is the feedback's here.
        HashSet<string> meaningful = [.. TrainingOption.All
            .Where(option => option.Concerns(learningRule) && (option.Switch != "--weight-decay" || learningRule.LearnsFeedback))
            .Select(option => option.Switch)];
        string[] antithetic = meaningful.Contains("--antithetic") ? ["--antithetic"] : [];

        RunRequest request = SomeRun.Read(
        [
            "--rule", rule, "--preset", preset, "--network", "784-10", "--no-batch-norm", "--activation", "relu-open",
            .. given.Chunk(2).Where(pair => meaningful.Contains(pair[0])).SelectMany(pair => pair), .. antithetic,
        ]);

        RunRequest repeated = SomeRun.Read([.. request.ToArguments().Skip(1)]);
        Assert.Equal(request.Options, repeated.Options);
        Assert.Equal(ActivationFunction.ReLUOpenAtZero, repeated.Network.HiddenActivation);
        Assert.Equal(request.ToArguments(), repeated.ToArguments());
        TrainingOptions untouched = Preset.Parse(preset).OptionsFor(learningRule);
        Assert.All(
            TrainingOption.For(request.Options),
            option => Assert.True(
                option.Text(request.Options) != option.Text(untouched)
                || option.Switch is "--feedback-order" or "--weight-noise" or "--weight-init",
                option.Switch));
    }
}
