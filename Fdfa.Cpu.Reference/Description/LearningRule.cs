namespace Fdfa.Cpu.Reference.Description;

/// <summary>Which tangent a rule injects into the forward pass.</summary>
public enum Injection
{
    /// <summary>None: no tangent is propagated.</summary>
    None,

    /// <summary>u⁽ˡ⁾ ~ N(0, 1) at the output of every hidden block.</summary>
    HiddenActivations,
}

/// <summary>Where a hidden block's delta δ⁽ˡ⁾ comes from.</summary>
public enum ErrorSignal
{
    /// <summary>δ⁽ˡ⁾ = g⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾, back through block l+1.</summary>
    BackwardChain,

    /// <summary>δ⁽ˡ⁾ = e B⁽ˡ⁾, straight from the output.</summary>
    DirectFeedback,
}

/// <summary>How the feedback B⁽ˡ⁾ changes.</summary>
public enum FeedbackUpdate
{
    /// <summary>There is none, or it is fixed.</summary>
    None,

    /// <summary>∇B = B − (1/N) Σ_s d_s⁽ᴸ⁾ ⊗ u_s⁽ˡ⁾ (Eq. 10).</summary>
    ForwardGradient,
}

/// <summary>A learning rule: three choices and a name, nothing else.</summary>
/// <param name="Name">The paper's abbreviation, as on the command line.</param>
/// <param name="FullName">The name in words.</param>
/// <param name="Injection">Which tangent is injected.</param>
/// <param name="ErrorSignal">Where δ⁽ˡ⁾ comes from.</param>
/// <param name="FeedbackUpdate">How feedback changes.</param>
public sealed record LearningRule(
    string Name, string FullName, Injection Injection, ErrorSignal ErrorSignal, FeedbackUpdate FeedbackUpdate)
{
    /// <summary>BP: error backpropagation.</summary>
    public static LearningRule Backpropagation { get; } = new(
        "BP", "Backpropagation", Injection.None, ErrorSignal.BackwardChain, FeedbackUpdate.None);

    /// <summary>FDFA: Algorithm 1 of the paper.</summary>
    public static LearningRule ForwardDirectFeedbackAlignment { get; } = new(
        "FDFA", "Forward Direct Feedback Alignment",
        Injection.HiddenActivations, ErrorSignal.DirectFeedback, FeedbackUpdate.ForwardGradient);

    /// <summary>All rules, in the paper's order.</summary>
    public static IReadOnlyList<LearningRule> All { get; } = [Backpropagation, ForwardDirectFeedbackAlignment];

    /// <summary>True where hidden blocks have feedback connections B⁽ˡ⁾.</summary>
    public bool HasFeedback => ErrorSignal == ErrorSignal.DirectFeedback;

    /// <summary>Finds a rule by its name, ignoring case.</summary>
    /// <param name="name">The paper's abbreviation, such as "FDFA".</param>
    /// <exception cref="InvalidOptionException">No rule has this name; the message names the nearest and lists all.</exception>
    public static LearningRule Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(rule => rule.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw InvalidOptionException.UnknownWord("rule", name, [.. All.Select(rule => rule.Name)]);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
