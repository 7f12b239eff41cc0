using System.Globalization;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>The numbers that a network starts from.</summary>
/// <remarks>
/// Element e of a block (weights row-major, then biases; feedback by itself) takes the 32-bit word x of its counter:
/// <code>
/// v = ((x >> 8) + 0.5)·2⁻²⁴ ∈ (0, 1),   value = (float)(bound·(2v − 1))
/// </code>
/// Rounded to float and kept as double, so that a float device starts from the identical numbers. Batch normalization starts at γ = 1,
/// β = 0, mean 0 and variance 1.
/// </remarks>
public static class Initialiser
{
    /// <summary>Creates all parameters of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">Says how weights and feedback start, and whether the rule has feedback.</param>
    /// <param name="seed">The run's seed.</param>
    /// <returns>Fresh arrays; feedback is empty in the output block and for rules without feedback.</returns>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    /// <exception cref="TopologyException">A matrix has more elements than an array can hold.</exception>
    public static NetworkParameters Create(NetworkDescription network, TrainingOptions options, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return new NetworkParameters([.. Enumerable.Range(1, network.Blocks.Count)
            .Select(l => CreateBlock(network, options, seed, l))]);
    }

    private static BlockParameters CreateBlock(NetworkDescription network, TrainingOptions options, ulong seed, int l)
    {
        Block block = network.Blocks[l - 1];
        var (weights, biases) = CreateLinear(
            network, options, seed, RandomPurpose.WeightInitialisation, l, block.Channels, block.FanIn, block.BiasCount);
        var (feedbackRows, feedbackColumns) = options.Rule.FeedbackShape(network, l, options.PerturbationSite);
        double[] feedback = CreateMatrix(feedbackRows, feedbackColumns, network);
        var feedbackStream = new RandomStream(seed, RandomPurpose.FeedbackInitialisation, l, Step: 0);
        FillUniform(feedback, feedbackStream, 0, Bound(options.FeedbackInitialisation, feedbackColumns));
        var parameters = new BlockParameters(weights, biases, feedback)
        {
            Normalization = block.HasBatchNormalization ? StartOfNormalization(block.NormalizedChannels) : null,
        };
        if (!options.Rule.HasLocalHead(network, l))
        {
            return parameters;
        }

        var (headWeights, headBiases) = CreateLinear(
            network, options, seed, RandomPurpose.HeadInitialisation, l, network.OutputSize, block.Outputs, network.OutputSize);
        return parameters with { Head = new LocalHead(headWeights, headBiases) };
    }

    private static (double[] Weights, double[] Biases) CreateLinear(
        NetworkDescription network, TrainingOptions options, ulong seed, RandomPurpose purpose, int l, int rows, int columns, int biasCount)
    {
        var stream = new RandomStream(seed, purpose, l, Step: 0);
        double[] weights = CreateMatrix(rows, columns, network);
        FillUniform(weights, stream, 0, Bound(options.WeightInitialisation, columns));
        var biases = new double[biasCount];
        if (!options.BiasesStartAtZero)
        {
            FillUniform(biases, stream, weights.Length, Bound(Initialisation.PyTorchDefault, columns));
        }

        return (weights, biases);
    }

    private static Normalization StartOfNormalization(int channels) => new(
        [.. Enumerable.Repeat(1.0, channels)], new double[channels], new double[channels], [.. Enumerable.Repeat(1.0, channels)]);

    private static double[] CreateMatrix(int rows, int columns, NetworkDescription network)
    {
        long count = (long)rows * columns;
        return count <= Array.MaxLength
            ? new double[count]
            : throw new TopologyException(string.Create(
                CultureInfo.InvariantCulture,
                $"The topology {QuotedText.Of(network.Topology)} needs a matrix of {rows} × {columns} numbers; "
                + $"at most {Array.MaxLength} fit, so make a layer smaller."));
    }

    /// <summary>
    /// The columns of B⁽ˡ⁾ are what it sends errors to: its fan_in is their number, as for the weights whose place it takes.
    /// </summary>
    private static double Bound(Initialisation initialisation, int fanIn) => initialisation switch
    {
        Initialisation.Zeros => 0,
        Initialisation.KaimingUniform => Math.Sqrt(6.0 / fanIn),
        Initialisation.PyTorchDefault => 1 / Math.Sqrt(fanIn),
        _ => throw InvalidOptionException.UnknownValue("initialisation", initialisation),
    };

    private static void FillUniform(double[] values, RandomStream stream, long firstElement, double bound)
    {
        if (bound == 0)
        {
            return;
        }

        for (var i = 0; i < values.Length; i++)
        {
            double v = ((stream.WordAt(firstElement + i, row: 0) >> 8) + 0.5) / (1 << 24);
            values[i] = (float)(bound * (2 * v - 1));
        }
    }
}
