using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Gpu.Exchange;

/// <summary>What a module computes.</summary>
internal enum ModuleKind
{
    /// <summary>W ∗ x + b.</summary>
    Convolution,

    /// <summary>Channels, rows and columns as one.</summary>
    Flatten,

    /// <summary>W x + b.</summary>
    Linear,

    /// <summary>Batch normalization.</summary>
    Normalization,

    /// <summary>σ.</summary>
    Activation,

    /// <summary>Max pooling.</summary>
    MaxPool,

    /// <summary>Adaptive average pooling.</summary>
    AveragePool,
}

/// <summary>A module of the nn.Sequential that computes what a network computes.</summary>
/// <param name="Kind">What it computes.</param>
/// <param name="Block">The block that it is a part of.</param>
/// <param name="Tensors">Its parameters and buffers under their names in the whole, such as "0.weight".</param>
internal sealed record PyTorchModule(ModuleKind Kind, Block Block, IReadOnlyList<ModelTensor> Tensors)
{
    /// <summary>What makes it in Python.</summary>
    public string Code => Kind switch
    {
        ModuleKind.Convolution => Call("Conv2d", (ConvolutionBlock)Block),
        ModuleKind.Flatten => "nn.Flatten()",
        ModuleKind.Linear => Call("Linear", $"{Block.Inputs}, {Block.Outputs}", Block.HasBatchNormalization ? ", bias=False" : ""),
        ModuleKind.Normalization => Call(Block is ConvolutionBlock ? "BatchNorm2d" : "BatchNorm1d", $"{Block.Channels}"),
        ModuleKind.Activation => Activation.Of(Block.Activation).PyTorch,
        ModuleKind.MaxPool =>
            Call("MaxPool2d", $"{((ConvolutionBlock)Block).Pool!.Value.Size}, stride={((ConvolutionBlock)Block).Pool!.Value.Stride}"),
        ModuleKind.AveragePool => Call("AdaptiveAvgPool2d", $"{((ConvolutionBlock)Block).AdaptivePool}"),
        _ => throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "There is no such module."),
    };

    /// <summary>
    /// All modules of a network, in their order; the input of convolutions is [N, channels, rows, columns], of dense layers [N, values].
    /// </summary>
    public static IReadOnlyList<PyTorchModule> Of(NetworkDescription network)
    {
        ILookup<string, ModelTensor> tensors = ModelTensor
            .Of(network, FeedbackLayout.None, PerturbationSite.BlockOutput, withHeads: false)
            .ToLookup(tensor => ModuleOf(tensor.Name));
        var modules = new List<PyTorchModule>();
        for (var index = 0; index < network.Blocks.Count; index++)
        {
            Block block = network.Blocks[index];
            if (block is DenseBlock && index > 0 && network.Blocks[index - 1] is ConvolutionBlock)
            {
                Add(ModuleKind.Flatten, block);
            }

            Add(block is ConvolutionBlock ? ModuleKind.Convolution : ModuleKind.Linear, block, $"layers.{index}");
            if (block.HasBatchNormalization)
            {
                Add(ModuleKind.Normalization, block, $"norms.{index}");
            }

            if (block.Activation != ActivationFunction.Identity)
            {
                Add(ModuleKind.Activation, block);
            }

            if (block is ConvolutionBlock { Pool: not null })
            {
                Add(ModuleKind.MaxPool, block);
            }

            if (block is ConvolutionBlock { AdaptivePool: not null })
            {
                Add(ModuleKind.AveragePool, block);
            }
        }

        return modules;

        void Add(ModuleKind kind, Block block, string name = "") => modules.Add(new(
            kind, block,
            [.. tensors[name].Select(tensor => tensor with
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"{modules.Count}.{LeafOf(tensor.Name)}"),
            })]));
    }

    /// <summary>The module in a tensor's name: what stands before the last dot.</summary>
    public static string ModuleOf(string tensor) => tensor[..Math.Max(0, tensor.LastIndexOf('.'))];

    /// <summary>What a tensor is in its module: what stands behind the last dot.</summary>
    public static string LeafOf(string tensor) => tensor[(tensor.LastIndexOf('.') + 1)..];

    private static string Call(string module, FormattableString arguments, string further = "") =>
        $"nn.{module}({FormattableString.Invariant(arguments)}{further})";

    private static string Call(string module, ConvolutionBlock block)
    {
        string stride = block.Stride == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", stride={block.Stride}");
        string padding = block.Padding == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", padding={block.Padding}");
        string bias = block.HasBatchNormalization ? ", bias=False" : "";
        return Call(module, $"{block.Input.Channels}, {block.Filters}, {block.Kernel}", stride + padding + bias);
    }
}
