using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

/// <summary>A network with random parameters (feedback and biases too) and a random batch: nothing is zero by luck.</summary>
internal sealed class SmallProblem
{
    public SmallProblem(string topology, ActivationFunction activation, TrainingOptions options, int batchSize, int seed = 1,
        ImageShape? inputShape = null, bool batchNormalization = false)
    {
        var random = new Random(seed);
        Network = Topology.Parse(topology, activation, inputShape, batchNormalization);
        Options = options;
        BatchSize = batchSize;
        Inputs = Draw(random, batchSize * Network.InputSize, 1);
        Labels = [.. Enumerable.Range(0, batchSize).Select(_ => random.Next(Network.OutputSize))];
        Parameters = new NetworkParameters([.. Network.Blocks.Select((block, index) => new BlockParameters(
            Draw(random, block.Channels * block.FanIn, 1.5 / Math.Sqrt(block.FanIn)),
            Draw(random, block.BiasCount, 0.3),
            DrawFeedback(random, index + 1))
        {
            Head = options.Rule.HasLocalHead(Network, index + 1)
                ? new LocalHead(Draw(random, Network.OutputSize * block.Outputs, 0.5), Draw(random, Network.OutputSize, 0.3))
                : null,
            Normalization = block.HasBatchNormalization
                ? new Normalization(
                    [.. Draw(random, block.Channels, 0.5).Select(value => 1 + value)],
                    Draw(random, block.Channels, 0.5),
                    Draw(random, block.Channels, 0.5),
                    [.. Draw(random, block.Channels, 0.5).Select(value => 1 + value)])
                : null,
        })]);
    }

    public NetworkDescription Network { get; }

    public TrainingOptions Options { get; }

    public NetworkParameters Parameters { get; }

    public int BatchSize { get; }

    public double[] Inputs { get; }

    public int[] Labels { get; }

    public ReferenceNetwork CreateNetwork(TrainingOptions? options = null, ulong seed = 7) =>
        new(Network, options ?? Options, Parameters, seed);

    private double[] DrawFeedback(Random random, int l)
    {
        var (rows, columns) = Options.Rule.FeedbackShape(Network, l, Options.PerturbationSite);
        return Draw(random, rows * columns, 0.5);
    }

    private static double[] Draw(Random random, int count, double bound) =>
        [.. Enumerable.Range(0, count).Select(_ => bound * (2 * random.NextDouble() - 1))];
}
