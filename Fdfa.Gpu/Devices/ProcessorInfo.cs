using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Fdfa.Gpu.Devices;

/// <summary>What this machine's processor is.</summary>
internal static class ProcessorInfo
{
    /// <summary>Its description as a device.</summary>
    public static DeviceInfo Read() => new(
        "cpu",
        DeviceKind.Cpu,
        Name(),
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        $"{Environment.ProcessorCount} cores, {TileProgram.Simd(Environment.ProcessorCount).Name}");

    private static string Name()
    {
        if (!X86Base.IsSupported)
        {
            return RuntimeInformation.ProcessArchitecture.ToString();
        }

        // CPUID leaves 0x80000002…4 hold the brand string.
        var words = Enumerable.Range(0, 3).SelectMany(leaf =>
        {
            var (a, b, c, d) = X86Base.CpuId(unchecked((int)0x8000_0002) + leaf, 0);
            return new[] { a, b, c, d };
        });
        var bytes = words.SelectMany(BitConverter.GetBytes).TakeWhile(value => value != 0).ToArray();
        return Encoding.ASCII.GetString(bytes).Trim();
    }
}
