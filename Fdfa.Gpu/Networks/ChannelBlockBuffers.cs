using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The device memory of a block with channels. Layouts as in <see cref="ChannelBlockArguments"/>.</summary>
internal sealed class ChannelBlockBuffers : BlockBuffers
{
    private readonly ArrayView<float>[] _features = [default, default];
    private readonly ArrayView<float>[] _bordered = [default, default];
    private readonly bool _isLayerwise;
    private readonly PerturbationSite _site;
    private readonly int _siteSize;
    private readonly int _feedbackColumns;

    /// <param name="memory">Where buffers come from.</param>
    /// <param name="network">The network that the block belongs to.</param>
    /// <param name="l">The block, 1…L − 1.</param>
    /// <param name="options">Rule, optimizers, site and number of directions.</param>
    /// <param name="sampleCapacity">Samples that a step can take, a multiple of 16.</param>
    /// <param name="inputFeatureStride">Row stride of the features that the block reads.</param>
    public ChannelBlockBuffers(
        BufferSet memory, NetworkDescription network, int l, TrainingOptions options, int sampleCapacity, int inputFeatureStride)
        : base(memory, network.Blocks[l - 1], options, sampleCapacity)
    {
        var rule = options.Rule;
        var channels = (long)Block.Channels;
        Convolution = Block as ConvolutionBlock;
        var isAveraged = Convolution is { AdaptivePool: not null } averaging && averaging.Pooled != averaging.Output;
        Pool = Convolution?.Pool ?? (isAveraged ? new PoolWindow(1, 1) : null);
        OutputShape = Convolution?.Output ?? new ImageShape(Block.Channels, 1, 1);
        _isLayerwise = rule.ErrorSignal == ErrorSignal.LayerwiseFeedback;
        _site = rule.HasBackwardChain ? PerturbationSite.BlockOutput : options.EffectiveSite;
        _siteSize = Block.SizeAt(_site);
        IsPerturbed = options.Perturbs(isOutput: false);
        ChannelsPerGroup =
            (Convolution is null ? memory.Tiles?.RowsPerGroup(Block.Channels) : memory.Tiles?.ChannelsPerGroup(Block.Channels)) ?? 0;
        Offsets = memory.AllocateParameters(
            channels * ChannelBlockArguments.ChannelStride, Optimizer.Of(options.WeightOptimizer).MomentCount);
        RunningStatistics = memory.Allocate(
            Block.HasBatchNormalization ? channels * ChannelBlockArguments.ChannelStride : 0, BufferUse.Parameters);
        Gradients = memory.Allocate(channels * ChannelBlockArguments.ChannelStride);
        StatisticsStride = Padding.RoundUp(ChannelBlockArguments.StatisticsLength(Directions));
        Statistics = memory.Allocate(channels * StatisticsStride);
        var isWeightPerturbed = rule.Injection == Injection.Weights;
        FilterGradients = memory.Allocate(Convolution is not null || isWeightPerturbed ? channels * WeightStride : 0);
        OffsetNoise = memory.Allocate(isWeightPerturbed ? 2 * channels * Directions * sampleCapacity : 0);
        Map = memory.Allocate((long)Block.Preactivations * OutputFeatureStride);
        Choices = memory.Allocate(Pool is null ? 0 : (long)PooledShape.Size * sampleCapacity);
        Pooled = memory.Allocate(isAveraged ? (long)PooledShape.Size * OutputFeatureStride : 0);
        DeltaStride = rule.FollowsPerturbations ? Directions * sampleCapacity : sampleCapacity;
        if (options.HasDeltas(isOutput: false))
        {
            Deltas = memory.Allocate((long)Block.Preactivations * DeltaStride);
            SiteDeltas = _siteSize == Block.Preactivations ? Deltas : memory.Allocate((long)_siteSize * DeltaStride);
        }

        SiteChannelStride = Convolution is null ? 1 : Padding.RoundUp(SitePositions);
        (FeedbackRows, _feedbackColumns) = rule.FeedbackShape(network, l, _site);
        FeedbackStride = _isLayerwise
            ? Padding.RoundUp(network.Blocks[l].FanIn + 1)
            : Padding.RoundUp(checked(Block.Channels * SiteChannelStride));
        if (rule.HasFeedback)
        {
            Feedback = memory.AllocateParameters(
                FeedbackRows * (long)FeedbackStride, FeedbackMoments(options), BufferUse.Feedback);
        }

        SiteValues = memory.Allocate(rule.FeedbackUpdate switch
        {
            FeedbackUpdate.ForwardGradient => Directions * (long)sampleCapacity * FeedbackStride,
            FeedbackUpdate.KolenPollack => sampleCapacity * (long)FeedbackStride,
            FeedbackUpdate.None => 0,
            _ => throw InvalidOptionException.UnknownValue("feedback update", rule.FeedbackUpdate),
        });

        var next = network.Blocks[l];
        var hasHead = rule.HasLocalHead(network, l);
        NextPadding = (next as ConvolutionBlock)?.Padding ?? 0;
        if (next is DenseBlock || hasHead)
        {
            Outputs =
                [memory.AllocateSampleMajor(Block.Outputs, sampleCapacity), memory.AllocateSampleMajor(Block.Outputs, sampleCapacity)];
        }

        // A convolution above still needs the last step's when this block writes new ones; a dense block has them sample-major.
        var copies = next is ConvolutionBlock ? 2 : 1;
        if (NextPadding > 0)
        {
            Allocate(_bordered, copies, (long)OutputShape.Channels * OutputBorder.FullHeight * OutputBorder.FullWidth);
        }

        if (NextPadding == 0 || hasHead)
        {
            Allocate(_features, NextPadding == 0 ? copies : 1, Block.Outputs);
        }

        InputFeatureStride = inputFeatureStride;
        Taps = memory.AllocateTable(Block.FanIn);
        var inputHeight = (Convolution?.Input.Height ?? 1) + (2 * InputPadding);
        Write(
            Taps,
            Convolution?.Kernel ?? 1,
            (channel, y, x) => checked((((channel * inputHeight) + y) * InputWidth + x) * InputFeatureStride));
        if (Convolution is { } convolution && l > 1 && rule.HasBackwardChain)
        {
            // A filter's last tap sees the first pixel: what comes back to a pixel comes from a window that ends there.
            Spread = new ImageBorder
            {
                Height = convolution.Map.Height,
                Width = convolution.Map.Width,
                Size = convolution.Kernel - 1 - convolution.Padding,
                Spacing = convolution.Stride,
                FullHeight = convolution.Input.Height + convolution.Kernel - 1,
                FullWidth = convolution.Input.Width + convolution.Kernel - 1,
            };
            SpreadDeltas = memory.Allocate((long)Block.Channels * Spread.FullHeight * Spread.FullWidth * sampleCapacity);
            var taps = checked(Block.Channels * convolution.Kernel * convolution.Kernel);
            TransposedStride = Padding.RoundUp(taps);
            TransposedFilters = memory.Allocate((long)convolution.Input.Channels * TransposedStride);
            TransposedTaps = memory.AllocateTable(taps);
            var last = convolution.Kernel - 1;
            Write(TransposedTaps, convolution.Kernel, (filter, y, x) => checked(
                (((filter * Spread.FullHeight) + last - y) * Spread.FullWidth + last - x) * sampleCapacity));
        }

        void Allocate(ArrayView<float>[] views, int copies, long rows)
        {
            views[0] = memory.AllocateFeatureMajor(rows, OutputFeatureStride, sampleCapacity);
            views[1] = copies > 1 ? memory.AllocateFeatureMajor(rows, OutputFeatureStride, sampleCapacity) : views[0];
        }
    }

    /// <summary>The block, where it is a convolution; null where it is dense.</summary>
    public ConvolutionBlock? Convolution { get; }

    /// <summary>Max pooling behind the activation; null without. An average alone has windows of one value before it.</summary>
    public PoolWindow? Pool { get; }

    /// <summary>Shape behind max pooling.</summary>
    public ImageShape PooledShape => Convolution?.Pooled ?? OutputShape;

    /// <summary>Shape of the output; n × 1 × 1 in a dense block.</summary>
    public ImageShape OutputShape { get; }

    public int ChannelsPerGroup { get; }

    /// <inheritdoc/>
    public override int Groups => (Block.Channels + ChannelsPerGroup - 1) / ChannelsPerGroup;

    public OptimizedParameters Offsets { get; }

    public ArrayView<float> RunningStatistics { get; }

    public ArrayView<float> Gradients { get; }

    public ArrayView<float> FilterGradients { get; }

    public ArrayView<float> Statistics { get; }

    public int StatisticsStride { get; }

    public ArrayView<float> OffsetNoise { get; }

    public ArrayView<float> Map { get; }

    public ArrayView<float> Choices { get; }

    public ArrayView<float> Pooled { get; }

    public ArrayView<float> SiteDeltas { get; }

    public ArrayView<float> SiteValues { get; }

    public ArrayView<int> Taps { get; }

    /// <summary>Whether the error arrives at a⁽ˡ⁾.</summary>
    public bool IsSitePreactivation => _site == PerturbationSite.PreActivation;

    /// <summary>Whether the error arrives behind a pool.</summary>
    public bool IsSitePooled => _site == PerturbationSite.BlockOutput && Pool is not null;

    /// <summary>Values of a channel where the error arrives.</summary>
    public int SitePositions => _siteSize / Block.Channels;

    /// <summary>Columns of B per channel.</summary>
    public int SiteChannelStride { get; }

    /// <summary>Zeros that the next block wants around the outputs.</summary>
    public int NextPadding { get; }

    /// <summary>Those zeros.</summary>
    public ImageBorder OutputBorder => ImageBorder.Around(OutputShape.Height, OutputShape.Width, NextPadding);

    /// <summary>∂z among zeros, as the link of a backward chain below reads it; empty where there is none, or it is dense.</summary>
    public ArrayView<float> SpreadDeltas { get; }

    /// <summary>Where ∂z is there.</summary>
    public ImageBorder Spread { get; }

    /// <summary>Filters as that link sees them: [input channels × filters · kernel · kernel].</summary>
    public ArrayView<float> TransposedFilters { get; }

    /// <summary>Row stride of <see cref="TransposedFilters"/>.</summary>
    public int TransposedStride { get; }

    /// <summary>Where the link's taps are in <see cref="SpreadDeltas"/>.</summary>
    public ArrayView<int> TransposedTaps { get; }

    /// <summary>Row stride of the features that the block reads.</summary>
    public int InputFeatureStride { get; }

    /// <summary>Zeros around the input.</summary>
    private int InputPadding => Convolution?.Padding ?? 0;

    /// <summary>Columns of the input with its zeros.</summary>
    public int InputWidth => (Convolution?.Input.Width ?? 1) + (2 * InputPadding);

    /// <summary>
    /// Whether a block is one: a convolution, or dense with batch normalization or with an error that arrives before the activation.
    /// </summary>
    public static bool Holds(Block block, bool isOutput, TrainingOptions options) =>
        !isOutput
        && (block is ConvolutionBlock
            || block.HasBatchNormalization
            || (options.EffectiveSite == PerturbationSite.PreActivation && !options.Rule.HasBackwardChain
                && options.Rule.Injection != Injection.Weights));

    /// <inheritdoc/>
    /// <remarks>Empty where only a convolution with padding reads them.</remarks>
    public override ArrayView<float> Features(long step) => _features[step & 1];

    /// <inheritdoc/>
    public override ArrayView<float> FeaturesForNext(long step) => NextPadding > 0 ? _bordered[step & 1] : _features[step & 1];

    /// <inheritdoc/>
    public override double[] ReadOutputs(int replica, int direction, int samples, long step) => ReadTransposed(
        FeaturesForNext(step), replica, OutputFeatureStride, (direction + 1) * SampleCapacity, samples, OutputBorder.RowOf, Block.Outputs);

    /// <inheritdoc/>
    public override DeviceTensor Locate(ModelPart part) => part switch
    {
        ModelPart.Weights => Tensor(Weights, Block.Channels, WeightStride, Block.FanIn),
        ModelPart.Biases or ModelPart.Scale => Line(Offsets, 0),
        ModelPart.Shift => Line(Offsets, 1),
        ModelPart.RunningMean => Line(new OptimizedParameters { Values = RunningStatistics }, 0),
        ModelPart.RunningVariance => Line(new OptimizedParameters { Values = RunningStatistics }, 1),
        ModelPart.Feedback when _isLayerwise => Tensor(Feedback, FeedbackRows, FeedbackStride, _feedbackColumns),
        ModelPart.Feedback => Tensor(Feedback, FeedbackRows, FeedbackStride, _feedbackColumns) with
        {
            RunLength = SitePositions,
            RunStride = SiteChannelStride,
        },
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "A block has no such array."),
    };

    /// <inheritdoc/>
    public override BlockParameters Read(int replica)
    {
        var weights = Widen(ReadReplica(Weights.Values, replica), Block.Channels, WeightStride, Block.FanIn);
        var offsets = ReadReplica(Offsets.Values, replica);
        var feedback = ReadReplica(Feedback.Values, replica);
        var parameters = new BlockParameters(
            weights,
            Block.HasBatchNormalization ? [] : Numbers(offsets, 0),
            feedback.Length == 0 ? [] : Widen(feedback, FeedbackRows, FeedbackStride, _feedbackColumns, FeedbackColumn));
        if (!Block.HasBatchNormalization)
        {
            return parameters;
        }

        var running = ReadReplica(RunningStatistics, replica);
        return parameters with
        {
            Normalization = new Normalization(Numbers(offsets, 0), Numbers(offsets, 1), Numbers(running, 0), Numbers(running, 1)),
        };
    }

    /// <inheritdoc/>
    public override void Write(int replica, BlockParameters parameters)
    {
        WriteReplica(Weights.Values, replica, Narrow(parameters.Weights, Block.Channels, WeightStride, Block.FanIn));
        if (parameters.Normalization is { } numbers)
        {
            WriteReplica(Offsets.Values, replica, Lines(numbers.Scale, numbers.Shift));
            WriteReplica(RunningStatistics, replica, Lines(numbers.RunningMean, numbers.RunningVariance));
        }
        else
        {
            WriteReplica(Offsets.Values, replica, Lines(parameters.Biases, null));
        }

        if (Feedback.Values.Length > 0)
        {
            WriteReplica(
                Feedback.Values, replica, Narrow(parameters.Feedback, FeedbackRows, FeedbackStride, _feedbackColumns, FeedbackColumn));
        }
    }

    // Direct feedback has a column per value at the site, a channel's rounded up; layerwise feedback is laid out as the next block's
    // weights.
    private int FeedbackColumn(int column) =>
        _isLayerwise ? column : (column / SitePositions * SiteChannelStride) + (column % SitePositions);

    private DeviceTensor Line(in OptimizedParameters lines, int place) =>
        Tensor(lines, Block.Channels, ChannelBlockArguments.ChannelStride, 1) with { Offset = place };

    private double[] Numbers(float[] lines, int place) =>
        [.. Enumerable.Range(0, Block.Channels).Select(channel => (double)lines[(channel * ChannelBlockArguments.ChannelStride) + place])];

    private float[] Lines(double[] first, double[]? second)
    {
        var lines = new float[Block.Channels * ChannelBlockArguments.ChannelStride];
        for (var channel = 0; channel < Block.Channels; channel++)
        {
            lines[channel * ChannelBlockArguments.ChannelStride] = (float)first[channel];
            lines[(channel * ChannelBlockArguments.ChannelStride) + 1] = (float)(second?[channel] ?? 0);
        }

        return lines;
    }

    /// <summary>Writes a table of taps (channel · kernel + y) · kernel + x, which all replicas share.</summary>
    private static void Write(ArrayView<int> table, int kernel, Func<int, int, int, int> offsetOf)
    {
        if (table.Length > 0)
        {
            table.CopyFromCPU([.. Enumerable.Range(0, (int)table.Length).Select(tap =>
                offsetOf(tap / (kernel * kernel), tap / kernel % kernel, tap % kernel))]);
        }
    }
}
