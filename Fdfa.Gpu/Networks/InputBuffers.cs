using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>Gathered batches: one being prepared while one is computed and the last one still waits for its update.</summary>
internal sealed class InputBuffers : IDisposable
{
    private readonly DeviceBuffer<float>[] _sampleMajor = new DeviceBuffer<float>[3];
    private readonly DeviceBuffer<float>[] _featureMajor = new DeviceBuffer<float>[2];
    private readonly DeviceBuffer<uint>[] _labels = new DeviceBuffer<uint>[2];

    public InputBuffers(ComputeDevice device, int inputs, int sampleCapacity, int replicas)
    {
        Stride = Padding.RoundUp(inputs + 1);
        for (var i = 0; i < _sampleMajor.Length; i++)
        {
            var length = sampleCapacity * Stride;
            _sampleMajor[i] = new DeviceBuffer<float>(device, (long)length * replicas);
            ConstantInput.Write(_sampleMajor[i].View, replicas, inputs, Stride, sampleCapacity, length);
        }

        for (var i = 0; i < _featureMajor.Length; i++)
        {
            var length = (inputs + 1) * sampleCapacity;
            _featureMajor[i] = new DeviceBuffer<float>(device, (long)length * replicas);
            ConstantInput.Write(_featureMajor[i].View, replicas, inputs * sampleCapacity, 1, sampleCapacity, length);
            _labels[i] = new DeviceBuffer<uint>(device, (long)sampleCapacity * replicas);
        }
    }

    /// <summary>Row stride of sample-major inputs.</summary>
    public int Stride { get; }

    public ArrayView<float> SampleMajor(long step) => _sampleMajor[(step + _sampleMajor.Length) % _sampleMajor.Length].View;

    public ArrayView<float> FeatureMajor(long step) => _featureMajor[step % _featureMajor.Length].View;

    public ArrayView<uint> Labels(long step) => _labels[step % _labels.Length].View;

    public void Dispose()
    {
        foreach (var buffer in _sampleMajor.Concat(_featureMajor).Concat<IDisposable>(_labels))
        {
            buffer.Dispose();
        }
    }
}
