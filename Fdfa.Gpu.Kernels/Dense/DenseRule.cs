namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>A learning rule's three choices, folded into the kernel when it is compiled.</summary>
public interface IDenseRule
{
    /// <summary>u is injected at the output of hidden blocks.</summary>
    static abstract bool InjectsPerturbations { get; }

    /// <summary>δ⁽ˡ⁾ = e B⁽ˡ⁾; otherwise the backward chain has left g⁽ˡ⁾ behind.</summary>
    static abstract bool ProjectsOutputError { get; }

    /// <summary>B follows ∇B = B − (1/N) Σ_s d_s⁽ᴸ⁾ ⊗ u_s⁽ˡ⁾.</summary>
    static abstract bool LearnsFeedback { get; }
}

/// <summary>BP.</summary>
public readonly struct BackpropagationRule : IDenseRule
{
    /// <inheritdoc/>
    public static bool InjectsPerturbations => false;

    /// <inheritdoc/>
    public static bool ProjectsOutputError => false;

    /// <inheritdoc/>
    public static bool LearnsFeedback => false;
}

/// <summary>FDFA.</summary>
public readonly struct ForwardDirectFeedbackRule : IDenseRule
{
    /// <inheritdoc/>
    public static bool InjectsPerturbations => true;

    /// <inheritdoc/>
    public static bool ProjectsOutputError => true;

    /// <inheritdoc/>
    public static bool LearnsFeedback => true;
}
