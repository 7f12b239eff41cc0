using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The device memory of one block, all replicas: what its neighbours, and a reader of its parameters, see of it.</summary>
internal abstract class BlockBuffers
{
    /// <param name="memory">Where buffers come from; the block's from here on.</param>
    /// <param name="block">The block.</param>
    /// <param name="options">Rule, optimizers and number of directions.</param>
    /// <param name="sampleCapacity">Samples that a step can take, a multiple of 16.</param>
    /// <param name="keepsPreactivations">Whether a row of features has its preactivations at its end.</param>
    protected BlockBuffers(BufferSet memory, Block block, TrainingOptions options, int sampleCapacity, bool keepsPreactivations = false)
    {
        Memory = memory;
        Block = block;
        SampleCapacity = sampleCapacity;
        Directions = options.Rule.HasTangents ? options.Perturbations : 0;
        OutputFeatureStride = checked((1 + Directions + (keepsPreactivations ? 1 : 0)) * sampleCapacity);
        WeightStride = Padding.RoundUp(block.FanIn + 1);
        Weights = memory.AllocateParameters(block.Channels * (long)WeightStride, Optimizer.Of(options.WeightOptimizer).MomentCount);
    }

    /// <summary>Where all of it lies.</summary>
    public BufferSet Memory { get; }

    public Block Block { get; }

    public int SampleCapacity { get; }

    /// <summary>K; 0 for a rule without tangents.</summary>
    public int Directions { get; }

    /// <summary>Whether the rule injects perturbations here.</summary>
    public bool IsPerturbed { get; protected init; }

    /// <summary>Row stride of <see cref="Features"/>.</summary>
    public int OutputFeatureStride { get; }

    /// <summary>W [neurons or filters × <see cref="WeightStride"/>].</summary>
    public OptimizedParameters Weights { get; }

    public int WeightStride { get; }

    /// <summary>B, as its rule and kind of block lay it out.</summary>
    public OptimizedParameters Feedback { get; protected init; }

    public int FeedbackRows { get; protected init; }

    /// <summary>Row stride of <see cref="Feedback"/>.</summary>
    public int FeedbackStride { get; protected init; }

    /// <summary>
    /// ∂z, feature-major [values of z × <see cref="DeltaStride"/>]; of the output block only where it follows perturbations.
    /// </summary>
    public ArrayView<float> Deltas { get; protected init; }

    public int DeltaStride { get; protected init; }

    /// <summary>
    /// Sample-major outputs of even and odd steps: a dense block above still needs the last ones when this block writes new ones.
    /// </summary>
    public ArrayView<float>[] Outputs { get; protected init; } = [default, default];

    /// <summary>Groups that share the block's rows.</summary>
    public abstract int Groups { get; }

    /// <summary>y⁽ˡ⁾ and d⁽ˡ⁾ of a step, feature-major [n_l + 1 × <see cref="OutputFeatureStride"/>], without border.</summary>
    public abstract ArrayView<float> Features(long step);

    /// <summary>Those that the next block reads: with the border that it wants.</summary>
    public virtual ArrayView<float> FeaturesForNext(long step) => Features(step);

    /// <summary>Where an array of the block's lies; its head's are the head's.</summary>
    public abstract DeviceTensor Locate(ModelPart part);

    public abstract BlockParameters Read(int replica);

    public abstract void Write(int replica, BlockParameters parameters);

    /// <summary>Reads y⁽ˡ⁾ (direction −1) or the tangents of a direction: [samples × n_l].</summary>
    public virtual double[] ReadOutputs(int replica, int direction, int samples, long step) =>
        ReadTransposed(Features(step), replica, OutputFeatureStride, (direction + 1) * SampleCapacity, samples, row => row, Block.Outputs);

    /// <summary>Reads ∂z: [samples × values of z].</summary>
    public double[] ReadDeltas(int replica, int samples) =>
        ReadTransposed(Deltas, replica, DeltaStride, 0, samples, row => row, Block.Preactivations);

    protected DeviceTensor Tensor(in OptimizedParameters arrays, int rows, int rowStride, int columns) =>
        new(Memory.Device!, arrays, Memory.Replicas, rows, rowStride, columns);

    /// <summary>Moments of feedback, where it is learned.</summary>
    protected static int FeedbackMoments(TrainingOptions options) =>
        options.Rule.LearnsFeedback ? Optimizer.Of(options.FeedbackOptimizer).MomentCount : 0;

    /// <summary>Columns of a feature-major buffer as rows.</summary>
    protected double[] ReadTransposed(
        ArrayView<float> view, int replica, int stride, int offset, int samples, Func<int, int> rowOf, int count)
    {
        var values = ReadReplica(view, replica);
        var result = new double[samples * count];
        for (var row = 0; row < count; row++)
        {
            for (var sample = 0; sample < samples; sample++)
            {
                result[(sample * count) + row] = values[(rowOf(row) * stride) + offset + sample];
            }
        }

        return result;
    }

    protected float[] ReadReplica(ArrayView<float> view, int replica)
    {
        var values = new float[view.Length / Memory.Replicas];
        if (values.Length > 0)
        {
            Memory.Device!.Passage.Download(view.SubView((long)replica * values.Length, values.Length), values);
        }

        return values;
    }

    protected static void WriteReplica(ArrayView<float> view, int replica, float[] values) =>
        view.SubView((long)replica * values.Length, values.Length).CopyFromCPU(values);

    /// <summary>A matrix in double precision, without the padding of its rows.</summary>
    protected static double[] Widen(ReadOnlySpan<float> source, int rows, int stride, int columns, Func<int, int>? columnOf = null)
    {
        var target = new double[rows * columns];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                target[(row * columns) + column] = source[(row * stride) + (columnOf?.Invoke(column) ?? column)];
            }
        }

        return target;
    }

    /// <summary>The other way round; padding becomes zero.</summary>
    protected static float[] Narrow(ReadOnlySpan<double> source, int rows, int stride, int columns, Func<int, int>? columnOf = null)
    {
        var target = new float[rows * stride];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                target[(row * stride) + (columnOf?.Invoke(column) ?? column)] = (float)source[(row * columns) + column];
            }
        }

        return target;
    }
}
