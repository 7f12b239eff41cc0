using System.Runtime.CompilerServices;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>A replica's part of a buffer that holds all of them.</summary>
internal static class Replica
{
    /// <summary>Elements replica · length … + length − 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<T> Of<T>(ArrayView<T> view, int replica, int length)
        where T : unmanaged => view.SubView((long)replica * length, length);
}
