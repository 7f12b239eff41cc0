using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>Dense blocks from input to output: Algorithm 1, lines 7 to 17.</summary>
public static class DenseForward
{
    /// <summary>The forward pass: a⁽ˡ⁾ = y⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ + b⁽ˡ⁾, y⁽ˡ⁾ = σ(a⁽ˡ⁾)  (lines 11 and 12).</summary>
    /// <param name="network">The network.</param>
    /// <param name="parameters">W and b of every block.</param>
    /// <param name="inputs">y⁽⁰⁾, [N × n₀].</param>
    /// <param name="batchSize">N, at least 1.</param>
    /// <exception cref="ShapeMismatchException">The inputs are not N × n₀ values, or N is below 1.</exception>
    public static ForwardPass Run(NetworkDescription network, NetworkParameters parameters, double[] inputs, int batchSize)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(inputs);
        if (batchSize < 1)
        {
            throw new ShapeMismatchException("The batch is empty; give at least one sample.");
        }

        Shape.Require("inputs", inputs.Length, batchSize, network.InputSize);

        var preactivations = new List<double[]>();
        var activations = new List<double[]>();
        double[] y = inputs;
        for (var l = 1; l <= network.Blocks.Count; l++)
        {
            DenseBlock block = network.Blocks[l - 1];
            double[] biases = parameters.Blocks[l - 1].Biases;
            double[] a = MatrixProduct.TimesTransposed(
                y, parameters.Blocks[l - 1].Weights, batchSize, block.Inputs, block.Outputs);
            for (var i = 0; i < a.Length; i++)
            {
                a[i] += biases[i % block.Outputs];
            }

            y = Array.ConvertAll(a, value => Activation.Value(block.Activation, value));
            preactivations.Add(a);
            activations.Add(y);
        }

        return new ForwardPass(network, batchSize, inputs, preactivations, activations);
    }

    /// <summary>The tangent pass: d⁽⁰⁾ = 0, d⁽ˡ⁾ = (d⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ + v⁽ˡ⁾) ⊙ σ'(a⁽ˡ⁾) + u⁽ˡ⁾  (Algorithm 1, lines 8 and 13 to 16; Algorithm 2, line 12).</summary>
    /// <remarks>
    /// d⁽ᴸ⁾ is the directional derivative of the outputs when the output of every block l moves along u⁽ˡ⁾ (Eq. 7), and
    /// its preactivations along v⁽ˡ⁾. Biases do not appear: what moves them is part of v.
    /// </remarks>
    /// <param name="forward">The forward pass with the same parameters.</param>
    /// <param name="parameters">W of every block.</param>
    /// <param name="perturbations">u⁽ˡ⁾ at index l − 1, [N × n_l], or null where nothing is injected.</param>
    /// <param name="preactivationPerturbations">v⁽ˡ⁾ at index l − 1, [N × n_l]; null where nothing is injected anywhere.</param>
    /// <param name="stopsAfter">Blocks whose tangent goes no further; null where all go on.</param>
    /// <returns>d⁽ˡ⁾ at index l − 1, [N × n_l].</returns>
    /// <exception cref="ShapeMismatchException">A perturbation does not fit its block.</exception>
    public static IReadOnlyList<double[]> RunTangents(
        ForwardPass forward,
        NetworkParameters parameters,
        IReadOnlyList<double[]?> perturbations,
        IReadOnlyList<double[]>? preactivationPerturbations = null,
        Func<int, bool>? stopsAfter = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(perturbations);
        NetworkDescription network = forward.Network;
        Shape.Require("perturbed blocks", perturbations.Count, network.Blocks.Count, 1);

        var tangents = new List<double[]>();
        var d = new double[forward.Inputs.Length];
        for (var l = 1; l <= network.Blocks.Count; l++)
        {
            DenseBlock block = network.Blocks[l - 1];
            double[] arriving = MatrixProduct.TimesTransposed(
                d, parameters.Blocks[l - 1].Weights, forward.BatchSize, block.Inputs, block.Outputs);
            Add(arriving, preactivationPerturbations?[l - 1]);
            double[] leaving = forward.TimesDerivative(l, arriving);
            Add(leaving, perturbations[l - 1]);
            tangents.Add(leaving);
            d = stopsAfter?.Invoke(l) == true ? new double[leaving.Length] : leaving;
        }

        return tangents;
    }

    private static void Add(double[] values, double[]? perturbations)
    {
        if (perturbations is not null)
        {
            Shape.Require("perturbations", perturbations.Length, values.Length, 1);
            for (var i = 0; i < values.Length; i++)
            {
                values[i] += perturbations[i];
            }
        }
    }
}
