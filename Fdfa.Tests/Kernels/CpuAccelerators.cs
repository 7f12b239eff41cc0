using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Kernels;

/// <summary>The CPU accelerator with each tile program, opened once. Tests on it run one after the other: it uses every core.</summary>
public sealed class CpuAccelerators : IDisposable
{
    private static readonly int s_processors = Math.Max(2, Environment.ProcessorCount);

    private readonly Dictionary<string, ComputeDevice> _devices = [];

    /// <summary>The names that <see cref="Open"/> takes.</summary>
    public static IReadOnlyList<string> TilePrograms { get; } = ["simd", "simd-native", "simt"];

    public ComputeDevice Open(string tileProgram)
    {
        if (!_devices.TryGetValue(tileProgram, out var device))
        {
            var tiles = tileProgram switch
            {
                "simd" => TileProgram.Simd(s_processors),
                "simd-native" => TileProgram.SimdNative(s_processors),
                _ => TileProgram.SmallSimt(),
            };
            device = ComputeDevice.OpenCpu(tiles, s_processors);
            _devices.Add(tileProgram, device);
        }

        return device;
    }

    public void Dispose()
    {
        foreach (var device in _devices.Values)
        {
            device.Dispose();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class OnCpuAccelerators : ICollectionFixture<CpuAccelerators>
{
    public const string Name = "CPU accelerator";
}
