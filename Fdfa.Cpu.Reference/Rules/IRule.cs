using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>The mathematics of a <see cref="LearningRule"/>: its three choices, each as one function without side effects.</summary>
/// <remarks>Only the gradients must be said; a rule that says nothing else injects nothing and leaves feedback as it is.</remarks>
public interface IRule
{
    /// <summary>Which tangent is injected: draws a step's perturbations and propagates them.</summary>
    /// <param name="step">The step, its forward pass done.</param>
    /// <returns>K passes, one per direction; none for a rule without tangents.</returns>
    IReadOnlyList<TangentPass> InjectTangents(TrainingStep step) => [];

    /// <summary>How feedback changes: ∂B⁽ˡ⁾.</summary>
    /// <param name="step">The step, with the parameters before it.</param>
    /// <param name="tangents">What <see cref="InjectTangents"/> returned.</param>
    /// <returns>At index l − 1, as large as B⁽ˡ⁾, or null where feedback stays as it is.</returns>
    IReadOnlyList<double[]?> FeedbackGradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        return new double[]?[step.Parameters.Blocks.Count];
    }

    /// <summary>Where the error comes from, and what it makes of the weights: ∂W⁽ˡ⁾ and ∂b⁽ˡ⁾.</summary>
    /// <param name="step">The step, with the weights of its forward pass and the feedback that is to be used.</param>
    /// <param name="tangents">What <see cref="InjectTangents"/> returned.</param>
    /// <returns>At index l − 1.</returns>
    IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents);
}
