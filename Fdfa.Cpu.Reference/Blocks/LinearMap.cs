using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>A block's linear map, whichever it is: a product with W (dense) or a <see cref="Convolution"/> with it.</summary>
/// <remarks>
/// <code>
/// forward, tangent   z = y Wᵀ          + b      (Algorithm 1, lines 11 and 13)
/// backward           δ = g W
/// weights, biases    ∂W = gᵀ y,   ∂b = Σ g     the local gradient of Eq. 14 (Algorithm 1, lines 20 and 23)
/// </code>
/// A convolution's b and ∂b are the filter's, added to or summed over all of its positions.
/// </remarks>
internal static class LinearMap
{
    /// <summary>z without b.</summary>
    /// <param name="block">The block.</param>
    /// <param name="inputs">y, [N × n_{l-1}].</param>
    /// <param name="weights">W.</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × values of a⁽ˡ⁾].</returns>
    public static double[] Run(Block block, double[] inputs, double[] weights, int batchSize) => block is ConvolutionBlock convolution
        ? Convolution.Run(convolution, inputs, weights, batchSize)
        : MatrixProduct.TimesTransposed(inputs, weights, batchSize, block.FanIn, block.Channels);

    /// <summary>z + b; nothing is added where a block has no b.</summary>
    public static void AddBiases(Block block, double[] z, double[] biases)
    {
        for (var i = 0; i < z.Length && biases.Length > 0; i++)
        {
            z[i] += biases[ChannelOf(block, i)];
        }
    }

    /// <summary>From derivatives by z to derivatives by the input.</summary>
    /// <param name="block">The block.</param>
    /// <param name="deltas">g, [N × values of a⁽ˡ⁾].</param>
    /// <param name="weights">W, or feedback in its place.</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × n_{l-1}].</returns>
    public static double[] Transposed(Block block, double[] deltas, double[] weights, int batchSize) =>
        block is ConvolutionBlock convolution
            ? Convolution.Transposed(convolution, deltas, weights, batchSize)
            : MatrixProduct.Times(deltas, weights, batchSize, block.Channels, block.FanIn);

    /// <summary>∂W.</summary>
    /// <param name="block">The block.</param>
    /// <param name="deltas">g, [N × values of a⁽ˡ⁾].</param>
    /// <param name="inputs">y, [N × n_{l-1}].</param>
    /// <param name="batchSize">N.</param>
    /// <returns>As W.</returns>
    public static double[] WeightGradient(Block block, double[] deltas, double[] inputs, int batchSize) =>
        block is ConvolutionBlock convolution
            ? Convolution.WeightGradient(convolution, deltas, inputs, batchSize)
            : MatrixProduct.TransposedTimes(deltas, inputs, block.Channels, batchSize, block.FanIn);

    /// <summary>∂b: a bias is a weight from an input that is always 1.</summary>
    /// <param name="block">The block.</param>
    /// <param name="deltas">g, [N × values of a⁽ˡ⁾].</param>
    /// <returns>As b; empty where a block has no b.</returns>
    public static double[] BiasGradient(Block block, double[] deltas)
    {
        var gradient = new double[block.BiasCount];
        for (var i = 0; i < deltas.Length && gradient.Length > 0; i++)
        {
            gradient[ChannelOf(block, i)] += deltas[i];
        }

        return gradient;
    }

    /// <summary>The neuron or filter that a value of z belongs to.</summary>
    /// <param name="block">The block.</param>
    /// <param name="index">Index in [N × values of a⁽ˡ⁾].</param>
    public static int ChannelOf(Block block, int index) => index % block.Preactivations / block.Positions;
}
