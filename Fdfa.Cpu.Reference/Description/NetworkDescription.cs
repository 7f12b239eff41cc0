namespace Fdfa.Cpu.Reference.Description;

/// <summary>What a network is, without any of its numbers: blocks 1…L, block L being the linear output.</summary>
public sealed class NetworkDescription
{
    /// <summary>Describes a dense network.</summary>
    /// <param name="layerSizes">n₀, n₁, …, n_L: the input size, then each block's outputs.</param>
    /// <param name="hiddenActivation">σ of the hidden blocks.</param>
    /// <exception cref="TopologyException">Fewer than two sizes, or a size below one.</exception>
    public NetworkDescription(IReadOnlyList<int> layerSizes, ActivationFunction hiddenActivation = ActivationFunction.ReLU)
    {
        ArgumentNullException.ThrowIfNull(layerSizes);
        Topology = string.Join('-', layerSizes);
        if (layerSizes.Count < 2)
        {
            throw new TopologyException(
                $"The topology '{Topology}' has {layerSizes.Count} layer size(s); give at least an input and an output size, such as 784-10.");
        }

        if (layerSizes.FirstOrDefault(size => size < 1, 1) is var bad && bad < 1)
        {
            throw new TopologyException($"The topology '{Topology}' has a layer of size {bad}; every size must be at least 1.");
        }

        HiddenActivation = hiddenActivation;
        Blocks = [.. layerSizes.Skip(1).Select((outputs, index) => new DenseBlock(
            layerSizes[index],
            outputs,
            index == layerSizes.Count - 2 ? ActivationFunction.Identity : hiddenActivation))];
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
