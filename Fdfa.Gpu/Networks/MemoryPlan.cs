using System.Globalization;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Networks;

/// <summary>The memory that training a network takes, counted before any of it is allocated. The data set is not in it.</summary>
/// <param name="Blocks">Device memory, block by block, and last what belongs to none.</param>
/// <param name="HostBytes">Main memory while one replica's parameters go to the device or come back.</param>
public sealed record MemoryPlan(IReadOnlyList<BlockMemory> Blocks, double HostBytes)
{
    /// <summary>Device memory of all replicas.</summary>
    public double DeviceBytes => Blocks.Sum(block => block.Bytes);

    /// <summary>What takes most.</summary>
    public BlockMemory Largest => Blocks.MaxBy(block => block.Bytes)!;

    /// <summary>
    /// What is needed and what there is, where a device or this machine has too little: "9.0 GB of memory, and this machine has 8.0 GB".
    /// Kernels index a replica's buffer with 32 bits: no device has more than that.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="freeBytes">Device memory that nobody has taken; null where it is not known.</param>
    /// <returns>Null where it fits.</returns>
    public string? FindShortage(DeviceInfo device, long? freeBytes = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        double mainMemory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        bool sharesMainMemory = device.Kind == DeviceKind.Cpu;
        string? shortage = sharesMainMemory
            ? Compare("memory", DeviceBytes + HostBytes, "this machine", device.MemoryBytes)
            : Compare("memory", HostBytes, "this machine", mainMemory)
                ?? Compare("device memory", DeviceBytes, device.Name, device.MemoryBytes)
                ?? (freeBytes is { } free ? Compare("device memory", DeviceBytes, device.Name, free, " free") : null);
        return shortage ?? (Blocks.MaxBy(block => block.LongestBuffer) is { } longest && longest.LongestBuffer > Array.MaxLength
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"a buffer of {longest.LongestBuffer:0} numbers for {longest.Name}, and kernels can count no more than {Array.MaxLength}")
            : null);
    }

    private static string? Compare(string kind, double needed, string owner, double available, string free = "") => needed > available
        ? string.Create(CultureInfo.InvariantCulture, $"{needed / 1e9:0.0} GB of {kind}, and {owner} has {available / 1e9:0.0} GB{free}")
        : null;
}
