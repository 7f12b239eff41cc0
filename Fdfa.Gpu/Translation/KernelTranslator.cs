using System.Reflection;
using Fdfa.Gpu.Devices;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Translation;

/// <summary>Translates kernels without a device, as the library has them translated for one.</summary>
/// <remarks>
/// What kernels call is translated once for many of them, in a context that remembers all that it has translated; now and then a new one is
/// begun, before it holds gigabytes. Not safe for use from several threads.
/// </remarks>
/// <param name="target">CUDA for PTX, OpenCL for OpenCL C.</param>
/// <param name="level">How to optimize.</param>
internal sealed class KernelTranslator(DeviceKind target, OptimizationLevel level) : IDisposable
{
    private const int KernelsPerContext = 64;

    private Context? _context;
    private int _kernels;

    /// <param name="target">CUDA for PTX, OpenCL for OpenCL C.</param>
    public KernelTranslator(DeviceKind target)
        : this(target, ComputeDevice.OptimizationFor(target))
    {
    }

    /// <summary>The text that a driver would be given.</summary>
    public string Translate(MethodInfo kernel)
    {
        if (_kernels++ % KernelsPerContext == 0)
        {
            _context?.Dispose();
            _context = null;
        }

        _context ??= Context.Create(builder => builder.EnableKernels(level));
        var entry = EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        return target == DeviceKind.Cuda ? Ptx(_context, entry) : OpenClC(_context, entry);
    }

    /// <inheritdoc/>
    public void Dispose() => _context?.Dispose();

    private static string Ptx(Context context, in EntryPointDescription entry)
    {
        var architecture = CudaArchitecture.SM_80;
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, nvvmAPI: null);
        return ((PTXCompiledKernel)backend.Compile(entry, default)).PTXAssembly;
    }

    private static string OpenClC(Context context, in EntryPointDescription entry)
    {
        // No more than the library asks of a device.
        var capabilities = new CLCapabilityContext(
            float16: false, float64: false, genericAddressSpace: true, int64_Atomics: false, subGroups: false);
        using var backend = new CLBackend(context, capabilities, CLDeviceVendor.Other, CLCVersion.CL20);
        var compiled = (CLCompiledKernel)backend.Compile(entry, default);
        OpenClBarriers.OrderSharedMemory(compiled);
        return compiled.Source;
    }
}
