using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The device memory of one dense block, all replicas. Layouts as in <see cref="DenseBlockArguments"/>.</summary>
internal sealed class DenseBlockBuffers : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly ComputeDevice _device;
    private readonly int _replicas;

    /// <summary>Allocates.</summary>
    /// <param name="device">Where.</param>
    /// <param name="network">The network that the block belongs to.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="options">Rule, optimizers and number of directions.</param>
    /// <param name="sampleCapacity">Samples that a step can take, a multiple of 16.</param>
    /// <param name="replicas">Networks side by side.</param>
    public DenseBlockBuffers(
        ComputeDevice device, NetworkDescription network, int l, TrainingOptions options, int sampleCapacity, int replicas)
        : this(device, (DenseBlock)network.Blocks[l - 1], options, sampleCapacity, replicas)
    {
        var rule = options.Rule;
        var isOutput = l == network.Blocks.Count;
        IsPerturbed = options.Perturbs(isOutput);
        FeedbackRows = rule.FeedbackRows(network, l);
        DeltaStride = rule.FollowsPerturbations ? Directions * sampleCapacity : sampleCapacity;
        if (options.HasDeltas(isOutput))
        {
            Deltas = Allocate((long)Block.Outputs * DeltaStride);
        }

        if (isOutput)
        {
            return;
        }

        Outputs = [AllocateSampleMajor(), AllocateSampleMajor()];
        if (rule.HasFeedback)
        {
            Feedback = Parameters(FeedbackRows * (long)OutputStride, rule.LearnsFeedback ? options.FeedbackOptimizer : OptimizerKind.Sgd);
        }

        if (rule.FeedbackUpdate == FeedbackUpdate.ForwardGradient)
        {
            Perturbations = Allocate(Directions * (long)sampleCapacity * OutputStride);
            if (rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && l > 1)
            {
                ArrivingTangents = Allocate((long)Block.Outputs * Directions * sampleCapacity);
            }
        }
    }

    private DenseBlockBuffers(ComputeDevice device, DenseBlock block, TrainingOptions options, int sampleCapacity, int replicas)
    {
        _device = device;
        _replicas = replicas;
        Block = block;
        SampleCapacity = sampleCapacity;
        Directions = options.Rule.HasTangents ? options.Perturbations : 0;
        InputStride = Padding.RoundUp(block.Inputs + 1);
        OutputStride = Padding.RoundUp(block.Outputs + 1);
        OutputFeatureStride = (1 + Directions) * sampleCapacity;
        RowsPerGroup = device.Tiles.RowsPerGroup(block.Outputs);
        Weights = Parameters(block.Outputs * (long)InputStride, options.WeightOptimizer);
        OutputFeatures = Allocate((block.Outputs + 1) * (long)OutputFeatureStride);
        ConstantInput.Write(OutputFeatures, replicas, block.Outputs * OutputFeatureStride, 1, sampleCapacity, (block.Outputs + 1) * OutputFeatureStride);
    }

    public DenseBlock Block { get; }

    /// <summary>K; 0 for a rule without tangents.</summary>
    public int Directions { get; }

    /// <summary>Whether the rule injects perturbations here.</summary>
    public bool IsPerturbed { get; }

    public int FeedbackRows { get; }

    public int DeltaStride { get; }

    public int SampleCapacity { get; }

    public int InputStride { get; }

    public int OutputStride { get; }

    public int OutputFeatureStride { get; }

    public int RowsPerGroup { get; }

    /// <summary>Groups that share the block's rows.</summary>
    public int Tiles => (Block.Outputs + RowsPerGroup - 1) / RowsPerGroup;

    public OptimizedParameters Weights { get; }

    public OptimizedParameters Feedback { get; }

    public ArrayView<float> OutputFeatures { get; }

    public ArrayView<float> Deltas { get; }

    public ArrayView<float> Perturbations { get; }

    public ArrayView<float> ArrivingTangents { get; }

    /// <summary>Sample-major outputs of even and odd steps: the next block still needs the last ones when this block writes new ones.</summary>
    public ArrayView<float>[] Outputs { get; } = [default, default];

    /// <summary>The head of a block's own loss.</summary>
    public static DenseBlockBuffers OfHead(
        ComputeDevice device, NetworkDescription network, int l, TrainingOptions options, int sampleCapacity, int replicas) => new(
            device,
            new DenseBlock(network.Blocks[l - 1].Outputs, network.OutputSize, ActivationFunction.Identity),
            options,
            sampleCapacity,
            replicas);

    public BlockParameters Read(int replica)
    {
        var weights = ReadReplica(Weights.Values, replica, Block.Outputs * InputStride);
        var feedback = Feedback.Values.Length == 0 ? [] : ReadReplica(Feedback.Values, replica, FeedbackRows * OutputStride);
        var result = new BlockParameters(
            new double[Block.Outputs * Block.Inputs], new double[Block.Outputs], new double[feedback.Length == 0 ? 0 : FeedbackRows * Block.Outputs]);
        for (var output = 0; output < Block.Outputs; output++)
        {
            Widen(weights.AsSpan(output * InputStride, Block.Inputs), result.Weights.AsSpan(output * Block.Inputs));
            result.Biases[output] = weights[(output * InputStride) + Block.Inputs];
        }

        for (var row = 0; result.Feedback.Length > 0 && row < FeedbackRows; row++)
        {
            Widen(feedback.AsSpan(row * OutputStride, Block.Outputs), result.Feedback.AsSpan(row * Block.Outputs));
        }

        return result;
    }

    public void Write(int replica, BlockParameters parameters)
    {
        var weights = new float[Block.Outputs * InputStride];
        for (var output = 0; output < Block.Outputs; output++)
        {
            Narrow(parameters.Weights.AsSpan(output * Block.Inputs, Block.Inputs), weights.AsSpan(output * InputStride));
            weights[(output * InputStride) + Block.Inputs] = (float)parameters.Biases[output];
        }

        Weights.Values.SubView((long)replica * weights.Length, weights.Length).CopyFromCPU(weights);
        if (Feedback.Values.Length > 0)
        {
            var feedback = new float[FeedbackRows * OutputStride];
            for (var row = 0; row < FeedbackRows; row++)
            {
                Narrow(parameters.Feedback.AsSpan(row * Block.Outputs, Block.Outputs), feedback.AsSpan(row * OutputStride));
            }

            Feedback.Values.SubView((long)replica * feedback.Length, feedback.Length).CopyFromCPU(feedback);
        }
    }

    public void Dispose() => _owned.ForEach(buffer => buffer.Dispose());

    private static float[] ReadReplica(ArrayView<float> view, int replica, int length)
    {
        var values = new float[length];
        view.SubView((long)replica * length, length).CopyToCPU(values);
        return values;
    }

    private static void Widen(ReadOnlySpan<float> source, Span<double> target)
    {
        for (var i = 0; i < source.Length; i++)
        {
            target[i] = source[i];
        }
    }

    private static void Narrow(ReadOnlySpan<double> source, Span<float> target)
    {
        for (var i = 0; i < source.Length; i++)
        {
            target[i] = (float)source[i];
        }
    }

    private ArrayView<float> Allocate(long lengthPerReplica)
    {
        var buffer = new DeviceBuffer<float>(_device, lengthPerReplica * _replicas);
        _owned.Add(buffer);
        return buffer.View;
    }

    private ArrayView<float> AllocateSampleMajor()
    {
        var view = Allocate(SampleCapacity * (long)OutputStride);
        ConstantInput.Write(view, _replicas, Block.Outputs, OutputStride, SampleCapacity, SampleCapacity * OutputStride);
        return view;
    }

    private OptimizedParameters Parameters(long lengthPerReplica, OptimizerKind optimizer)
    {
        var hasMoments = optimizer == OptimizerKind.Adam;
        return new OptimizedParameters
        {
            Values = Allocate(lengthPerReplica),
            FirstMoments = hasMoments ? Allocate(lengthPerReplica) : default,
            SecondMoments = hasMoments ? Allocate(lengthPerReplica) : default,
        };
    }
}
