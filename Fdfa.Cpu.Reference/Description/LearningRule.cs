namespace Fdfa.Cpu.Reference.Description;

/// <summary>Which tangent a rule injects into the forward pass.</summary>
public enum Injection
{
    /// <summary>None: no tangent is propagated.</summary>
    None,

    /// <summary>u⁽ˡ⁾ at the output of every hidden block.</summary>
    HiddenActivations,

    /// <summary>u⁽ˡ⁾ at the output of every block, the network's output included (Eq. 4 sums over l ≤ L).</summary>
    AllActivations,

    /// <summary>V⁽ˡ⁾ on every weight and bias (Eq. 2).</summary>
    Weights,
}

/// <summary>Where a hidden block's delta δ⁽ˡ⁾ comes from.</summary>
public enum ErrorSignal
{
    /// <summary>δ⁽ˡ⁾ = g⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾, back through block l+1.</summary>
    BackwardChain,

    /// <summary>δ⁽ˡ⁾ = e B⁽ˡ⁾, straight from the output; B⁽ˡ⁾ is [n_L × n_l], of a convolution [n_L × channels × height × width].</summary>
    DirectFeedback,

    /// <summary>δ⁽ˡ⁾ = g⁽ˡ⁺¹⁾ B⁽ˡ⁾, back through feedback in the place of W⁽ˡ⁺¹⁾; B⁽ˡ⁾ has the shape of W⁽ˡ⁺¹⁾, filters included.</summary>
    LayerwiseFeedback,

    /// <summary>δ⁽ˡ⁾ = −(1/N) t B⁽ˡ⁾ with the one-hot target t: what of e is known before the forward pass.</summary>
    DirectTargets,

    /// <summary>The loss's directional derivative e·d⁽ᴸ⁾ times what was injected.</summary>
    ForwardGradient,

    /// <summary>The same, of a loss of the block's own where it has a linear head.</summary>
    LocalForwardGradient,
}

/// <summary>How the feedback B⁽ˡ⁾ changes.</summary>
public enum FeedbackUpdate
{
    /// <summary>There is none, or it is fixed.</summary>
    None,

    /// <summary>∇B = B − (1/N) Σ_s t_s ⊗ u_s⁽ˡ⁾ (Eq. 10), t being the tangent where B starts from: d⁽ᴸ⁾, or d⁽ˡ⁾ W⁽ˡ⁺¹⁾ᵀ.</summary>
    ForwardGradient,

    /// <summary>∇B = eᵀ y⁽ˡ⁾, with decay: what W⁽ᴸ⁾ would do in the place of B (Kolen and Pollack; Webster et al., 2021).</summary>
    KolenPollack,
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

    /// <summary>FG-W: Algorithm 2 of the paper.</summary>
    public static LearningRule WeightPerturbedForwardGradient { get; } = new(
        "FG-W", "Weight-Perturbed Forward Gradient", Injection.Weights, ErrorSignal.ForwardGradient, FeedbackUpdate.None);

    /// <summary>FG-A: Algorithm 3 of the paper.</summary>
    public static LearningRule ActivityPerturbedForwardGradient { get; } = new(
        "FG-A", "Activity-Perturbed Forward Gradient", Injection.AllActivations, ErrorSignal.ForwardGradient, FeedbackUpdate.None);

    /// <summary>LG-FG-A: FG-A with a local loss after each hidden block l &lt; L − 1 (Ren et al., 2023).</summary>
    public static LearningRule LocalGreedyForwardGradient { get; } = new(
        "LG-FG-A", "Local-Greedy Activity-Perturbed Forward Gradient",
        Injection.AllActivations, ErrorSignal.LocalForwardGradient, FeedbackUpdate.None);

    /// <summary>DFA: random fixed direct feedback (Nøkland, 2016).</summary>
    public static LearningRule DirectFeedbackAlignment { get; } = new(
        "DFA", "Direct Feedback Alignment", Injection.None, ErrorSignal.DirectFeedback, FeedbackUpdate.None);

    /// <summary>DKP: Direct Kolen-Pollack (Webster et al., 2021).</summary>
    public static LearningRule DirectKolenPollack { get; } = new(
        "DKP", "Direct Kolen-Pollack", Injection.None, ErrorSignal.DirectFeedback, FeedbackUpdate.KolenPollack);

    /// <summary>FDFA: Algorithm 1 of the paper.</summary>
    public static LearningRule ForwardDirectFeedbackAlignment { get; } = new(
        "FDFA", "Forward Direct Feedback Alignment",
        Injection.HiddenActivations, ErrorSignal.DirectFeedback, FeedbackUpdate.ForwardGradient);

    /// <summary>FA: random fixed feedback from block to block (Lillicrap et al., 2016).</summary>
    public static LearningRule FeedbackAlignment { get; } = new(
        "FA", "Feedback Alignment", Injection.None, ErrorSignal.LayerwiseFeedback, FeedbackUpdate.None);

    /// <summary>DRTP: Direct Random Target Propagation (Frenkel et al., 2021).</summary>
    public static LearningRule DirectRandomTargetPropagation { get; } = new(
        "DRTP", "Direct Random Target Propagation", Injection.None, ErrorSignal.DirectTargets, FeedbackUpdate.None);

    /// <summary>L-FDFA: FA whose feedback learns W⁽ˡ⁺¹⁾ from forward gradients, as the paper's Discussion proposes.</summary>
    public static LearningRule LayerwiseForwardFeedbackAlignment { get; } = new(
        "L-FDFA", "FDFA on layerwise feedback",
        Injection.HiddenActivations, ErrorSignal.LayerwiseFeedback, FeedbackUpdate.ForwardGradient);

    /// <summary>The seven rules that the paper compares, in the order of its tables.</summary>
    public static IReadOnlyList<LearningRule> OfThePaper { get; } =
    [
        Backpropagation,
        WeightPerturbedForwardGradient,
        ActivityPerturbedForwardGradient,
        LocalGreedyForwardGradient,
        DirectFeedbackAlignment,
        DirectKolenPollack,
        ForwardDirectFeedbackAlignment,
    ];

    /// <summary>All rules: the paper's, then those beyond it.</summary>
    public static IReadOnlyList<LearningRule> All { get; } =
        [.. OfThePaper, FeedbackAlignment, DirectRandomTargetPropagation, LayerwiseForwardFeedbackAlignment];

    /// <summary>True where hidden blocks have feedback connections B⁽ˡ⁾.</summary>
    public bool HasFeedback => ErrorSignal is ErrorSignal.DirectFeedback or ErrorSignal.LayerwiseFeedback or ErrorSignal.DirectTargets;

    /// <summary>True where feedback changes.</summary>
    public bool LearnsFeedback => FeedbackUpdate != FeedbackUpdate.None;

    /// <summary>True where block l waits for block l + 1: the paper's backward locking.</summary>
    public bool HasBackwardChain => ErrorSignal is ErrorSignal.BackwardChain or ErrorSignal.LayerwiseFeedback;

    /// <summary>True where weights follow perturbations by a directional derivative: forward gradients proper.</summary>
    public bool FollowsPerturbations => ErrorSignal is ErrorSignal.ForwardGradient or ErrorSignal.LocalForwardGradient;

    /// <summary>True where tangents run forward beside the activations.</summary>
    public bool HasTangents => Injection != Injection.None;

    /// <summary>Finds a rule by its name, ignoring case.</summary>
    /// <param name="name">The paper's abbreviation, such as "FDFA".</param>
    /// <exception cref="InvalidOptionException">No rule has this name; the message names the nearest and lists all.</exception>
    public static LearningRule Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(rule => rule.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw InvalidOptionException.UnknownWord("rule", name, [.. All.Select(rule => rule.Name)]);
    }

    /// <summary>Rows and columns of B⁽ˡ⁾.</summary>
    /// <remarks>
    /// Direct feedback has a row per output, and a column per value of block l at the site where the error arrives. Layerwise feedback
    /// stands for W⁽ˡ⁺¹⁾ and has its shape; behind it is the output of block l, whatever the site.
    /// </remarks>
    /// <param name="network">The network.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="site">Where the error of direct feedback arrives.</param>
    /// <returns>No rows where there is no feedback, as in the output block.</returns>
    public (int Rows, int Columns) FeedbackShape(NetworkDescription network, int l, PerturbationSite site = PerturbationSite.BlockOutput)
    {
        ArgumentNullException.ThrowIfNull(network);
        return (HasFeedback && l < network.Blocks.Count, ErrorSignal) switch
        {
            (false, _) => (0, network.Blocks[l - 1].SizeAt(site)),
            (true, ErrorSignal.LayerwiseFeedback) => (network.Blocks[l].Channels, network.Blocks[l].FanIn),
            (true, ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets) => (network.OutputSize, network.Blocks[l - 1].SizeAt(site)),
            (true, var other) => throw InvalidOptionException.UnknownValue("error signal of feedback", other),
        };
    }

    /// <summary>Rows of B⁽ˡ⁾: n_L for direct feedback, neurons or filters of block l + 1 for layerwise; 0 where there is none.</summary>
    /// <param name="network">The network.</param>
    /// <param name="l">The block, 1…L.</param>
    public int FeedbackRows(NetworkDescription network, int l) => FeedbackShape(network, l).Rows;

    /// <summary>Whether a block has a linear head with a loss of its own: hidden blocks but the last one, l &lt; L − 1.</summary>
    /// <param name="network">The network.</param>
    /// <param name="l">The block, 1…L.</param>
    public bool HasLocalHead(NetworkDescription network, int l)
    {
        ArgumentNullException.ThrowIfNull(network);
        return ErrorSignal == ErrorSignal.LocalForwardGradient && l < network.Blocks.Count - 1;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
