using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Devices;

/// <summary>Device memory that starts on a cache line and is zero at first.</summary>
internal sealed class DeviceBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly ComputeDevice _device;
    private readonly MemoryBuffer1D<T, Stride1D.Dense> _memory;

    public DeviceBuffer(ComputeDevice device, long length)
    {
        // The CPU accelerator's memory comes from malloc, aligned to 16 bytes only; a vector across two cache lines costs twice.
        var spare = Padding.Unit * sizeof(float) / Interop.SizeOf<T>();
        _device = device;
        _memory = device.Allocate<T>(Math.Max(length, 1) + spare);
        var offset = 0L;
        if (device.Accelerator.AcceleratorType == AcceleratorType.CPU)
        {
            var address = _memory.NativePtr.ToInt64();
            offset = (-address & ((Padding.Unit * sizeof(float)) - 1)) / Interop.SizeOf<T>();
        }

        View = _memory.View.AsContiguous().SubView(offset, Math.Max(length, 1));
    }

    /// <summary>The elements.</summary>
    public ArrayView<T> View { get; }

    public void Dispose() => _device.Free(_memory);
}
