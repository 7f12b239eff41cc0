using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Exchange;

/// <summary>Weights of a size that keeps activations near 1, every array drawn, the statistics of batch normalization among them.</summary>
internal static class SomeWeights
{
    /// <param name="network">Whose.</param>
    /// <param name="feedbackSize">Values of each hidden block's feedback, which no exchanged file may hold.</param>
    public static NetworkParameters Of(NetworkDescription network, int feedbackSize = 0)
    {
        var random = new Random(5);
        return new NetworkParameters([.. network.Blocks.Select(block => new BlockParameters(
            Draw(block.Channels * block.FanIn, 0, Math.Sqrt(6.0 / block.FanIn)), Draw(block.BiasCount, 0, 0.1), Draw(feedbackSize, 0, 1))
        {
            Normalization = block.HasBatchNormalization
                ? new Normalization(
                    Draw(block.Channels, 1, 0.5), Draw(block.Channels, 0, 0.5), Draw(block.Channels, 0, 0.5), Draw(block.Channels, 1, 0.5))
                : null,
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
