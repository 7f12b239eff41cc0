using System.Reflection;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>OpenCL devices that <see cref="ComputeDevice"/> refuses otherwise: processors, simulators, drivers without generic address space.</summary>
/// <remarks>
/// For tests of kernels where there is no GPU: PoCL 3.1 and Oclgrind run them, though they report no generic address space. ILGPU asks
/// for one, and our kernels use none (the gates on generated code see to that), so ILGPU is told that there is one. Nobody gets such
/// a device unasked: see <see cref="Selector"/>.
/// </remarks>
internal static class UnsupportedOpenCl
{
    /// <summary>What <c>--device</c> takes for the first of them, named for what it is.</summary>
    public const string Selector = "opencl-unsupported";

    private static readonly PropertyInfo s_genericAddressSpace =
        typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))
        ?? throw new InvalidOperationException("This version of ILGPU keeps an OpenCL device's capabilities elsewhere; see UnsupportedOpenCl.");

    /// <summary>Accepts any device.</summary>
    public static bool Accept(CLDevice device)
    {
        s_genericAddressSpace.GetSetMethod(nonPublic: true)!.Invoke(device.Capabilities, [true]);
        return true;
    }
}
