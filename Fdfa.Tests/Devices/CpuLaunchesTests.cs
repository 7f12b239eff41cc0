using System.Reflection;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Tests.Devices;

/// <summary>Launches that reuse their tasks: each runs on its own grid, with its own arguments, on its own device.</summary>
public sealed class CpuLaunchesTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Longest = 5;

    [Fact]
    public void Grids_arguments_kernels_and_devices_may_change_from_launch_to_launch()
    {
        using var vectors = new Counter(devices.Open("simd"));
        using var threads = new Counter(devices.Open("simt"));
        Counter[] counters = [vectors, threads];
        var expected = new int[Longest];
        foreach (var (groups, amount) in new[] { (3, 1), (3, 2), (3, 3), (5, 4), (3, 5), (5, 6), (1, 7), (1, 8) })
        {
            foreach (var counter in counters)
            {
                counter.Add(groups, amount);
                counter.Double(groups);
            }

            for (var i = 0; i < groups; i++)
            {
                expected[i] = 2 * (expected[i] + amount);
            }
        }

        Assert.All(counters, counter => Assert.Equal(expected, counter.Read()));
    }

    private static void AddTo(ArrayView<int> counts, int amount)
    {
        if (Group.IdxX == 0)
        {
            counts[Grid.IdxX] += amount;
        }
    }

    private static void DoubleAll(ArrayView<int> counts)
    {
        if (Group.IdxX == 0)
        {
            counts[Grid.IdxX] *= 2;
        }
    }

    private sealed class Counter(ComputeDevice device) : IDisposable
    {
        private readonly DeviceBuffer<int> _counts = new(device, Longest);
        private readonly Action<AcceleratorStream, KernelConfig, ArrayView<int>, int> _add = device.Load<ArrayView<int>, int>(
            Kernel(nameof(AddTo)));
        private readonly Action<AcceleratorStream, KernelConfig, ArrayView<int>> _double = device.Load<ArrayView<int>>(
            Kernel(nameof(DoubleAll)));

        public void Add(int groups, int amount) =>
            _add(device.Accelerator.DefaultStream, device.Launch(device.Tiles.Programs.First(), groups, replicas: 1), _counts.View, amount);

        public void Double(int groups) =>
            _double(device.Accelerator.DefaultStream, device.Launch(device.Tiles.Programs.First(), groups, replicas: 1), _counts.View);

        public int[] Read()
        {
            var values = new int[Longest];
            _counts.View.CopyToCPU(values);
            return values;
        }

        public void Dispose() => _counts.Dispose();

        private static MethodInfo Kernel(string name) =>
            typeof(CpuLaunchesTests).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;
    }
}
