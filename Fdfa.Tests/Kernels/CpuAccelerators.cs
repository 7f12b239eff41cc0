using System.Collections.Concurrent;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Tests.Kernels;

/// <summary>
/// The CPU accelerator with each tile program. Test classes that run at the same time have devices of their own; those that end leave
/// theirs to others.
/// </summary>
public sealed class CpuAccelerators : IDisposable
{
    private static readonly int s_processors = Math.Max(2, Environment.ProcessorCount);

    // Groups of the fewest threads that still exercise tiling, barriers and a split reduction: each is one of the system's, and waits for
    // the others.
    private static readonly Dictionary<string, Func<TileProgram>> s_programs = new()
    {
        ["simd"] = () => TileProgram.Simd(s_processors),
        ["simd-native"] = () => TileProgram.SimdNative(s_processors),
        ["simt"] = TileProgram.SmallSimt,
        ["split"] = TileProgram.Simt<TwoSlices, Rows8<Twice<Float4>>>,
        ["broad"] = TileProgram.Simt<TwoRows, Rows8<Twice<Float4>>>,
        ["direct"] = TileProgram.Direct,
    };

    private static readonly ConcurrentDictionary<string, ConcurrentBag<ComputeDevice>> s_idle = new();

    private readonly Dictionary<string, ComputeDevice> _devices = [];

    /// <summary>
    /// The names that <see cref="Open"/> takes: SIMD with the widest vectors and with .NET's, and the kinds of tiles of GPUs.
    /// </summary>
    public static IReadOnlyList<string> TilePrograms { get; } = [.. s_programs.Keys];

    /// <summary>The same, as test data.</summary>
    public static TheoryData<string> Names() => [.. TilePrograms];

    public ComputeDevice Open(string tileProgram)
    {
        if (!_devices.TryGetValue(tileProgram, out var device))
        {
            device = s_idle.GetOrAdd(tileProgram, _ => []).TryTake(out var idle)
                ? idle
                : ComputeDevice.OpenCpu(s_programs[tileProgram](), s_processors);
            _devices.Add(tileProgram, device);
        }

        return device;
    }

    public void Dispose()
    {
        foreach (var (tileProgram, device) in _devices)
        {
            s_idle[tileProgram].Add(device);
        }
    }

    /// <summary>Two threads, each with every other step of the reduction.</summary>
    private readonly struct TwoSlices : ITileShape
    {
        public static int Rows => 1;

        public static int Columns => 1;

        public static int Slices => 2;

        public static int Depth => 64;
    }

    /// <summary>Two threads, one above the other.</summary>
    private readonly struct TwoRows : ITileShape
    {
        public static int Rows => 2;

        public static int Columns => 1;

        public static int Slices => 1;

        public static int Depth => 64;
    }
}
