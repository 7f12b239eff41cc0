using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>σ and its derivative.</summary>
public static class Activation
{
    /// <summary>σ(a).</summary>
    /// <exception cref="InvalidOptionException">The function is none of <see cref="ActivationFunction"/>.</exception>
    public static double Value(ActivationFunction function, double preactivation) => function switch
    {
        ActivationFunction.Identity => preactivation,
        ActivationFunction.ReLU or ActivationFunction.ReLUOpenAtZero => Math.Max(preactivation, 0),
        ActivationFunction.Tanh => Math.Tanh(preactivation),
        _ => throw InvalidOptionException.UnknownValue("activation", function),
    };

    /// <summary>σ'(a); ReLU'(0) = 0 or, where it is open at zero, 1; tanh' = 1 − tanh².</summary>
    /// <exception cref="InvalidOptionException">The function is none of <see cref="ActivationFunction"/>.</exception>
    public static double Derivative(ActivationFunction function, double preactivation) => function switch
    {
        ActivationFunction.Identity => 1,
        ActivationFunction.ReLU => preactivation > 0 ? 1 : 0,
        ActivationFunction.ReLUOpenAtZero => preactivation >= 0 ? 1 : 0,
        ActivationFunction.Tanh => 1 - Math.Tanh(preactivation) * Math.Tanh(preactivation),
        _ => throw InvalidOptionException.UnknownValue("activation", function),
    };
}
