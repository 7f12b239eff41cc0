namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>A learning rule's three choices, folded into the kernels when they are compiled.</summary>
/// <remarks>A rule that says nothing is BP's or FA's: the backward chain has left g⁽ˡ⁾ behind.</remarks>
public interface IBlockRule
{
    /// <summary>u⁽ˡ⁾ is injected at the output of blocks.</summary>
    static virtual bool PerturbsActivations => false;

    /// <summary>V⁽ˡ⁾ is injected on weights and biases, and is what they move along.</summary>
    static virtual bool PerturbsWeights => false;

    /// <summary>δ⁽ˡ⁾ = error · B⁽ˡ⁾.</summary>
    static virtual bool ProjectsError => false;

    /// <summary>δ⁽ˡ⁾ = Σ_k c_k u_k⁽ˡ⁾ with c the directional derivative of a loss.</summary>
    static virtual bool SumsPerturbations => false;

    /// <summary>B⁽ˡ⁾ follows a product of what <see cref="FeedbackGradient"/> names.</summary>
    static virtual bool LearnsFeedback => false;

    /// <summary>Feedback starts at the next block, whose arriving tangents it learns from.</summary>
    static virtual bool KeepsArrivingTangents => false;
}

/// <summary>BP and FA.</summary>
public readonly struct BackwardChainRule : IBlockRule;

/// <summary>DFA and DRTP.</summary>
public readonly struct FixedFeedbackRule : IBlockRule
{
    /// <inheritdoc/>
    public static bool ProjectsError => true;
}

/// <summary>DKP.</summary>
public readonly struct KolenPollackRule : IBlockRule
{
    /// <inheritdoc/>
    public static bool ProjectsError => true;

    /// <inheritdoc/>
    public static bool LearnsFeedback => true;
}

/// <summary>FDFA.</summary>
public readonly struct ForwardDirectFeedbackRule : IBlockRule
{
    /// <inheritdoc/>
    public static bool PerturbsActivations => true;

    /// <inheritdoc/>
    public static bool ProjectsError => true;

    /// <inheritdoc/>
    public static bool LearnsFeedback => true;
}

/// <summary>L-FDFA.</summary>
public readonly struct ForwardLayerwiseFeedbackRule : IBlockRule
{
    /// <inheritdoc/>
    public static bool PerturbsActivations => true;

    /// <inheritdoc/>
    public static bool LearnsFeedback => true;

    /// <inheritdoc/>
    public static bool KeepsArrivingTangents => true;
}

/// <summary>FG-A and LG-FG-A.</summary>
public readonly struct ActivityPerturbedRule : IBlockRule
{
    /// <inheritdoc/>
    public static bool PerturbsActivations => true;

    /// <inheritdoc/>
    public static bool SumsPerturbations => true;
}

/// <summary>FG-W.</summary>
public readonly struct WeightPerturbedRule : IBlockRule
{
    /// <inheritdoc/>
    public static bool PerturbsWeights => true;
}
