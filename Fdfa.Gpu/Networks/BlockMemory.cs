namespace Fdfa.Gpu.Networks;

/// <summary>The device memory that training takes for one block, all replicas, in bytes.</summary>
/// <param name="Name">What it is for, such as "block 1: 784 → 800".</param>
/// <param name="Parameters">Weights and biases, those of a local head included.</param>
/// <param name="OptimizerState">What the optimizers of parameters and feedback remember.</param>
/// <param name="Feedback">B⁽ˡ⁾.</param>
/// <param name="Activations">All that has a value per sample: activations, tangents, perturbations and deltas.</param>
public sealed record BlockMemory(string Name, double Parameters, double OptimizerState, double Feedback, double Activations)
{
    /// <summary>Numbers in its longest buffer, of one replica.</summary>
    public double LongestBuffer { get; init; }

    /// <summary>All of it.</summary>
    public double Bytes => Parameters + OptimizerState + Feedback + Activations;
}
