using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>The device memory of a dense block without batch normalization. Layouts as in <see cref="DenseBlockArguments"/>.</summary>
internal sealed class DenseBlockBuffers : BlockBuffers
{
    private readonly ArrayView<float> _features;

    /// <param name="memory">Where buffers come from.</param>
    /// <param name="network">The network that the block belongs to.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="options">Rule, optimizers and number of directions.</param>
    /// <param name="sampleCapacity">Samples that a step can take, a multiple of 16.</param>
    public DenseBlockBuffers(BufferSet memory, NetworkDescription network, int l, TrainingOptions options, int sampleCapacity)
        : this(memory, network.Blocks[l - 1], options, sampleCapacity)
    {
        var rule = options.Rule;
        var isOutput = l == network.Blocks.Count;
        IsPerturbed = options.Perturbs(isOutput);
        FeedbackRows = rule.FeedbackRows(network, l);
        DeltaStride = rule.FollowsPerturbations ? Directions * sampleCapacity : sampleCapacity;
        if (options.HasDeltas(isOutput))
        {
            Deltas = memory.Allocate((long)Block.Outputs * DeltaStride);
        }

        if (isOutput)
        {
            return;
        }

        Outputs = [memory.AllocateSampleMajor(Block.Outputs, sampleCapacity), memory.AllocateSampleMajor(Block.Outputs, sampleCapacity)];
        if (rule.HasFeedback)
        {
            Feedback = memory.AllocateParameters(
                FeedbackRows * (long)OutputStride, FeedbackMoments(options), BufferUse.Feedback);
        }

        if (rule.FeedbackUpdate == FeedbackUpdate.ForwardGradient)
        {
            Perturbations = memory.Allocate(Directions * (long)sampleCapacity * OutputStride);
            if (rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && l > 1)
            {
                ArrivingTangents = memory.Allocate((long)Block.Outputs * Directions * sampleCapacity);
            }
        }
    }

    private DenseBlockBuffers(BufferSet memory, Block block, TrainingOptions options, int sampleCapacity)
        : base(memory, block, options, sampleCapacity, Activation.Of(block.Activation).SlopeNeedsPreactivation)
    {
        OutputStride = Padding.RoundUp(block.Outputs + 1);
        FeedbackStride = OutputStride;
        RowsPerGroup = memory.Tiles?.RowsPerGroup(block.Outputs) ?? 0;
        _features = memory.AllocateFeatureMajor(block.Outputs, OutputFeatureStride, sampleCapacity);
    }

    /// <summary>Row stride of sample-major outputs.</summary>
    public int OutputStride { get; }

    public int RowsPerGroup { get; }

    /// <inheritdoc/>
    public override int Groups => (Block.Outputs + RowsPerGroup - 1) / RowsPerGroup;

    public ArrayView<float> Perturbations { get; }

    public ArrayView<float> ArrivingTangents { get; }

    /// <summary>The head of a block's own loss.</summary>
    public static DenseBlockBuffers OfHead(
        BufferSet memory, NetworkDescription network, int l, TrainingOptions options, int sampleCapacity) => new(
        memory,
        new DenseBlock(network.Blocks[l - 1].Outputs, network.OutputSize, ActivationFunction.Identity),
        options,
        sampleCapacity);

    /// <inheritdoc/>
    public override ArrayView<float> Features(long step) => _features;

    /// <inheritdoc/>
    public override DeviceTensor Locate(ModelPart part) => part switch
    {
        ModelPart.Weights => Tensor(Weights, Block.Outputs, WeightStride, Block.Inputs),
        ModelPart.Biases => Tensor(Weights, Block.Outputs, WeightStride, 1) with { Offset = Block.Inputs },
        ModelPart.Feedback => Tensor(Feedback, FeedbackRows, FeedbackStride, Block.Outputs),
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "A dense block without batch normalization has no such array."),
    };

    /// <inheritdoc/>
    public override BlockParameters Read(int replica)
    {
        var weights = ReadReplica(Weights.Values, replica);
        var feedback = ReadReplica(Feedback.Values, replica);
        return new BlockParameters(
            Widen(weights, Block.Outputs, WeightStride, Block.Inputs),
            Widen(weights.AsSpan(Block.Inputs), Block.Outputs, WeightStride, 1),
            feedback.Length == 0 ? [] : Widen(feedback, FeedbackRows, FeedbackStride, Block.Outputs));
    }

    /// <inheritdoc/>
    public override void Write(int replica, BlockParameters parameters)
    {
        var weights = Narrow(parameters.Weights, Block.Outputs, WeightStride, Block.Inputs);
        for (var output = 0; output < Block.Outputs; output++)
        {
            weights[(output * WeightStride) + Block.Inputs] = (float)parameters.Biases[output];
        }

        WriteReplica(Weights.Values, replica, weights);
        if (Feedback.Values.Length > 0)
        {
            WriteReplica(Feedback.Values, replica, Narrow(parameters.Feedback, FeedbackRows, FeedbackStride, Block.Outputs));
        }
    }
}
