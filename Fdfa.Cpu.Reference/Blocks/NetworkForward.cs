using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>Blocks from input to output: Algorithm 1, lines 7 to 17. What happens within one is said in <see cref="BlockPass"/>.</summary>
public static class NetworkForward
{
    /// <summary>The forward pass: a⁽ˡ⁾ = y⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ + b⁽ˡ⁾, y⁽ˡ⁾ = σ(a⁽ˡ⁾)  (lines 11 and 12).</summary>
    /// <param name="network">The network.</param>
    /// <param name="parameters">The numbers of every block.</param>
    /// <param name="inputs">y⁽⁰⁾, [N × n₀].</param>
    /// <param name="batchSize">N, at least 1.</param>
    /// <param name="statistics">Whose mean and variance batch normalization takes.</param>
    /// <exception cref="ShapeMismatchException">The inputs are not N × n₀ values, or N is below 1.</exception>
    public static ForwardPass Run(
        NetworkDescription network,
        NetworkParameters parameters,
        double[] inputs,
        int batchSize,
        NormalizationStatistics statistics = NormalizationStatistics.Batch)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(inputs);
        if (batchSize < 1)
        {
            throw new ShapeMismatchException("The batch is empty; give at least one sample.");
        }

        Shape.Require("inputs", inputs.Length, batchSize, network.InputSize);
        var blocks = new List<BlockPass>();
        double[] y = inputs;
        for (var l = 1; l <= network.Blocks.Count; l++)
        {
            blocks.Add(BlockPass.Run(network.Blocks[l - 1], parameters.Blocks[l - 1], y, batchSize, statistics));
            y = blocks[^1].Outputs;
        }

        return new ForwardPass(network, batchSize, inputs, blocks);
    }

    /// <summary>
    /// The tangent pass: d⁽⁰⁾ = 0, d⁽ˡ⁾ = (d⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ) ⊙ σ'(a⁽ˡ⁾) + u⁽ˡ⁾  (Algorithm 1, lines 8 and 13 to 16; Algorithm 2, line 12).
    /// </summary>
    /// <remarks>
    /// d⁽ᴸ⁾ is the directional derivative of the outputs when every block l moves along what is added to it (Eq. 7). Biases do not
    /// appear: what moves them is part of a perturbation.
    /// </remarks>
    /// <param name="forward">The forward pass with the same parameters.</param>
    /// <param name="parameters">The numbers of every block.</param>
    /// <param name="perturbations">What is added in block l, at index l − 1.</param>
    /// <param name="stopsAfter">Blocks whose tangent goes no further; null where all go on.</param>
    /// <returns>d⁽ˡ⁾ at index l − 1, [N × n_l].</returns>
    /// <exception cref="ShapeMismatchException">A perturbation does not fit its block.</exception>
    public static IReadOnlyList<double[]> RunTangents(
        ForwardPass forward,
        NetworkParameters parameters,
        IReadOnlyList<BlockPerturbation> perturbations,
        Func<int, bool>? stopsAfter = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(perturbations);
        Shape.Require("perturbed blocks", perturbations.Count, forward.Blocks.Count, 1);
        var tangents = new List<double[]>();
        var d = new double[forward.Inputs.Length];
        for (var l = 1; l <= forward.Blocks.Count; l++)
        {
            tangents.Add(forward.Blocks[l - 1].Tangents(parameters.Blocks[l - 1], d, perturbations[l - 1]));
            d = stopsAfter?.Invoke(l) == true ? new double[tangents[^1].Length] : tangents[^1];
        }

        return tangents;
    }
}
