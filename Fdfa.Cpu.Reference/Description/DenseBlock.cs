namespace Fdfa.Cpu.Reference.Description;

/// <summary>A fully connected block: y = σ(W x + b), with W [outputs × inputs] row-major and b [outputs].</summary>
/// <param name="Inputs">n_{l-1}, at least 1.</param>
/// <param name="Outputs">n_l, at least 1.</param>
/// <param name="Activation">σ.</param>
public sealed record DenseBlock(int Inputs, int Outputs, ActivationFunction Activation)
{
    /// <summary>Weights and biases together.</summary>
    public long ParameterCount => ((long)Inputs + 1) * Outputs;
}
