using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>The linear map of a convolutional block, as every pair of an input and an output that a weight connects.</summary>
/// <remarks>
/// With (y, x) = (stride·y' + k_y − padding, stride·x' + k_x − padding), and nothing where that is outside the image:
/// <code>
/// forward, tangent   z[s, f, y', x'] = Σ_{c,k_y,k_x} W[f, c, k_y, k_x] · input[s, c, y, x]
/// backward           δ[s, c, y, x]   = Σ_{f,k_y,k_x} W[f, c, k_y, k_x] · g[s, f, y', x']
/// weights            ∂W[f, c, k_y, k_x] = Σ_{s,y',x'} g[s, f, y', x'] · input[s, c, y, x]
/// </code>
/// </remarks>
internal static class Convolution
{
    private delegate void Connection(int output, int input, int weight);

    /// <summary>z = W ∗ input.</summary>
    /// <param name="block">The geometry.</param>
    /// <param name="inputs">[N × channels·height·width].</param>
    /// <param name="weights">W.</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × filters·height'·width'].</returns>
    public static double[] Run(ConvolutionBlock block, double[] inputs, double[] weights, int batchSize)
    {
        var z = new double[batchSize * block.Preactivations];
        ForEachConnection(block, batchSize, (output, input, weight) => z[output] += weights[weight] * inputs[input]);
        return z;
    }

    /// <summary>δ = Wᵀ ∗ g: from derivatives by z to derivatives by the input.</summary>
    /// <param name="block">The geometry.</param>
    /// <param name="deltas">g, [N × filters·height'·width'].</param>
    /// <param name="weights">W, or feedback in its place.</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × channels·height·width].</returns>
    public static double[] Transposed(ConvolutionBlock block, double[] deltas, double[] weights, int batchSize)
    {
        var inputDeltas = new double[batchSize * block.Inputs];
        ForEachConnection(block, batchSize, (output, input, weight) => inputDeltas[input] += weights[weight] * deltas[output]);
        return inputDeltas;
    }

    /// <summary>∂W: what every weight connected, summed over batch and positions.</summary>
    /// <param name="block">The geometry.</param>
    /// <param name="deltas">g, [N × filters·height'·width'].</param>
    /// <param name="inputs">[N × channels·height·width].</param>
    /// <param name="batchSize">N.</param>
    /// <returns>As W.</returns>
    public static double[] WeightGradient(ConvolutionBlock block, double[] deltas, double[] inputs, int batchSize)
    {
        var gradient = new double[block.Channels * block.FanIn];
        ForEachConnection(block, batchSize, (output, input, weight) => gradient[weight] += deltas[output] * inputs[input]);
        return gradient;
    }

    /// <summary>At how many positions each weight sees the image rather than padding.</summary>
    /// <param name="block">The geometry.</param>
    /// <returns>As W.</returns>
    public static double[] UsesOfWeights(ConvolutionBlock block)
    {
        var uses = new double[block.Channels * block.FanIn];
        ForEachConnection(block, batchSize: 1, (_, _, weight) => uses[weight]++);
        return uses;
    }

    private static void ForEachConnection(ConvolutionBlock block, int batchSize, Connection use)
    {
        ImageShape image = block.Input;
        ImageShape map = block.Map;
        for (var sample = 0; sample < batchSize; sample++)
        {
            for (var filter = 0; filter < block.Filters; filter++)
            {
                for (var row = 0; row < map.Height; row++)
                {
                    for (var column = 0; column < map.Width; column++)
                    {
                        int output = (sample * map.Size) + map.IndexOf(filter, row, column);
                        for (var channel = 0; channel < image.Channels; channel++)
                        {
                            for (var kernelRow = 0; kernelRow < block.Kernel; kernelRow++)
                            {
                                for (var kernelColumn = 0; kernelColumn < block.Kernel; kernelColumn++)
                                {
                                    int imageRow = (row * block.Stride) + kernelRow - block.Padding;
                                    int imageColumn = (column * block.Stride) + kernelColumn - block.Padding;
                                    if (imageRow >= 0 && imageRow < image.Height && imageColumn >= 0 && imageColumn < image.Width)
                                    {
                                        int input = (sample * image.Size) + image.IndexOf(channel, imageRow, imageColumn);
                                        int weight = (filter * block.FanIn)
                                            + (((channel * block.Kernel) + kernelRow) * block.Kernel) + kernelColumn;
                                        use(output, input, weight);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
