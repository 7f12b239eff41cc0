using System.Globalization;
using System.Reflection;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>
/// OpenCL devices of any type and version, numbered together: also those that <see cref="ComputeDevice"/> refuses otherwise, such as CPUs
/// and simulators.
/// </summary>
/// <remarks>For tests of kernels where there is no GPU. Nobody gets such a device unasked: see <see cref="Selector"/>.</remarks>
internal static class UnsupportedOpenCl
{
    /// <summary>What <c>--device</c> takes for the first of them, named for what it is; a colon and a number choose another.</summary>
    public const string Selector = "opencl-unsupported";

    private static readonly PropertyInfo s_genericAddressSpace =
        typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))
        ?? throw new InvalidOperationException(
            "This version of ILGPU keeps an OpenCL device's capabilities elsewhere; see UnsupportedOpenCl.");

    /// <summary>What <c>--device</c> takes for one of them.</summary>
    public static string SelectorOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{Selector}:{index}");

    /// <summary>Tells ILGPU that a device has a generic address space, which it asks for.</summary>
    /// <remarks>
    /// No kernel of ours uses one: the gates on generated code see to that. Mesa's drivers have none, nor have PoCL 3.1 and Oclgrind.
    /// </remarks>
    /// <returns>True, for use as a predicate.</returns>
    public static bool Accept(CLDevice device)
    {
        s_genericAddressSpace.GetSetMethod(nonPublic: true)!.Invoke(device.Capabilities, [true]);
        return true;
    }
}
