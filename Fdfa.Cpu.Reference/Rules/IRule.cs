using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>The mathematics of a <see cref="LearningRule"/>: its three choices, each as one function without side effects.</summary>
public interface IRule
{
    /// <summary>Which tangent is injected: draws the perturbations of a step and propagates them.</summary>
    /// <param name="forward">The step's forward pass.</param>
    /// <param name="parameters">The parameters that it used.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stepNumber">The step, counted from 0.</param>
    /// <returns>Null for a rule without tangents.</returns>
    TangentPass? InjectTangents(ForwardPass forward, NetworkParameters parameters, ulong seed, uint stepNumber);

    /// <summary>How feedback changes: ∂B⁽ˡ⁾.</summary>
    /// <param name="parameters">The parameters before the step.</param>
    /// <param name="tangents">What <see cref="InjectTangents"/> returned.</param>
    /// <returns>At index l − 1 [n_L × n_l], or null where feedback stays as it is.</returns>
    IReadOnlyList<double[]?> FeedbackGradients(NetworkParameters parameters, TangentPass? tangents);

    /// <summary>Where the error comes from: g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾), with g⁽ᴸ⁾ = e because the output is linear.</summary>
    /// <param name="forward">The step's forward pass.</param>
    /// <param name="parameters">The weights of the forward pass, with the feedback that is to be used.</param>
    /// <param name="outputError">e, [N × n_L]; it carries 1/N.</param>
    /// <returns>At index l − 1, [N × n_l].</returns>
    IReadOnlyList<double[]> PreactivationDeltas(ForwardPass forward, NetworkParameters parameters, double[] outputError);
}
