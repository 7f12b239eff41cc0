using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Optimizers;

/// <summary>Adam (Kingma and Ba, 2017) with the paper's constants (Appendix A) and PyTorch's place for ε.</summary>
/// <remarks>
/// <code>
/// m ← β₁m + (1 − β₁)∇          v ← β₂v + (1 − β₂)∇²          t counts steps from 1
/// θ ← θ − λ · m/(1 − β₁ᵗ) / (√v/√(1 − β₂ᵗ) + ε)
/// </code>
/// With Adam on ∇B the feedback is not the exponential average of Eq. 8: each element moves by about α whatever
/// the size of its gradient. Propositions about that average hold in <see cref="Sgd"/> mode only.
/// </remarks>
/// <param name="count">Number of parameters.</param>
/// <param name="weightDecay">AdamW's decoupled decay: θ ← θ (1 − λ · decay) before the step.</param>
public sealed class Adam(int count, double weightDecay = 0) : IOptimizer
{
    /// <summary>β₁, the decay of the first moment.</summary>
    public const double Beta1 = 0.9;

    /// <summary>β₂, the decay of the second moment.</summary>
    public const double Beta2 = 0.999;

    /// <summary>ε, outside the root.</summary>
    public const double Epsilon = 1e-8;

    /// <summary>m, [count].</summary>
    public double[] FirstMoment { get; } = new double[count];

    /// <summary>v, [count].</summary>
    public double[] SecondMoment { get; } = new double[count];

    /// <summary>Steps taken so far: t of the latest step.</summary>
    public int StepCount { get; private set; }

    /// <inheritdoc/>
    public void Update(double[] parameters, double[] gradient, double rate)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradient);
        Shape.Require("parameters", parameters.Length, FirstMoment.Length, 1);
        Shape.Require("gradients", gradient.Length, FirstMoment.Length, 1);
        StepCount++;
        double firstCorrection = 1 - Math.Pow(Beta1, StepCount);
        double secondCorrection = 1 - Math.Pow(Beta2, StepCount);
        for (var i = 0; i < parameters.Length; i++)
        {
            FirstMoment[i] = Beta1 * FirstMoment[i] + (1 - Beta1) * gradient[i];
            SecondMoment[i] = Beta2 * SecondMoment[i] + (1 - Beta2) * gradient[i] * gradient[i];
            double denominator = Math.Sqrt(SecondMoment[i]) / Math.Sqrt(secondCorrection) + Epsilon;
            parameters[i] -= (rate * weightDecay * parameters[i]) + (rate * (FirstMoment[i] / firstCorrection) / denominator);
        }
    }
}
