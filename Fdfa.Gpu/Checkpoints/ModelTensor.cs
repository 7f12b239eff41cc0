using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>Which feedback a file has.</summary>
internal enum FeedbackLayout
{
    /// <summary>None.</summary>
    None,

    /// <summary>[n_L × values at the site], a convolution's as [n_L, channels, height, width].</summary>
    Direct,

    /// <summary>The shape of the next block's weights.</summary>
    Layerwise,
}

/// <summary>What an array of a block's parameters is.</summary>
internal enum ModelPart
{
    /// <summary>W.</summary>
    Weights,

    /// <summary>b.</summary>
    Biases,

    /// <summary>γ.</summary>
    Scale,

    /// <summary>β.</summary>
    Shift,

    /// <summary>μ̄.</summary>
    RunningMean,

    /// <summary>v̄.</summary>
    RunningVariance,

    /// <summary>B.</summary>
    Feedback,

    /// <summary>W of the block's local head.</summary>
    HeadWeights,

    /// <summary>b of the block's local head.</summary>
    HeadBiases,
}

/// <summary>One array of a network's parameters under its name in a file.</summary>
/// <param name="Name">As PyTorch would call it.</param>
/// <param name="Part">What it is.</param>
/// <param name="Block">The block's index, from 0.</param>
/// <param name="Shape">Row-major.</param>
/// <param name="ValuesOf">Takes the array from the block's parameters.</param>
/// <param name="Put">The parameters with this array instead.</param>
internal sealed record ModelTensor(
    string Name,
    ModelPart Part,
    int Block,
    int[] Shape,
    Func<BlockParameters, double[]> ValuesOf,
    Func<BlockParameters, double[], BlockParameters> Put) : FileTensor(Name, Shape)
{
    public const string FeedbackPrefix = "feedbacks.";
    public const string HeadPrefix = "heads.";
    private const string NormPrefix = "norms.";

    private static readonly string[] s_ourPrefixes = [NormPrefix, FeedbackPrefix, HeadPrefix];

    /// <summary>What batch normalization of PyTorch has besides: how many batches it has seen, on which nothing here depends.</summary>
    public const string IgnoredLeaf = "num_batches_tracked";

    /// <summary>All tensors of a network that is trained like this, in the order in which they are written.</summary>
    public static IReadOnlyList<ModelTensor> Of(NetworkDescription network, TrainingOptions options) => Of(
        network, LayoutOf(options.Rule), options.EffectiveSite, options.Rule.ErrorSignal == ErrorSignal.LocalForwardGradient);

    /// <summary>All tensors of a network, in the order in which they are written.</summary>
    /// <param name="network">The network.</param>
    /// <param name="feedback">Which feedback its hidden blocks have.</param>
    /// <param name="site">Where direct feedback arrives.</param>
    /// <param name="withHeads">Whether hidden blocks but the last one have heads.</param>
    public static IReadOnlyList<ModelTensor> Of(NetworkDescription network, FeedbackLayout feedback, PerturbationSite site, bool withHeads)
    {
        var blocks = Enumerable.Range(0, network.Blocks.Count);
        var tensors = blocks.SelectMany(index => OfBlock(network.Blocks[index], index));
        if (feedback != FeedbackLayout.None)
        {
            tensors = tensors.Concat(blocks.SkipLast(1).Select(index => OfFeedback(network, index, feedback, site)));
        }

        if (withHeads)
        {
            tensors = tensors.Concat(blocks.SkipLast(2).SelectMany(index => OfHead(network, index)));
        }

        return [.. tensors];
    }

    /// <summary>Whether a name is one that no state_dict of a plain nn.Sequential has.</summary>
    public static bool IsOurs(string name) => s_ourPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>What a file may have besides.</summary>
    public static IEnumerable<string> IgnoredNames(NetworkDescription network) => Enumerable
        .Range(0, network.Blocks.Count)
        .Where(index => network.Blocks[index].HasBatchNormalization)
        .Select(index => $"{NormPrefix}{index}.{IgnoredLeaf}");

    private static FeedbackLayout LayoutOf(LearningRule rule) => (rule.HasFeedback, rule.ErrorSignal) switch
    {
        (false, _) => FeedbackLayout.None,
        (true, ErrorSignal.LayerwiseFeedback) => FeedbackLayout.Layerwise,
        (true, ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets) => FeedbackLayout.Direct,
        (true, var other) => throw InvalidOptionException.UnknownValue("error signal of feedback", other),
    };

    private static IEnumerable<ModelTensor> OfBlock(Block block, int index)
    {
        yield return new(
            $"layers.{index}.weight", ModelPart.Weights, index, WeightShape(block), one => one.Weights,
            (one, values) => one with { Weights = values });
        if (block.BiasCount > 0)
        {
            yield return new(
                $"layers.{index}.bias", ModelPart.Biases, index, [block.BiasCount], one => one.Biases,
                (one, values) => one with { Biases = values });
        }

        if (!block.HasBatchNormalization)
        {
            yield break;
        }

        ModelTensor Norm(
            string name, ModelPart part, Func<Normalization, double[]> valuesOf, Func<Normalization, double[], Normalization> put) => new(
            $"{NormPrefix}{index}.{name}",
            part,
            index,
            [block.NormalizedChannels],
            one => valuesOf(one.Normalization!),
            (one, values) => one with { Normalization = put(one.Normalization ?? new Normalization([], [], [], []), values) });

        yield return Norm("weight", ModelPart.Scale, norm => norm.Scale, (norm, values) => norm with { Scale = values });
        yield return Norm("bias", ModelPart.Shift, norm => norm.Shift, (norm, values) => norm with { Shift = values });
        yield return Norm(
            "running_mean", ModelPart.RunningMean, norm => norm.RunningMean, (norm, values) => norm with { RunningMean = values });
        yield return Norm(
            "running_var", ModelPart.RunningVariance, norm => norm.RunningVariance,
            (norm, values) => norm with { RunningVariance = values });
    }

    private static ModelTensor OfFeedback(NetworkDescription network, int index, FeedbackLayout feedback, PerturbationSite site) => new(
        $"{FeedbackPrefix}{index}.weight",
        ModelPart.Feedback,
        index,
        feedback == FeedbackLayout.Layerwise
            ? WeightShape(network.Blocks[index + 1])
            : [network.OutputSize, .. ShapeAt(network.Blocks[index], site)],
        block => block.Feedback,
        (block, values) => block with { Feedback = values });

    private static IEnumerable<ModelTensor> OfHead(NetworkDescription network, int index)
    {
        ModelTensor Head(
            string name, ModelPart part, int[] shape, Func<LocalHead, double[]> valuesOf, Func<LocalHead, double[], LocalHead> put) => new(
            $"{HeadPrefix}{index}.{name}",
            part,
            index,
            shape,
            one => valuesOf(one.Head!),
            (one, values) => one with { Head = put(one.Head ?? new LocalHead([], []), values) });

        yield return Head(
            "weight", ModelPart.HeadWeights, [network.OutputSize, network.Blocks[index].Outputs], head => head.Weights,
            (head, values) => head with { Weights = values });
        yield return Head(
            "bias", ModelPart.HeadBiases, [network.OutputSize], head => head.Biases, (head, values) => head with { Biases = values });
    }

    private static int[] WeightShape(Block block) => block is ConvolutionBlock convolution
        ? [convolution.Filters, convolution.Input.Channels, convolution.Kernel, convolution.Kernel]
        : [block.Channels, block.FanIn];

    private static int[] ShapeAt(Block block, PerturbationSite site)
    {
        if (block is not ConvolutionBlock convolution)
        {
            return [block.SizeAt(site)];
        }

        var shape = site == PerturbationSite.BlockOutput ? convolution.Output : convolution.Map;
        return [shape.Channels, shape.Height, shape.Width];
    }
}
