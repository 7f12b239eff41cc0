namespace Fdfa.Cpu.Reference.Description;

/// <summary>The nonlinearity σ at the end of a block.</summary>
public enum ActivationFunction
{
    /// <summary>σ(a) = a: the output block.</summary>
    Identity,

    /// <summary>σ(a) = max(a, 0), with σ'(0) = 0 as PyTorch has it.</summary>
    ReLU,

    /// <summary>σ(a) = max(a, 0), with σ'(0) = 1: without it a network whose weights start at zero would never move.</summary>
    ReLUOpenAtZero,

    /// <summary>σ(a) = tanh a.</summary>
    Tanh,
}
