using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

/// <summary>
/// The network as a function of shifts of its blocks' outputs, y⁽ˡ⁾ = σ(a⁽ˡ⁾) + shift⁽ˡ⁾, written a second time
/// from the definition so that the tests do not check the reference with itself.
/// </summary>
internal static class ShiftedNetwork
{
    /// <summary>Outputs [N × n_L]; <paramref name="preactivations"/> receives every a of every block, in order.</summary>
    public static double[] Outputs(
        NetworkDescription network, NetworkParameters parameters, double[] inputs, int batchSize,
        IReadOnlyList<double[]?> directions, double distance, List<double>? preactivations = null)
    {
        var outputs = new List<double>();
        for (var sample = 0; sample < batchSize; sample++)
        {
            double[] y = inputs[(sample * network.InputSize)..((sample + 1) * network.InputSize)];
            for (var l = 0; l < network.Blocks.Count; l++)
            {
                DenseBlock block = network.Blocks[l];
                var next = new double[block.Outputs];
                for (var i = 0; i < block.Outputs; i++)
                {
                    double a = parameters.Blocks[l].Biases[i];
                    for (var j = 0; j < block.Inputs; j++)
                    {
                        a += parameters.Blocks[l].Weights[i * block.Inputs + j] * y[j];
                    }

                    preactivations?.Add(a);
                    next[i] = block.Activation switch
                    {
                        ActivationFunction.ReLU or ActivationFunction.ReLUOpenAtZero => a > 0 ? a : 0,
                        ActivationFunction.Tanh => Math.Tanh(a),
                        ActivationFunction.Identity => a,
                        _ => throw new NotSupportedException($"The definition of {block.Activation} is missing here."),
                    };
                    next[i] += distance * (directions[l]?[sample * block.Outputs + i] ?? 0);
                }

                y = next;
            }

            outputs.AddRange(y);
        }

        return [.. outputs];
    }

    /// <summary>The derivative of the outputs along the directions, by central differences.</summary>
    public static double[] CentralDifference(
        NetworkDescription network, NetworkParameters parameters, double[] inputs, int batchSize,
        IReadOnlyList<double[]?> directions, double distance)
    {
        double[] ahead = Outputs(network, parameters, inputs, batchSize, directions, distance);
        double[] behind = Outputs(network, parameters, inputs, batchSize, directions, -distance);
        return [.. ahead.Zip(behind, (plus, minus) => (plus - minus) / (2 * distance))];
    }
}
