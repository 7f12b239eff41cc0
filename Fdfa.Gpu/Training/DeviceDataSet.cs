using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Training;

/// <summary>Samples and labels as bytes in device memory, uploaded once. Bytes 0…255 stand for inputs −1…1.</summary>
public sealed class DeviceDataSet : IDisposable
{
    /// <summary>Uploads a data set.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="samples">[count × sampleSize], row-major.</param>
    /// <param name="labels">[count], each below <paramref name="classCount"/>.</param>
    /// <param name="sampleSize">Bytes per sample.</param>
    /// <param name="classCount">Number of classes, 1…256.</param>
    /// <exception cref="Fdfa.Cpu.Reference.Description.ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    public DeviceDataSet(ComputeDevice device, ReadOnlySpan<byte> samples, ReadOnlySpan<byte> labels, int sampleSize, int classCount) =>
        throw new NotImplementedException();

    /// <summary>Number of samples.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>Bytes per sample.</summary>
    public int SampleSize => throw new NotImplementedException();

    /// <summary>Number of classes.</summary>
    public int ClassCount => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
