using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

/// <summary>A network with random parameters (feedback and biases too) and a random batch: nothing is zero by luck.</summary>
internal sealed class SmallProblem
{
    public SmallProblem(string topology, ActivationFunction activation, TrainingOptions options, int batchSize, int seed = 1)
    {
        var random = new Random(seed);
        Network = Topology.Parse(topology, activation);
        Options = options;
        BatchSize = batchSize;
        Inputs = Draw(random, batchSize * Network.InputSize, 1);
        Labels = [.. Enumerable.Range(0, batchSize).Select(_ => random.Next(Network.OutputSize))];
        Parameters = new NetworkParameters([.. Network.Blocks.Select((block, index) => new BlockParameters(
            Draw(random, block.Inputs * block.Outputs, 1.5 / Math.Sqrt(block.Inputs)),
            Draw(random, block.Outputs, 0.3),
            Draw(random, options.Rule.FeedbackRows(Network, index + 1) * block.Outputs, 0.5))
        {
            Head = options.Rule.HasLocalHead(Network, index + 1)
                ? new LocalHead(Draw(random, Network.OutputSize * block.Outputs, 0.5), Draw(random, Network.OutputSize, 0.3))
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

    private static double[] Draw(Random random, int count, double bound) =>
        [.. Enumerable.Range(0, count).Select(_ => bound * (2 * random.NextDouble() - 1))];
}
