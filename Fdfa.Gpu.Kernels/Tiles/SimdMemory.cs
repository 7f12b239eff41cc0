using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Plain pointers into the CPU accelerator's memory, which the garbage collector never moves.</summary>
internal static class SimdMemory
{
    /// <summary>The address of a view's first element. A view's own indexer checks bounds at every access.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T* Pointer<T>(ArrayView<T> view)
        where T : unmanaged => (T*)view.LoadEffectiveAddressAsPtr();
}
