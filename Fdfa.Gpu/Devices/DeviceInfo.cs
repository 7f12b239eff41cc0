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
public sealed record DeviceInfo(string Selector, DeviceKind Kind, string Name, long MemoryBytes, string Details);

/// <summary>A kind of device that is not here, and why.</summary>
public sealed record MissingDevice(DeviceKind Kind, string Reason);

/// <summary>What this machine has.</summary>
public sealed record DeviceSurvey(IReadOnlyList<DeviceInfo> Devices, IReadOnlyList<MissingDevice> Missing);
