using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Optimizers;

/// <summary>Stochastic gradient descent: θ ← θ − λ∇ (Eq. 9 for feedback, Eq. 15 for weights).</summary>
/// <remarks>On the feedback gradient of Eq. 10 this is the exponential average B ← (1 − α)B + α d⊗u of Eq. 8.</remarks>
public sealed class Sgd : IOptimizer
{
    /// <inheritdoc/>
    public void Update(double[] parameters, double[] gradient, double rate)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradient);
        Shape.Require("gradients", gradient.Length, parameters.Length, 1);
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i] -= rate * gradient[i];
        }
    }
}
