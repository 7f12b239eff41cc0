using Fdfa.Gpu.Devices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fdfa.Gpu.Networks;

/// <summary>Copies what one device wrote into buffers of another.</summary>
/// <remarks>
/// By way of main memory, which any two devices can reach. It waits for both: for the launches that write the sources, and until
/// the copies in main memory may be overwritten. Work of other devices goes on meanwhile.
/// </remarks>
/// <param name="from">Where the sources lie.</param>
/// <param name="to">Where the targets lie.</param>
internal sealed class Crossing(ComputeDevice from, ComputeDevice to) : IDisposable
{
    private readonly List<(ArrayView<byte> Source, ArrayView<byte> Passage, ArrayView<byte> Target)> _copies = [];
    private readonly List<CPUMemoryBuffer> _passages = [];

    /// <summary>Adds a buffer; nothing where there is none.</summary>
    /// <param name="source">On the one device.</param>
    /// <param name="target">Its like on the other.</param>
    public void Add<T>(ArrayView<T> source, ArrayView<T> target)
        where T : unmanaged
    {
        if (source.Length == 0)
        {
            return;
        }

        var bytes = source.Cast<byte>();
        var passage = CPUMemoryBuffer.Create(from.Accelerator, bytes.Length, 1);
        _passages.Add(passage);
        _copies.Add((bytes, passage.AsArrayView<byte>(0, bytes.Length), target.Cast<byte>()));
    }

    /// <summary>Copies; returns when it is done.</summary>
    public void Run()
    {
        var stream = from.Accelerator.DefaultStream;
        foreach (var (source, passage, _) in _copies)
        {
            source.CopyTo(stream, passage);
        }

        stream.Synchronize();
        stream = to.Accelerator.DefaultStream;
        foreach (var (_, passage, target) in _copies)
        {
            passage.CopyTo(stream, target);
        }

        stream.Synchronize();
    }

    /// <inheritdoc/>
    public void Dispose() => _passages.ForEach(passage => passage.Dispose());
}
