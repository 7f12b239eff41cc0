using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>A batch on its way through the network: what <see cref="DenseForward"/> computed for every block.</summary>
/// <param name="Network">The network.</param>
/// <param name="BatchSize">N.</param>
/// <param name="Inputs">y⁽⁰⁾, [N × n₀].</param>
/// <param name="Preactivations">a⁽ˡ⁾ at index l − 1, [N × n_l].</param>
/// <param name="Activations">y⁽ˡ⁾ at index l − 1, [N × n_l].</param>
public sealed record ForwardPass(
    NetworkDescription Network,
    int BatchSize,
    double[] Inputs,
    IReadOnlyList<double[]> Preactivations,
    IReadOnlyList<double[]> Activations)
{
    /// <summary>y⁽ᴸ⁾, [N × n_L].</summary>
    public double[] Outputs => Activations[^1];

    /// <summary>y⁽ˡ⁻¹⁾, what block l read, [N × n_{l-1}].</summary>
    /// <param name="l">The block, 1…L.</param>
    public double[] InputsOf(int l) => l == 1 ? Inputs : Activations[l - 2];

    /// <summary>v ⊙ σ'(a⁽ˡ⁾): from a derivative at the output of σ to one at its input.</summary>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="values">v, [N × n_l].</param>
    /// <returns>A new array.</returns>
    public double[] TimesDerivative(int l, double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        DenseBlock block = Network.Blocks[l - 1];
        double[] preactivations = Preactivations[l - 1];
        Shape.Require("values", values.Length, BatchSize, block.Outputs);
        var product = new double[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            product[i] = values[i] * Activation.Derivative(block.Activation, preactivations[i]);
        }

        return product;
    }
}
