using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Networks;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Training;

/// <summary>Samples and labels as bytes in device memory, uploaded once. Bytes 0…255 stand for inputs −1…1.</summary>
public sealed class DeviceDataSet : IDisposable
{
    private const int MostClasses = 1 << 8;

    private readonly DeviceBuffer<byte> _samples;
    private readonly DeviceBuffer<byte> _labels;
    private readonly DeviceBuffer<int> _order;

    /// <summary>Uploads a data set.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="samples">[count × sampleSize], row-major.</param>
    /// <param name="labels">[count], each below <paramref name="classCount"/>.</param>
    /// <param name="sampleSize">Bytes per sample.</param>
    /// <param name="classCount">Number of classes, 1…256.</param>
    /// <param name="image">The shape of a sample, which augmentation needs; <see langword="null"/> where samples are no images.</param>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label or the number of classes is out of range.</exception>
    public DeviceDataSet(
        ComputeDevice device,
        ReadOnlySpan<byte> samples,
        ReadOnlySpan<byte> labels,
        int sampleSize,
        int classCount,
        ImageShape? image = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (labels.Length == 0 || sampleSize < 1 || samples.Length != (long)labels.Length * sampleSize)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"{labels.Length} labels and {samples.Length} bytes do not make samples of {sampleSize} bytes; "
                + $"give at least one sample, and labels × {sampleSize} bytes."));
        }

        if (classCount is < 1 or > MostClasses)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"The data have {classCount} classes, but labels are bytes; give a number of classes from 1 to {MostClasses}."));
        }

        if (labels.IndexOfAnyExceptInRange((byte)0, (byte)(classCount - 1)) is var bad && bad >= 0)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"Label {bad} is {labels[bad]}, but there are {classCount} classes, 0 to {classCount - 1}."));
        }

        if (image is { } shape && shape.Size != sampleSize)
        {
            throw new ShapeMismatchException(
                $"Images of {shape} do not have the {sampleSize} bytes of a sample; give the shape of the samples.");
        }

        Device = device;
        Image = image;
        Count = labels.Length;
        SampleSize = sampleSize;
        ClassCount = classCount;
        _samples = new DeviceBuffer<byte>(device, samples.Length);
        Upload(_samples, samples);
        _labels = new DeviceBuffer<byte>(device, labels.Length);
        Upload(_labels, labels);
        _order = new DeviceBuffer<int>(device, Count + Padding.Unit);
        _order.View.SubView(0, Count).CopyFromCPU(Enumerable.Range(0, Count).ToArray());
    }

    /// <summary>Where it lies.</summary>
    public ComputeDevice Device { get; }

    /// <summary>Number of samples.</summary>
    public int Count { get; }

    /// <summary>Bytes per sample.</summary>
    public int SampleSize { get; }

    /// <summary>The shape of a sample, where it is an image.</summary>
    public ImageShape? Image { get; }

    /// <summary>Number of classes.</summary>
    public int ClassCount { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _samples.Dispose();
        _labels.Dispose();
        _order.Dispose();
    }

    private static unsafe void Upload(DeviceBuffer<byte> target, ReadOnlySpan<byte> source)
    {
        fixed (byte* first = source)
        {
            target.View.SubView(0, source.Length).CopyFromCPU(ref *first, source.Length);
        }
    }

    /// <summary>A batch in the stored order, the same for every replica.</summary>
    internal Batch InOrder(int begin, int samples) => new(samples, _samples.View, _labels.View, _order.View, begin, 0);

    /// <summary>A batch in an order of the caller's.</summary>
    internal Batch InOrder(ArrayView<int> order, int orderStride, int begin, int samples) =>
        new(samples, _samples.View, _labels.View, order, begin, orderStride);
}
