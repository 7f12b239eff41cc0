using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>What a driver's failure means, in words; ILGPU's exceptions hide the driver's own in properties, or have none.</summary>
/// <remarks>
/// A launch, a copy or a wait can fail anywhere in a step, and nothing below the end of a run could go on: failures pass through
/// as they are and are explained once, where work ends. After one, a device only has to be closed: see <see cref="ComputeDevice.Dispose"/>.
/// </remarks>
public static class DriverFailure
{
    /// <summary>Whether an exception comes out of a device's driver.</summary>
    public static bool Is(Exception failure) => failure is AcceleratorException;

    /// <summary>The driver's name for what went wrong, and its own words where it has any.</summary>
    public static string Describe(Exception failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var words = failure switch
        {
            CLException { Error: not CLError.CL_SUCCESS and var error } => error.ToString(),
            CudaException { Error: not "N/A" and var error } => $"{error}, {failure.Message}",
            _ => failure.Message,
        };
        return words.TrimEnd('.');
    }

    /// <summary>
    /// Whether the driver says that there was no memory left; in a launch too, since OpenCL takes memory when it is first used.
    /// </summary>
    public static bool IsOutOfMemory(Exception failure) => failure
        is OutOfMemoryException
        or CudaException { Error: nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY) }
        or CLException { Error: CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_HOST_MEMORY };
}

/// <summary>A device or its driver failed in the middle of work: what was on it is lost.</summary>
public sealed class DeviceLostException(string message, Exception? cause = null)
    : Fdfa.Cpu.Reference.Description.FdfaException(message, cause);
