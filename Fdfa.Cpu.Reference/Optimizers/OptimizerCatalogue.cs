using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Optimizers;

/// <summary>From the name of an optimizer to its mathematics.</summary>
public static class OptimizerCatalogue
{
    /// <summary>A fresh optimizer for one array of parameters.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="count">Number of parameters.</param>
    /// <exception cref="InvalidOptionException">The kind is none of <see cref="OptimizerKind"/>.</exception>
    public static IOptimizer Create(OptimizerKind kind, int count) => kind switch
    {
        OptimizerKind.Sgd => new Sgd(),
        OptimizerKind.Adam => new Adam(count),
        _ => throw InvalidOptionException.UnknownValue("optimizer", kind),
    };
}
