using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>What a network is, without any of its numbers: blocks 1…L, block L being the linear output.</summary>
public sealed class NetworkDescription
{
    /// <summary>The largest size of a layer; above it a number is a typing slip or an attack.</summary>
    public const int MaximumSize = 1_000_000;

    /// <summary>The largest L.</summary>
    public const int MaximumBlocks = 256;

    /// <summary>Describes a dense network.</summary>
    /// <param name="layerSizes">n₀, n₁, …, n_L: the input size, then each block's outputs.</param>
    /// <param name="hiddenActivation">σ of the hidden blocks.</param>
    /// <exception cref="TopologyException">
    /// Fewer than two sizes, more than <see cref="MaximumBlocks"/> blocks, or a size outside 1…<see cref="MaximumSize"/>.
    /// </exception>
    /// <exception cref="InvalidOptionException">The activation is none of <see cref="ActivationFunction"/>.</exception>
    public NetworkDescription(IReadOnlyList<int> layerSizes, ActivationFunction hiddenActivation = ActivationFunction.ReLU)
        : this(DenseBlocks(layerSizes, hiddenActivation), hiddenActivation)
    {
    }

    /// <summary>Describes a network of any blocks.</summary>
    /// <param name="blocks">Blocks 1…L; the last is dense and linear, without batch normalization.</param>
    /// <param name="hiddenActivation">σ of the hidden blocks, as the blocks themselves have it.</param>
    /// <param name="name">What the network is called instead of its notation, such as "alexnet-10"; null for the notation.</param>
    /// <exception cref="TopologyException">
    /// No block or more than <see cref="MaximumBlocks"/>, a block whose map or pool has nothing left (the message names it), blocks that do
    /// not fit each other, or an output block that is not linear.
    /// </exception>
    /// <exception cref="InvalidOptionException">The activation is none of <see cref="ActivationFunction"/>.</exception>
    public NetworkDescription(
        IReadOnlyList<Block> blocks, ActivationFunction hiddenActivation = ActivationFunction.ReLU, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        if (!Enum.IsDefined(hiddenActivation))
        {
            throw InvalidOptionException.UnknownValue("activation", hiddenActivation);
        }

        if (blocks.Count is < 1 or > MaximumBlocks)
        {
            throw new TopologyException(string.Create(
                CultureInfo.InvariantCulture, $"The network has {blocks.Count} blocks; give 1 to {MaximumBlocks}."));
        }

        Blocks = [.. blocks];
        HiddenActivation = hiddenActivation;
        string items = string.Join('-', Blocks.Select(block => block.Notation));
        Topology = name ?? (Blocks[0] is DenseBlock first ? string.Create(CultureInfo.InvariantCulture, $"{first.Inputs}-{items}") : items);
        for (var l = 1; l <= Blocks.Count; l++)
        {
            if (FindFault(l) is { } fault)
            {
                throw new TopologyException(string.Create(
                    CultureInfo.InvariantCulture, $"In the topology {QuotedText.Of(Topology)}, block {l} {fault}."));
            }
        }
    }

    /// <summary>The notation of this network, as in "784-800-10"; <see cref="Description.Topology"/> reads it again.</summary>
    public string Topology { get; }

    /// <summary>σ of the hidden blocks.</summary>
    public ActivationFunction HiddenActivation { get; }

    /// <summary>Blocks 1…L; <c>Blocks[l - 1]</c> is the paper's layer l.</summary>
    public IReadOnlyList<Block> Blocks { get; }

    /// <summary>Whether any block is normalized over its batch: then samples depend on each other.</summary>
    public bool HasBatchNormalization => Blocks.Any(block => block.HasBatchNormalization);

    /// <summary>The shape of an input sample; null where the first block is dense and does not ask.</summary>
    public ImageShape? InputShape => (Blocks[0] as ConvolutionBlock)?.Input;

    /// <summary>n₀: values per input sample.</summary>
    public int InputSize => Blocks[0].Inputs;

    /// <summary>n_L: outputs, one per class.</summary>
    public int OutputSize => Blocks[^1].Outputs;

    /// <summary>Weights, biases, γ and β of all blocks (Table B.5's "N. Params.").</summary>
    public long ParameterCount => Blocks.Sum(block => block.ParameterCount);

    /// <summary>Hidden and output neurons (Table B.5's "N. Neurons").</summary>
    public long NeuronCount => Blocks.Sum(block => (long)block.Outputs);

    /// <summary>Whether batch normalization leaves something of a step: of a channel with a single value it leaves nothing.</summary>
    /// <param name="samples">N, at least 1.</param>
    public bool CanNormalize(int samples) => Blocks.All(block => LeavesSomething(block, samples));

    /// <summary>Refuses steps of which batch normalization leaves nothing.</summary>
    /// <param name="samples">N, at least 1.</param>
    /// <exception cref="InvalidOptionException">There is a channel with a single value.</exception>
    public void RequireNormalizable(int samples)
    {
        if (Blocks.Index().FirstOrDefault(pair => !LeavesSomething(pair.Item, samples)) is { Item: not null } first)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"Block {first.Index + 1} of the network {QuotedText.WithoutQuotes(Topology)} cannot be normalized: "
                + $"its channels have one value each in a step of {samples} sample(s), and of one value the mean leaves nothing; "
                + $"give a batch size and training samples of at least 2, or no batch normalization."));
        }
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Topology} ({HiddenActivation}{(InputShape is { } shape ? $", input {shape}" : "")}"
        + $"{(HasBatchNormalization ? ", batch normalization" : "")})";

    private static bool LeavesSomething(Block block, int samples) => !block.HasBatchNormalization || (long)samples * block.Positions > 1;

    private static Block[] DenseBlocks(IReadOnlyList<int> layerSizes, ActivationFunction hiddenActivation)
    {
        ArgumentNullException.ThrowIfNull(layerSizes);
        if (layerSizes.Count is < 2 or > MaximumBlocks + 1)
        {
            throw new TopologyException(string.Create(
                CultureInfo.InvariantCulture,
                $"The topology has {layerSizes.Count} layer size(s); "
                + $"give an input size and 1 to {MaximumBlocks} blocks, such as 784-800-10."));
        }

        int[] sizes = [.. layerSizes];
        if (Array.FindIndex(sizes, size => size is < 1 or > MaximumSize) is var index and >= 0)
        {
            string topology = string.Join('-', sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)));
            throw new TopologyException(string.Create(
                CultureInfo.InvariantCulture,
                $"The topology {QuotedText.Of(topology)} has {sizes[index]} as layer size {index + 1}; "
                + $"give a number from 1 to {MaximumSize}."));
        }

        int blockCount = sizes.Length - 1;
        return [.. Enumerable.Range(1, blockCount).Select(l => new DenseBlock(
            sizes[l - 1], sizes[l], l == blockCount ? ActivationFunction.Identity : hiddenActivation))];
    }

    private string? FindFault(int l)
    {
        Block block = Blocks[l - 1];
        if (block.FindFault() is { } fault)
        {
            return fault;
        }

        if (l > 1 && block.Inputs != Blocks[l - 2].Outputs)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"takes {block.Inputs} inputs, but block {l - 1} gives {Blocks[l - 2].Outputs}; give both the same number");
        }

        if (l < Blocks.Count)
        {
            return block.Activation == HiddenActivation
                ? null
                : $"has the activation {block.Activation}; give all hidden blocks {HiddenActivation}";
        }

        return block is DenseBlock { Activation: ActivationFunction.Identity, HasBatchNormalization: false }
            ? null
            : $"is the output; give it a dense map with the activation {ActivationFunction.Identity} and no batch normalization";
    }
}
