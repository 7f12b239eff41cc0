using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using ILGPU.Backends;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>A driver refused a kernel.</summary>
public sealed class KernelBuildException : FdfaException
{
    internal KernelBuildException(MethodInfo kernel, DeviceInfo device, string log, Exception cause)
        : base(
            $"The kernel {kernel.DeclaringType?.Name}.{kernel.Name} could not be built for {device.Name} "
            + $"({DriverFailure.Describe(cause)}); update its driver, or use another device.", cause)
    {
        Log = log;
    }

    /// <summary>The driver's build log, then the source that it refused.</summary>
    public string Log { get; }
}

/// <summary>What a driver had to say about a kernel that it refused.</summary>
/// <remarks>
/// ILGPU 1.5.3 throws the log away (it goes to <see cref="System.Diagnostics.Trace"/>). So the driver is asked again: it refuses the
/// same source for the same reasons.
/// </remarks>
internal static class KernelBuild
{
    /// <summary>Builds a kernel once more, for the log.</summary>
    /// <param name="accelerator">Whose driver.</param>
    /// <param name="kernel">What it refused; null where ILGPU could not even translate it.</param>
    /// <param name="failure">How ILGPU failed.</param>
    public static string Log(Accelerator accelerator, CompiledKernel? kernel, Exception failure) => (accelerator, kernel) switch
    {
        (CLAccelerator openCl, CLCompiledKernel source) => Text(LogOf(openCl, source), source.Source, failure),
        (CudaAccelerator, PTXCompiledKernel assembly) => Text(LogOf(assembly), assembly.PTXAssembly, failure),
        _ => failure + "\n",
    };

    private static string? LogOf(CLAccelerator accelerator, CLCompiledKernel kernel)
    {
        CLKernel.LoadKernel(accelerator, kernel.Name, kernel.Source, kernel.CVersion, out var program, out var built, out var log);
        if (built != IntPtr.Zero)
        {
            CLAPI.CurrentAPI.ReleaseKernel(built);
        }

        if (program != IntPtr.Zero)
        {
            CLAPI.CurrentAPI.ReleaseProgram(program);
        }

        return log;
    }

    private static string? LogOf(PTXCompiledKernel kernel)
    {
        if (CudaAPI.CurrentAPI.LoadModule(out var module, kernel.PTXAssembly, out var log) == CudaError.CUDA_SUCCESS)
        {
            CudaAPI.CurrentAPI.DestroyModule(module);
        }

        return log;
    }

    private static string Text(string? log, string source, Exception failure)
    {
        // Drivers end it with the zeros of C.
        var words = log?.TrimEnd('\0', '\n', ' ');
        return $"{DriverFailure.Describe(failure)}\n\n{(string.IsNullOrEmpty(words) ? "The driver keeps no log." : words)}\n\n"
            + $"The source that it refused:\n\n{source.ReplaceLineEndings("\n")}";
    }
}
