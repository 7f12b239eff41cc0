using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>A network with random parameters (feedback and biases too) and a random batch: nothing is zero by luck.</summary>
public sealed record SmallProblem
{
    public SmallProblem(string topology, ActivationFunction activation, TrainingOptions options, int batchSize, int seed = 1,
        ImageShape? inputShape = null, bool batchNormalization = false)
    {
        var random = new Random(seed);
        Network = Topology.Parse(topology, activation, inputShape, batchNormalization);
        Options = options;
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

    public TrainingOptions Options { get; init; }

    public NetworkParameters Parameters { get; init; }

    public double[] Inputs { get; init; }

    public int[] Labels { get; init; }

    public int BatchSize => Labels.Length;

    public LabelledBatch Batch => new(Inputs, Labels);

    public ReferenceNetwork CreateNetwork(TrainingOptions? options = null, ulong seed = 7) =>
        new(Network, options ?? Options, Parameters, seed);

    public GradientEstimator Estimator(ulong seed = 3) => new(Network, Options, Parameters, seed);

    /// <summary>The first step of a new network.</summary>
    public StepResult Step(ulong seed = 7) => CreateNetwork(seed: seed).Step(Inputs, Labels, epoch: 0);

    /// <summary>The network's definition, in which blocks move at the site of the options.</summary>
    public ShiftedNetwork Definition(bool isFrozen = false) => new(Network, Parameters, Inputs, Options.EffectiveSite, isFrozen);

    /// <summary>A step up to its output error, with whichever statistics.</summary>
    public TrainingStep Begin(bool isFrozen = false)
    {
        ForwardPass forward = NetworkForward.Run(
            Network, Parameters, Inputs, BatchSize, isFrozen ? NormalizationStatistics.Running : NormalizationStatistics.Batch);
        var error = new double[forward.Outputs.Length];
        ILoss loss = LossCatalogue.Find(Options.Loss);
        loss.Evaluate(forward.Outputs, Labels, error);
        return new TrainingStep(Parameters, Options, loss, forward, Labels, error, new PerturbationNoise(11, 0, Options.Noise));
    }

    /// <summary>
    /// With B⁽ˡ⁾ = W⁽ˡ⁺¹⁾ in every hidden block: what layerwise feedback, and direct feedback of the penultimate block, stands for.
    /// </summary>
    public SmallProblem WithWeightsAsFeedback(double factor = 1) => this with
    {
        Parameters = new([.. Parameters.Blocks.Select((block, index) => index + 1 == Parameters.Blocks.Count
            ? block
            : block with { Feedback = [.. Parameters.Blocks[index + 1].Weights.Select(w => factor * w)] })]),
    };

    public override string ToString() => $"{Network}, {BatchSize} samples, {Options}";

    private double[] DrawFeedback(Random random, int l)
    {
        var (rows, columns) = Options.Rule.FeedbackShape(Network, l, Options.PerturbationSite);
        return Draw(random, rows * columns, 0.5);
    }

    private static double[] Draw(Random random, int count, double bound) =>
        [.. Enumerable.Range(0, count).Select(_ => bound * (2 * random.NextDouble() - 1))];
}
