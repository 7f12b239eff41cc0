using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Networks;

namespace Fdfa.Gpu.Training;

/// <summary>Mean loss and number correct of a run of steps, per replica: written by the device, read now and then.</summary>
internal sealed class MetricsBuffer : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly DeviceBuffer<float> _buffer;
    private readonly float[] _host;
    private readonly int _replicas;

    public MetricsBuffer(ComputeDevice device, int capacity, int replicas)
    {
        Capacity = capacity;
        _replicas = replicas;
        _host = new float[2L * capacity * replicas];
        _device = device;
        _buffer = new DeviceBuffer<float>(device, _host.Length);
    }

    /// <summary>Steps that it holds.</summary>
    public int Capacity { get; }

    /// <summary>Where a step's metrics go.</summary>
    public MetricsTarget At(int index) => new(_buffer.View, Capacity, index);

    /// <summary>Adds the first <paramref name="count"/> steps to each replica's totals, in order.</summary>
    public void AddTo(MetricTotals[] totals, int count, Func<int, int> samplesAt)
    {
        _device.Passage.Download(_buffer.View.SubView(0, _host.Length), _host);
        for (var replica = 0; replica < _replicas; replica++)
        {
            for (var index = 0; index < count; index++)
            {
                var entry = 2 * ((replica * Capacity) + index);
                totals[replica].Add(index, _host[entry], _host[entry + 1], samplesAt(index));
            }
        }
    }

    /// <summary>Where the entries of the first steps lie: per step, loss and number correct.</summary>
    public DeviceTensor Entries(int steps) => new(_device, new OptimizedParameters { Values = _buffer.View }, _replicas, steps, 2, 2);

    public void Dispose() => _buffer.Dispose();
}

/// <summary>One replica's sums.</summary>
internal struct MetricTotals
{
    private double _loss;
    private double _correct;
    private long _samples;

    /// <summary>The first step whose loss is NaN or infinite.</summary>
    public int? FirstNonFinite { get; private set; }

    public readonly double Loss => _loss / _samples;

    public readonly double Accuracy => _correct / _samples;

    public void Add(int index, double loss, double correct, int samples)
    {
        if (!double.IsFinite(loss))
        {
            FirstNonFinite ??= index;
        }

        _loss += loss * samples;
        _correct += correct;
        _samples += samples;
    }
}
