using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Gpu.Training;

/// <summary>
/// A training run of the reference on random bytes (pixels where the network takes images), scaled to −1…1: what devices are compared with.
/// </summary>
internal sealed class ReferenceTrajectory
{
    private readonly ReferenceNetwork[] _networks;

    /// <summary>Trains one network per seed; the data ends in a partial batch.</summary>
    public ReferenceTrajectory(NetworkDescription network, TrainingOptions options, int steps, params ulong[] seeds)
    {
        Network = network;
        Options = options;
        Steps = steps;
        Seeds = seeds;
        var count = (2 * options.BatchSize) + ((options.BatchSize + 1) / 2);
        var random = new Random(1);
        Samples = new byte[count * network.InputSize];
        Labels = new byte[count];
        random.NextBytes(Samples);
        for (var i = 0; i < count; i++)
        {
            Labels[i] = (byte)random.Next(network.OutputSize);
        }

        _networks = [.. seeds.Select(seed => new ReferenceNetwork(network, options, Initialiser.Create(network, options, seed), seed))];
        LastResults = [.. Enumerable.Range(0, seeds.Length).Select(Train)];
    }

    public NetworkDescription Network { get; }

    public TrainingOptions Options { get; }

    public int Steps { get; }

    public IReadOnlyList<ulong> Seeds { get; }

    public byte[] Samples { get; }

    public byte[] Labels { get; }

    /// <summary>What the last step computed, per seed.</summary>
    public IReadOnlyList<StepResult> LastResults { get; }

    public int StepsPerEpoch => (Labels.Length + Options.BatchSize - 1) / Options.BatchSize;

    /// <summary>The parameters after the last step.</summary>
    public NetworkParameters Parameters(int replica) => _networks[replica].Parameters;

    /// <summary>The loss over all samples with those parameters.</summary>
    public double Loss(int replica) =>
        _networks[replica].Evaluate(Inputs([.. Enumerable.Range(0, Labels.Length)]), [.. Labels.Select(label => (int)label)]).Loss;

    /// <summary>The error that a comparison with it is judged by.</summary>
    /// <remarks>
    /// After one step with an adaptive optimizer, parameters count where the step is well conditioned: it is the sign of the gradient.
    /// After more, deltas and loss do not count: training can take the error away until nothing but rounding is left of it.
    /// </remarks>
    public double ErrorOf(Discrepancy one) => Steps switch
    {
        1 when Optimizer.Of(Options.WeightOptimizer).IsAdaptive => one.WellConditionedError,
        > 1 when one.Quantity is Quantity.Deltas or Quantity.Loss => 0,
        _ => one.RelativeError,
    };

    private StepResult Train(int replica)
    {
        StepResult? result = null;
        for (var step = 0; step < Steps; step++)
        {
            var epoch = step / StepsPerEpoch;
            var begin = step % StepsPerEpoch * Options.BatchSize;
            var order = EpochOrder.Create(Labels.Length, Seeds[replica], epoch);
            var batch = order[begin..Math.Min(begin + Options.BatchSize, order.Length)];
            result = _networks[replica].Step(Inputs(batch), [.. batch.Select(sample => (int)Labels[sample])], epoch);
        }

        return result ?? throw new ArgumentOutOfRangeException(nameof(replica), "A trajectory has at least one step.");
    }

    private double[] Inputs(int[] batch) => [.. batch.SelectMany(sample => Enumerable
        .Range(sample * Network.InputSize, Network.InputSize)
        .Select(index => (Samples[index] * 2.0 / 255.0) - 1.0))];
}
