using Fdfa.Gpu.Devices;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Tests.Devices;

/// <summary>OpenCL devices that are no GPU, with the kernels that GPUs run. .ci/run installs them and says by the environment which one is to be there.</summary>
internal static class OpenClDevices
{
    /// <summary>Opens the first OpenCL device, whatever it is.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static ComputeDevice Open() => ComputeDevice.OpenOpenCl(WithGenericAddresses, TileProgram.Simt())
        ?? throw new InvalidOperationException("There is no OpenCL device; OCL_ICD_VENDORS must name the folder with its driver's .icd file, where it is set.");

    // PoCL 3.1 and Oclgrind have no generic addresses, and our kernels need none (GeneratedCodeTests): ILGPU must be told otherwise.
    private static bool WithGenericAddresses(CLDevice device)
    {
        typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))!
            .GetSetMethod(nonPublic: true)!.Invoke(device.Capabilities, [true]);
        return true;
    }
}

/// <summary>One OpenCL device, opened once, where the environment says that there is one.</summary>
public sealed class OpenClDevice : IDisposable
{
    private ComputeDevice? _device;

    public ComputeDevice Open()
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("FDFA_OPENCL") == "1",
            "Needs an OpenCL device of any kind; .ci/run installs PoCL and sets FDFA_OPENCL=1.");
        return _device ??= OpenClDevices.Open();
    }

    public void Dispose() => _device?.Dispose();
}
