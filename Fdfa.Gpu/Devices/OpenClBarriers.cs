using System.Reflection;
using ILGPU.Backends;
using ILGPU.Backends.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>Makes ILGPU's OpenCL barriers order shared memory.</summary>
/// <remarks>
/// ILGPU 1.5.3 writes a group barrier with a global fence only, and by the OpenCL standard that does not order local (shared)
/// memory: a thread could read a tile before its neighbour has staged it. The source of a compiled kernel is all there is to
/// hold on to, and it has no setter.
/// <para>
/// The barrier is written by its name of OpenCL C 1.2, which later versions keep: the simulator that checks kernels for races
/// knows no other.
/// </para>
/// </remarks>
internal static class OpenClBarriers
{
    private const string GlobalFence = "CLK_GLOBAL_MEM_FENCE";
    private const string BothFences = "CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE";
    private const string Barrier = "work_group_barrier";
    private const string OldBarrier = "barrier";

    private static readonly FieldInfo s_source =
        typeof(CLCompiledKernel).GetField(
            $"<{nameof(CLCompiledKernel.Source)}>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance)
        ?? throw new InvalidOperationException("This version of ILGPU keeps an OpenCL kernel's source elsewhere; see OpenClBarriers.");

    /// <summary>Rewrites an OpenCL kernel's barriers; leaves every other kernel alone.</summary>
    /// <param name="kernel">A kernel that has been compiled and not loaded yet.</param>
    public static void OrderSharedMemory(CompiledKernel kernel)
    {
        if (kernel is CLCompiledKernel openCl && !openCl.Source.Contains(BothFences, StringComparison.Ordinal))
        {
            s_source.SetValue(openCl, openCl.Source
                .Replace(GlobalFence, BothFences, StringComparison.Ordinal)
                .Replace(Barrier, OldBarrier, StringComparison.Ordinal));
        }
    }
}
