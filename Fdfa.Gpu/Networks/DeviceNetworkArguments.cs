using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <content>What each launch of a step is told: buffers, strides and the numbers of the step.</content>
internal sealed partial class DeviceNetwork
{
    private LossArguments LossArguments(Stage stage, LossBuffers loss, in ForwardPass pass, in MetricsTarget metrics) => new()
    {
        InverseSamples = pass.Samples > 0 ? 1f / pass.Samples : 0f,
        InverseDirections = pass.Directions > 0 ? 1f / pass.Directions : 0f,
        BatchLabels = stage.Labels[_step & 1],
        SampleMetrics = loss.SampleMetrics,
        Metrics = metrics.View,
        MetricsCapacity = metrics.Capacity,
        MetricsIndex = metrics.Index,
        Targets = loss.Targets,
    };

    private DenseBlockArguments DenseArguments(Stage stage, DenseBlockBuffers block, int index, in ForwardPass pass) =>
        DenseArguments(stage, block, index, _buffers.Heads[index]?.Loss ?? stage.Loss, pass) with
        {
            FeedbackRows = block.FeedbackRows,
            Feedback = block.Feedback,
            Deltas = block.Deltas,
            Perturbations = block.Perturbations,
            ArrivingTangents = block.ArrivingTangents,
            OutputError = index < LastIndex ? ProjectedError(stage) : stage.Loss.Error,
        };

    private DenseBlockArguments HeadArguments(Stage stage, HeadBuffers head, int index, in ForwardPass pass)
    {
        var arguments = DenseArguments(stage, head.Block, index + 1, head.Loss, pass) with { OutputError = head.Loss.Error };
        arguments.Forward.InputHasTangents = pass.Directions > 0 ? 1 : 0;
        arguments.Forward.InputFeatures = Blocks[index].Features(_step);
        return arguments;
    }

    /// <summary>What every dense block and head has; <paramref name="index"/> says whose input it shares.</summary>
    private DenseBlockArguments DenseArguments(
        Stage stage, DenseBlockBuffers block, int index, LossBuffers loss, in ForwardPass pass) => new()
        {
            Inputs = block.Block.Inputs,
            Outputs = block.Block.Outputs,
            SampleCapacity = SampleCapacity,
            InputStride = block.WeightStride,
            OutputStride = block.OutputStride,
            DeltaStride = block.DeltaStride,
            InputFeatureStride = index == 0 ? SampleCapacity : Blocks[index - 1].OutputFeatureStride,
            OutputFeatureStride = block.OutputFeatureStride,
            RowsPerGroup = block.RowsPerGroup,
            Weights = block.Weights,
            Seeds = stage.Seeds,
            Block = index + 1,
            HasWeightNoisePerSample = _options.HasWeightNoisePerSample ? 1 : 0,
            Pending = Pending(stage, block, index),
            Forward = Forward(stage, block, index, pass),
            OutputFeatures = block.Features(_step),
            DirectionalDerivatives = loss.Derivatives,
            BatchDerivatives = loss.BatchDerivatives,
        };

    private ChannelBlockArguments ChannelArguments(Stage stage, ChannelBlockBuffers block, int index, in ForwardPass pass, bool isTraining)
    {
        var loss = _buffers.Heads[index]?.Loss ?? stage.Loss;
        var convolution = block.Convolution;
        var map = convolution?.Map ?? block.OutputShape;
        return new ChannelBlockArguments
        {
            Channels = block.Block.Channels,
            ChannelsPerGroup = block.ChannelsPerGroup,
            Geometry = new TapGeometry
            {
                Inputs = InputFeatures(stage, index, _step),
                Taps = block.Taps,
                Count = block.Block.FanIn,
                Positions = map.Positions,
                MapWidth = map.Width,
                RowStep = (convolution?.Stride ?? 1) * block.InputWidth * block.InputFeatureStride,
                ColumnStep = (convolution?.Stride ?? 1) * block.InputFeatureStride,
            },
            PendingInputs = convolution is null ? default : InputFeatures(stage, index, _step - 1),
            IsDense = convolution is null ? 1 : 0,
            HasNormalization = block.Block.HasBatchNormalization ? 1 : 0,
            IsTraining = isTraining ? 1 : 0,
            Output = new OutputMap
            {
                WindowSize = block.Pool?.Size ?? 0,
                WindowStride = block.Pool?.Stride ?? 0,
                PooledHeight = block.PooledShape.Height,
                PooledWidth = block.PooledShape.Width,
                Choices = block.Choices,
                Pooled = block.Pooled,
                Height = block.OutputShape.Height,
                Width = block.OutputShape.Width,
                Features = block.Features(_step),
                BorderedFeatures = block.NextPadding > 0 ? block.FeaturesForNext(_step) : default,
                Border = block.OutputBorder,
                SampleMajorStride = Padding.RoundUp(block.Block.Outputs + 1),
            },
            Site = new ErrorSite
            {
                IsPreactivation = block.IsSitePreactivation ? 1 : 0,
                IsPooled = block.IsSitePooled ? 1 : 0,
                Positions = block.SitePositions,
                ChannelStride = block.SiteChannelStride,
                FeedbackStride = block.FeedbackStride,
            },
            SampleCapacity = SampleCapacity,
            FeatureStride = block.OutputFeatureStride,
            DeltaStride = block.DeltaStride,
            Weights = block.Weights,
            FilterStride = block.WeightStride,
            Offsets = block.Offsets,
            Gradients = block.Gradients,
            FilterGradients = block.FilterGradients,
            RunningStatistics = block.RunningStatistics,
            Statistics = block.Statistics,
            StatisticsStride = block.StatisticsStride,
            Feedback = block.Feedback,
            FeedbackRows = block.FeedbackRows,
            Map = block.Map,
            Deltas = block.Deltas,
            SiteDeltas = block.SiteDeltas,
            SpreadDeltas = block.SpreadDeltas,
            Spread = block.Spread,
            SiteValues = block.SiteValues,
            OffsetNoise = block.OffsetNoise,
            OutputError = ProjectedError(stage),
            DirectionalDerivatives = loss.Derivatives,
            BatchDerivatives = loss.BatchDerivatives,
            Seeds = stage.Seeds,
            Block = index + 1,
            HasWeightNoisePerSample = _options.HasWeightNoisePerSample ? 1 : 0,
            Pending = Pending(stage, block, index),
            Forward = Forward(stage, block, index, pass),
        };
    }

    /// <summary>What hidden blocks project: DRTP's targets in the place of e.</summary>
    private static ArrayView<float> ProjectedError(Stage stage) => stage.Loss.Targets.Length > 0 ? stage.Loss.Targets : stage.Loss.Error;

    private ArrayView<float> InputFeatures(Stage stage, int index, long step) => index == 0
        ? _buffers.Inputs.FeatureMajor(step)
        : index == stage.Begin ? stage.FeaturesBelow[step & 1] : Blocks[index - 1].FeaturesForNext(step);

    private ArrayView<float> SampleMajorInputs(Stage stage, int index, long step) => index == 0
        ? _buffers.Inputs.SampleMajor(step)
        : (index == stage.Begin ? stage.OutputsBelow : Blocks[index - 1].Outputs)[step & 1];

    private PendingUpdate Pending(Stage stage, BlockBuffers block, int index) => new()
    {
        Samples = stage.PendingSamples,
        Directions = block.Directions,
        IsPerturbed = block.IsPerturbed ? 1 : 0,
        Noise = Noise(_pendingNoiseStep),
        FeedbackFirst = _options.UpdatesFeedbackFirst ? 1 : 0,
        Inputs = SampleMajorInputs(stage, index, _step - 1),
        WeightStep = _pending.Weights,
        FeedbackStep = _pending.Feedback,
        FeedbackGradient = FeedbackGradient(stage, index),
    };

    private ForwardPass Forward(Stage stage, BlockBuffers block, int index, in ForwardPass pass) => pass with
    {
        IsPerturbed = block.IsPerturbed && pass.Directions > 0 ? 1 : 0,
        InputHasTangents = pass.Directions > 0 && index > 0 && _buffers.Heads[index - 1] is null ? 1 : 0,
        InputFeatures = InputFeatures(stage, index, _step),
        Outputs = block.Outputs[_step % 2],
    };

    private FeedbackGradient FeedbackGradient(Stage stage, int index)
    {
        var rule = _options.Rule;
        if (!rule.LearnsFeedback || index >= LastIndex)
        {
            return default;
        }

        var block = Blocks[index];
        var learnsFrom = block is ChannelBlockBuffers channels ? channels.SiteValues : ((DenseBlockBuffers)block).Perturbations;
        if (rule.FeedbackUpdate == FeedbackUpdate.KolenPollack)
        {
            return new FeedbackGradient
            {
                Source = stage.Loss.Error,
                SourceLength = block.FeedbackRows * SampleCapacity,
                SourceStride = SampleCapacity,
                Inputs = block is ChannelBlockBuffers ? learnsFrom : block.Outputs[(_step + 1) % 2],
                InputRows = SampleCapacity,
                Depth = stage.PendingSamples,
                Scale = 1f,
                Keep = (float)_options.FeedbackDecay,
            };
        }

        var gradient = new FeedbackGradient
        {
            Inputs = learnsFrom,
            InputRows = block.Directions * SampleCapacity,
            Depth = ((block.Directions - 1) * SampleCapacity) + stage.PendingSamples,
            Scale = stage.PendingSamples > 0 ? -1f / (block.Directions * stage.PendingSamples) : 0f,
            Keep = 1f,
        };
        if (rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && index + 1 < LastIndex)
        {
            var next = (DenseBlockBuffers)Blocks[index + 1];
            gradient.Source = index + 1 == stage.End ? stage.ArrivingTangentsAbove : next.ArrivingTangents;
            gradient.SourceStride = next.Directions * SampleCapacity;
            gradient.SourceLength = next.Block.Outputs * gradient.SourceStride;
            return gradient;
        }

        // The output is linear and not perturbed: its tangents are those that arrive.
        var output = Blocks[LastIndex];
        gradient.Source = stage.OutputFeatures;
        gradient.SourceLength = (output.Block.Outputs + 1) * output.OutputFeatureStride;
        gradient.SourceOffset = SampleCapacity;
        gradient.SourceStride = output.OutputFeatureStride;
        return gradient;
    }
}
