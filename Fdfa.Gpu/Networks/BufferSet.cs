using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>What a buffer is for.</summary>
internal enum BufferUse
{
    /// <summary>W, b, γ, β, running statistics, heads.</summary>
    Parameters,

    /// <summary>What optimizers remember.</summary>
    OptimizerState,

    /// <summary>B.</summary>
    Feedback,

    /// <summary>Everything that a batch leaves behind.</summary>
    Activations,
}

/// <summary>The device memory of one part of a network, all replicas; or, without a device, only how much it would be.</summary>
/// <remarks>One constructor both allocates a network and plans it, so that a plan is what is allocated.</remarks>
/// <param name="device">Where; null to count only.</param>
/// <param name="problem">What its tile program is chosen for.</param>
/// <param name="replicas">Networks side by side.</param>
internal sealed class BufferSet(ComputeDevice? device, TileProblem problem, int replicas) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly double[] _bytes = new double[Enum.GetValues<BufferUse>().Length];

    /// <summary>Where; null to count only.</summary>
    public ComputeDevice? Device { get; } = device;

    /// <summary>Where feedback lies, if elsewhere.</summary>
    public ComputeDevice? FeedbackDevice { get; init; } = device;

    /// <summary>Networks side by side.</summary>
    public int Replicas { get; } = replicas;

    /// <summary>Elements of the longest buffer of one replica.</summary>
    public double Longest { get; private set; }

    /// <summary>Bytes of one use, of all replicas.</summary>
    public double BytesOf(BufferUse use) => _bytes[(int)use];

    /// <summary>The tile program there; null to count only.</summary>
    public TileProgram? Tiles { get; } = device?.Tiles.For(problem);

    /// <summary>A buffer of zeros; empty without a device, or where nothing is asked for.</summary>
    public ArrayView<float> Allocate(long lengthPerReplica, BufferUse use = BufferUse.Activations) =>
        Allocate<float>(lengthPerReplica, use);

    /// <summary>The same of any words of 32 bits.</summary>
    public ArrayView<T> Allocate<T>(long lengthPerReplica, BufferUse use)
        where T : unmanaged => Allocate<T>(lengthPerReplica, Replicas, use);

    /// <summary>A table that all replicas read.</summary>
    public ArrayView<int> AllocateTable(int length) => Allocate<int>(length, 1, BufferUse.Activations);

    /// <summary>Parameters with their moments.</summary>
    public OptimizedParameters AllocateParameters(long lengthPerReplica, int moments, BufferUse use = BufferUse.Parameters) => new()
    {
        Values = Allocate(lengthPerReplica, use),
        FirstMoments = moments > 0 ? Allocate(lengthPerReplica, BufferUse.OptimizerState) : default,
        SecondMoments = moments > 1 ? Allocate(lengthPerReplica, BufferUse.OptimizerState) : default,
    };

    /// <summary>Sample-major activations [samples × stride], with the constant input behind the last value.</summary>
    public ArrayView<float> AllocateSampleMajor(int values, int samples)
    {
        var stride = Padding.RoundUp(values + 1);
        var view = Allocate(samples * (long)stride);
        ConstantInput.Write(view, Replicas, values, stride, samples, samples * (long)stride);
        return view;
    }

    /// <summary>
    /// Feature-major activations [rows + 1 × stride], whose last row is the constant input of the first <paramref name="samples"/> columns.
    /// </summary>
    public ArrayView<float> AllocateFeatureMajor(long rows, int stride, int samples)
    {
        var view = Allocate((rows + 1) * stride);
        ConstantInput.Write(view, Replicas, rows * stride, 1, samples, (rows + 1) * stride);
        return view;
    }

    private ArrayView<T> Allocate<T>(long length, int copies, BufferUse use)
        where T : unmanaged
    {
        _bytes[(int)use] += (double)length * copies * sizeof(float);
        Longest = Math.Max(Longest, length);
        if ((use == BufferUse.Feedback ? FeedbackDevice : Device) is not { } owner || length == 0)
        {
            return ArrayView<T>.Empty;
        }

        var buffer = new DeviceBuffer<T>(owner, length * copies);
        _owned.Add(buffer);
        return buffer.View;
    }

    /// <inheritdoc/>
    public void Dispose() => _owned.ForEach(buffer => buffer.Dispose());
}
