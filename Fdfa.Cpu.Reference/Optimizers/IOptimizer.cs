namespace Fdfa.Cpu.Reference.Optimizers;

/// <summary>How one array of parameters follows its gradient; holds whatever it must remember of earlier steps.</summary>
public interface IOptimizer
{
    /// <summary>Takes one step of the descent.</summary>
    /// <param name="parameters">θ, [count]; updated in place.</param>
    /// <param name="gradient">∇, [count].</param>
    /// <param name="rate">λ (or α for feedback) of this step.</param>
    /// <exception cref="Description.ShapeMismatchException">The lengths differ from each other, or from the count.</exception>
    void Update(double[] parameters, double[] gradient, double rate);
}
