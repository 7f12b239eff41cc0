using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fdfa.Gpu.Devices;

/// <summary>The way of device memory to arrays: through one piece of main memory that is kept.</summary>
/// <remarks>
/// ILGPU's own copies to an array register an object each with the accelerator, which looks through them only once there are some
/// thousands: a hundred kilobytes that come and go in a training that reads metrics and writes a checkpoint per epoch.
/// </remarks>
/// <param name="accelerator">Whose memory is read, or that of another device of the same thread.</param>
internal sealed class HostPassage(Accelerator accelerator) : IDisposable
{
    private const int Length = 1 << 18;

    private readonly CPUMemoryBuffer _memory = CPUMemoryBuffer.Create(accelerator, Length, sizeof(float));

    /// <summary>The beginning of the memory as a buffer of each length that was ever read; a network's arrays have a dozen.</summary>
    /// <remarks>
    /// A view of the memory would not do: of an OpenCL device ILGPU 1.5.3 reads as much as the buffer behind the view is long.
    /// </remarks>
    private readonly Dictionary<int, CPUMemoryBuffer> _beginnings = [];

    /// <summary>Copies to an array as long as the source; returns when it is there.</summary>
    /// <param name="source">Where from.</param>
    /// <param name="target">Where to.</param>
    public unsafe void Download(ArrayView<float> source, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length, target.Length);
        if (target.IsEmpty)
        {
            return;
        }

        var stream = source.GetAccelerator().DefaultStream;
        var memory = new ReadOnlySpan<float>(_memory.NativePtr.ToPointer(), Length);
        for (long begin = 0; begin < source.Length; begin += Length)
        {
            var length = (int)Math.Min(Length, source.Length - begin);
            source.SubView(begin, length).CopyTo(stream, Beginning(length).AsArrayView<float>(0, length));
            stream.Synchronize();
            memory[..length].CopyTo(target[(int)begin..]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var beginning in _beginnings.Values)
        {
            beginning.Dispose();
        }

        _memory.Dispose();
    }

    private CPUMemoryBuffer Beginning(int length)
    {
        if (!_beginnings.TryGetValue(length, out var beginning))
        {
            beginning = CPUMemoryBuffer.Create(accelerator, _memory.NativePtr, length, sizeof(float));
            _beginnings.Add(length, beginning);
        }

        return beginning;
    }
}
