using System.Diagnostics;
using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Measurement;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Measurement;

/// <summary>What a device can do at most, measured: the ruler for the floors.</summary>
/// <param name="OperationsPerSecond">Single-precision multiply-adds, two operations each, from registers.</param>
/// <param name="BytesPerSecond">Reading and writing a buffer far larger than the caches, both counted.</param>
/// <param name="NormalsPerSecond">Normal perturbations drawn and added up, nothing else.</param>
public sealed record PeakRates(double OperationsPerSecond, double BytesPerSecond, double NormalsPerSecond)
{
    private const int Repetitions = 5;

    /// <summary>The kernels that measure a GPU.</summary>
    internal static IEnumerable<MethodInfo> Kernels =>
        typeof(PeakKernels).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly);

    /// <summary>Measures; the best of several runs, because a peak is what interference takes away from.</summary>
    public static PeakRates Measure(ComputeDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.IsProcessor ? MeasureProcessor() : MeasureGpu(device);
    }

    private static PeakRates MeasureProcessor()
    {
        const long Rounds = 20_000_000;
        const long Floats = 32L << 20;
        var threads = Environment.ProcessorCount;
        var operations = 2.0 * Rounds * FmaChain.Accumulators * FmaChain.Lanes * threads;
        var perSecond = operations / Fastest(() => RunOnAll(threads, _ => FmaChain.Run(Rounds)));
        var share = Floats / threads / Padding.Unit * Padding.Unit;
        var bandwidth = 2.0 * sizeof(float) * share * threads / FastestSweep(threads, share);
        const int Draws = 20_000;
        var normals = 4.0 * Draws * Draw.Lanes * threads / Fastest(() => RunOnAll(threads, _ => Draw.Run(Draws)));
        return new PeakRates(perSecond, bandwidth, normals);
    }

    private static unsafe double FastestSweep(int threads, long share)
    {
        var memory = (float*)NativeMemory.AlignedAlloc((nuint)(share * threads * sizeof(float)), Padding.Unit * sizeof(float));
        try
        {
            var address = (nint)memory;
            RunOnAll(threads, thread => new Span<float>((float*)address + (thread * share), (int)share).Clear());
            return Fastest(() => RunOnAll(threads, thread => Sweep((float*)address + (thread * share), share)));
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private static unsafe void Sweep(float* values, long count)
    {
        var one = new Vector<float>(1f);
        for (var i = 0L; i < count; i += Vector<float>.Count)
        {
            (Vector.LoadAligned(values + i) + one).StoreAligned(values + i);
        }
    }

    private static PeakRates MeasureGpu(ComputeDevice device)
    {
        const int Groups = 4096;
        const int GroupSize = 256;
        const int Rounds = 1024;
        const int Floats = 256 << 20;
        var accelerator = device.Accelerator;
        using var buffer = new DeviceBuffer<float>(device, Math.Min(Floats, device.Info.MemoryBytes / 16 / sizeof(float)));
        var fma = accelerator.LoadStreamKernel<ArrayView<float>, int>(PeakKernels.MultiplyAdd);
        var sweep = accelerator.LoadStreamKernel<ArrayView<float>>(PeakKernels.Sweep);
        var operations = 2.0 * PeakKernels.Accumulators * PeakKernels.Repetitions * Rounds * Groups * GroupSize;
        var perSecond = operations / Fastest(() =>
        {
            fma((Groups, GroupSize), buffer.View, Rounds);
            accelerator.Synchronize();
        });
        var bandwidth = 2.0 * buffer.View.LengthInBytes / Fastest(() =>
        {
            sweep((Groups, GroupSize), buffer.View);
            accelerator.Synchronize();
        });
        var draw = accelerator.LoadStreamKernel<ArrayView<float>, int>(PeakKernels.Draw);
        var normals = 4.0 * Rounds * Groups * GroupSize / Fastest(() =>
        {
            draw((Groups, GroupSize), buffer.View, Rounds);
            accelerator.Synchronize();
        });
        return new PeakRates(perSecond, bandwidth, normals);
    }

    private static double Fastest(Action work)
    {
        work();
        var best = double.PositiveInfinity;
        for (var i = 0; i < Repetitions; i++)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static void RunOnAll(int threads, Action<int> work)
    {
        var others = Enumerable.Range(1, threads - 1).Select(thread =>
        {
            var worker = new Thread(() => work(thread));
            worker.Start();
            return worker;
        }).ToArray();
        work(0);
        foreach (var worker in others)
        {
            worker.Join();
        }
    }

    // Twelve independent sums cover the latency of two multiply-adds a cycle.
    private static class FmaChain
    {
        public const int Accumulators = 12;

        private static int s_sink;

        public static int Lanes => Vector512.IsHardwareAccelerated ? Vector512Lanes.Count : NativeLanes.Count;

        public static void Run(long rounds)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                Run<Vector512<float>, Vector512<uint>, Vector512Lanes>(rounds);
            }
            else
            {
                Run<Vector<float>, Vector<uint>, NativeLanes>(rounds);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Run<TLane, TBits, TLanes>(long rounds)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            TLane f = TLanes.Broadcast(0.999f), a = f, b = f, c = f, d = f, e = f, g = f, h = f, i = f, j = f, k = f, l = f, m = f;
            for (var round = 0L; round < rounds; round++)
            {
                a = TLanes.MultiplyAdd(a, f, f);
                b = TLanes.MultiplyAdd(b, f, f);
                c = TLanes.MultiplyAdd(c, f, f);
                d = TLanes.MultiplyAdd(d, f, f);
                e = TLanes.MultiplyAdd(e, f, f);
                g = TLanes.MultiplyAdd(g, f, f);
                h = TLanes.MultiplyAdd(h, f, f);
                i = TLanes.MultiplyAdd(i, f, f);
                j = TLanes.MultiplyAdd(j, f, f);
                k = TLanes.MultiplyAdd(k, f, f);
                l = TLanes.MultiplyAdd(l, f, f);
                m = TLanes.MultiplyAdd(m, f, f);
            }

            // Read by nobody, but the compiler cannot know.
            s_sink = (a, b, c, d, e, g, h, i, j, k, l, m).GetHashCode();
        }
    }

    private static class Draw
    {
        private static int s_sink;

        public static int Lanes => FmaChain.Lanes;

        public static void Run(int rounds)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                Run<Vector512<float>, Vector512<uint>, Vector512Lanes>(rounds);
            }
            else
            {
                Run<Vector<float>, Vector<uint>, NativeLanes>(rounds);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Run<TLane, TBits, TLanes>(int rounds)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var noise = new PerturbationNoise { Step = 1 };
            var sum = TLanes.Broadcast(0f);
            for (var round = 0; round < rounds; round++)
            {
                var values = noise.Sample<TLane, TBits, TLanes>(
                    PerturbationNoise.OfWeights, TLanes.Indices(), TLanes.BroadcastBits((uint)round), 0);
                sum = TLanes.Add(TLanes.Add(sum, values.First), TLanes.Add(values.Second, TLanes.Add(values.Third, values.Fourth)));
            }

            s_sink = sum.GetHashCode();
        }
    }
}
