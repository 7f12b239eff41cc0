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
    {
        ArgumentNullException.ThrowIfNull(layerSizes);
        if (layerSizes.Count is < 2 or > MaximumBlocks + 1)
        {
            throw new TopologyException(string.Create(
                CultureInfo.InvariantCulture,
                $"The topology has {layerSizes.Count} layer size(s); give an input size and 1 to {MaximumBlocks} blocks, such as 784-800-10."));
        }

        int[] sizes = [.. layerSizes];
        Topology = string.Join('-', sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)));
        if (Array.FindIndex(sizes, size => size is < 1 or > MaximumSize) is var index and >= 0)
        {
            throw new TopologyException(string.Create(
                CultureInfo.InvariantCulture,
                $"The topology {QuotedText.Of(Topology)} has {sizes[index]} as layer size {index + 1}; give a number from 1 to {MaximumSize}."));
        }

        if (!Enum.IsDefined(hiddenActivation))
        {
            throw InvalidOptionException.UnknownValue("activation", hiddenActivation);
        }

        HiddenActivation = hiddenActivation;
        int blockCount = sizes.Length - 1;
        Blocks = [.. Enumerable.Range(1, blockCount).Select(l => new DenseBlock(
            sizes[l - 1], sizes[l], l == blockCount ? ActivationFunction.Identity : hiddenActivation))];
    }

    /// <summary>The notation of this network, as in "784-800-10".</summary>
    public string Topology { get; }

    /// <summary>σ of the hidden blocks.</summary>
    public ActivationFunction HiddenActivation { get; }

    /// <summary>Blocks 1…L; <c>Blocks[l - 1]</c> is the paper's layer l.</summary>
    public IReadOnlyList<DenseBlock> Blocks { get; }

    /// <summary>n₀: values per input sample.</summary>
    public int InputSize => Blocks[0].Inputs;

    /// <summary>n_L: outputs, one per class.</summary>
    public int OutputSize => Blocks[^1].Outputs;

    /// <summary>Weights and biases of all blocks (Table B.5's "N. Params.").</summary>
    public long ParameterCount => Blocks.Sum(block => block.ParameterCount);

    /// <summary>Hidden and output neurons (Table B.5's "N. Neurons").</summary>
    public long NeuronCount => Blocks.Sum(block => (long)block.Outputs);

    /// <inheritdoc/>
    public override string ToString() => $"{Topology} ({HiddenActivation})";
}
