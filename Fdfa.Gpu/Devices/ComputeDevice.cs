using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Devices;

/// <summary>The device asked for is not here, or failed.</summary>
public sealed class DeviceException(string message, Exception? cause = null) : FdfaException(message, cause);

/// <summary>A device opened for work. Owns the ILGPU context and accelerator.</summary>
public sealed class ComputeDevice : IDisposable
{
    /// <summary>Looks for devices of every kind; never throws because one is missing.</summary>
    public static DeviceSurvey Survey() => throw new NotImplementedException();

    /// <summary>Opens a device.</summary>
    /// <param name="selector">"auto" (CUDA, else an OpenCL GPU, else the CPU), "cpu", "cuda:0", "opencl:1".</param>
    /// <exception cref="DeviceException">No such device; the message names those there are.</exception>
    public static ComputeDevice Open(string selector = "auto") => throw new NotImplementedException();

    /// <summary>What was opened.</summary>
    public DeviceInfo Info => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
