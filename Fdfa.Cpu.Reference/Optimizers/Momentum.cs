using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Optimizers;

/// <summary>Stochastic gradient descent with momentum, as PyTorch's SGD has it without dampening.</summary>
/// <remarks>
/// <code>
/// m ← μm + ∇          θ ← θ − λm, or Nesterov's θ ← θ − λ(∇ + μm)
/// </code>
/// The rate is outside of m: when it falls, all that m remembers counts less.
/// </remarks>
/// <param name="count">Number of parameters.</param>
/// <param name="momentum">μ.</param>
/// <param name="isNesterov">Whether the step looks ahead.</param>
public sealed class Momentum(int count, double momentum, bool isNesterov = false) : IOptimizer
{
    private readonly double[] _moment = new double[count];

    /// <inheritdoc/>
    public void Update(double[] parameters, double[] gradient, double rate)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradient);
        Shape.Require("parameters", parameters.Length, _moment.Length, 1);
        Shape.Require("gradients", gradient.Length, _moment.Length, 1);
        for (var i = 0; i < parameters.Length; i++)
        {
            _moment[i] = (momentum * _moment[i]) + gradient[i];
            parameters[i] -= rate * (isNesterov ? gradient[i] + (momentum * _moment[i]) : _moment[i]);
        }
    }
}
