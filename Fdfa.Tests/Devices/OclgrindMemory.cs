using Fdfa.Gpu.Devices;
using ILGPU.Runtime;

namespace Fdfa.Tests.Devices;

/// <summary>Tells Oclgrind's check for uninitialized values, before each launch, that all of a device's memory has a value.</summary>
/// <remarks>
/// It has one from the start: <see cref="ComputeDevice.Allocate"/> zeroes it. But after a write of less than a whole buffer Oclgrind takes
/// the rest for uninitialized, whatever is written there later; a write of the whole buffer mends that (docs/oclgrind-uninitialized.md).
/// No fault of a kernel is hidden: an uninitialized value is reported where a kernel writes it to memory or branches on it.
/// </remarks>
internal sealed class OclgrindMemory
{
    private readonly List<MemoryBuffer> _buffers = [];

    /// <summary>What a device is opened with.</summary>
    public DeviceProbe Probe => new() { OnAllocated = _buffers.Add, OnDriverCall = WriteAll };

    private void WriteAll()
    {
        _buffers.RemoveAll(buffer => buffer.IsDisposed);
        foreach (var buffer in _buffers)
        {
            var view = buffer.AsRawArrayView();
            var bytes = new byte[view.Length];
            view.CopyToCPU(bytes);
            view.CopyFromCPU(bytes);
        }
    }
}
