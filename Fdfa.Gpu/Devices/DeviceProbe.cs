using ILGPU.Backends;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Devices;

/// <summary>Where tests get between a device and its driver, to fail as drivers do.</summary>
internal sealed class DeviceProbe
{
    /// <summary>Called before each launch and before memory is freed; what it throws, the driver has thrown.</summary>
    public Action? OnDriverCall { get; init; }

    /// <summary>Called with memory that was allocated, once it is zero.</summary>
    public Action<MemoryBuffer>? OnAllocated { get; init; }

    /// <summary>What a CPU opened by its selector computes with instead, and must prove itself with; null for what it has.</summary>
    public TileProgram? Tiles { get; init; }

    /// <summary>Where results of self-tests are kept; null for this user's cache folder.</summary>
    public string? SelfTestFolder { get; init; }

    /// <summary>Called with each kernel that is compiled, before the driver builds it.</summary>
    public Action<CompiledKernel>? OnCompiled { get; init; }
}
