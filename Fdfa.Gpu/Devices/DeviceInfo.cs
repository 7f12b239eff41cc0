using System.Text.Json.Serialization;

namespace Fdfa.Gpu.Devices;

/// <summary>The ways kernels can run.</summary>
public enum DeviceKind
{
    /// <summary>NVIDIA GPUs, through PTX and the CUDA driver.</summary>
    Cuda,

    /// <summary>GPUs with an OpenCL 2.0 driver.</summary>
    OpenCl,

    /// <summary>This machine's processor, with SIMD.</summary>
    Cpu,
}

/// <summary>A device that kernels can run on.</summary>
/// <param name="Selector">What <c>--device</c> takes: "cuda:0", "opencl:1", "cpu".</param>
/// <param name="Kind">How it is reached.</param>
/// <param name="Name">The driver's name for it.</param>
/// <param name="MemoryBytes">Device memory; for the CPU, what this process may use.</param>
/// <param name="Details">Multiprocessors, or cores and vector width.</param>
public sealed record DeviceInfo(string Selector, DeviceKind Kind, string Name, long MemoryBytes, string Details)
{
    /// <summary>The version of its driver; empty for the CPU.</summary>
    [JsonIgnore]
    public string Driver { get; init; } = string.Empty;
}

/// <summary>A kind of device that is not here, and why.</summary>
public sealed record MissingDevice(DeviceKind Kind, string Reason);

/// <summary>A device that is here and cannot be used.</summary>
/// <param name="Kind">How it would be reached.</param>
/// <param name="Name">The driver's name for it.</param>
/// <param name="Reason">Why not, and what would help: the end of a sentence that begins with "it" or "its".</param>
public sealed record RefusedDevice(DeviceKind Kind, string Name, string Reason)
{
    /// <summary>What <c>--device</c> takes for it all the same, for tests; null where nothing does.</summary>
    public string? Selector { get; init; }
}

/// <summary>What this machine has.</summary>
/// <param name="Devices">What can be opened, the CPU last.</param>
/// <param name="Missing">Kinds of which there is no device that can.</param>
public sealed record DeviceSurvey(IReadOnlyList<DeviceInfo> Devices, IReadOnlyList<MissingDevice> Missing)
{
    /// <summary>Devices that are here and cannot be used.</summary>
    public IReadOnlyList<RefusedDevice> Refused { get; init; } = [];
}
