namespace Fdfa.Cpu.Reference.Description;

/// <summary>
/// Where in a block u⁽ˡ⁾ is added and the feedback error δ⁽ˡ⁾ arrives; feedback has as many columns as the site has values.
/// </summary>
public enum PerturbationSite
{
    /// <summary>y⁽ˡ⁾, behind all pooling: the paper's equations.</summary>
    BlockOutput,

    /// <summary>σ(a⁽ˡ⁾), before pooling; the block's output where there is none. The published code's small network.</summary>
    BeforePool,

    /// <summary>a⁽ˡ⁾, what the activation function is given: behind batch normalization.</summary>
    PreActivation,
}
