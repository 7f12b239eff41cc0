using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>From a rule's description to its mathematics.</summary>
public static class RuleCatalogue
{
    private static readonly Dictionary<LearningRule, IRule> s_rules = new()
    {
        [LearningRule.Backpropagation] = new Backpropagation(),
        [LearningRule.WeightPerturbedForwardGradient] = new WeightPerturbedForwardGradient(),
        [LearningRule.ActivityPerturbedForwardGradient] = new ActivityPerturbedForwardGradient(),
        [LearningRule.LocalGreedyForwardGradient] = new LocalGreedyForwardGradient(),
        [LearningRule.DirectFeedbackAlignment] = new DirectFeedbackAlignment(),
        [LearningRule.DirectKolenPollack] = new DirectKolenPollack(),
        [LearningRule.ForwardDirectFeedbackAlignment] = new ForwardDirectFeedbackAlignment(),
        [LearningRule.FeedbackAlignment] = new FeedbackAlignment(),
        [LearningRule.DirectRandomTargetPropagation] = new DirectRandomTargetPropagation(),
        [LearningRule.LayerwiseForwardFeedbackAlignment] = new LayerwiseForwardFeedbackAlignment(),
    };

    /// <summary>The mathematics of a rule.</summary>
    /// <exception cref="InvalidOptionException">The reference does not know the rule.</exception>
    public static IRule Find(LearningRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return s_rules.TryGetValue(rule, out IRule? mathematics)
            ? mathematics
            : throw InvalidOptionException.UnknownWord("rule", rule.Name, [.. s_rules.Keys.Select(known => known.Name)]);
    }
}
