using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Exchange;

/// <summary>Weights of a size that keeps activations near 1, every array drawn, the statistics of batch normalization among them.</summary>
internal static class SomeWeights
{
    /// <param name="network">Whose.</param>
    /// <param name="options">Which feedback and heads they have besides; none by default.</param>
    public static NetworkParameters Of(NetworkDescription network, TrainingOptions? options = null)
    {
        var random = new Random(5);
        LearningRule rule = options?.Rule ?? LearningRule.Backpropagation;
        return new NetworkParameters([.. network.Blocks.Select((block, index) =>
        {
            var (rows, columns) = rule.FeedbackShape(network, index + 1, options?.EffectiveSite ?? PerturbationSite.BlockOutput);
            return new BlockParameters(
                Draw(block.Channels * block.FanIn, 0, Math.Sqrt(6.0 / block.FanIn)), Draw(block.BiasCount, 0, 0.1),
                Draw(rows * columns, 0, 1))
            {
                Head = rule.HasLocalHead(network, index + 1)
                    ? new LocalHead(Draw(network.OutputSize * block.Outputs, 0, 1), Draw(network.OutputSize, 0, 0.1))
                    : null,
                Normalization = block.HasBatchNormalization
                    ? new Normalization(
                        Draw(block.Channels, 1, 0.5), Draw(block.Channels, 0, 0.5), Draw(block.Channels, 0, 0.5),
                        Draw(block.Channels, 1, 0.5))
                    : null,
            };
        })]);

        // Numbers that single precision holds, so that files lose nothing.
        double[] Draw(int count, double middle, double distance)
        {
            var values = new double[count];
            for (var i = 0; i < count; i++)
            {
                values[i] = (float)(middle + (((2 * random.NextSingle()) - 1) * distance));
            }

            return values;
        }
    }
}
