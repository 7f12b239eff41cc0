using ILGPU;

namespace Fdfa.Tests.Kernels;

/// <summary>Small kernels, each broken in one way that a gate must see, beside some that are whole.</summary>
internal static class BrokenKernels
{
    private const int Threads = 64;
    private const int Steps = 16;

    /// <summary>Four floats, loaded at once where the view is told so.</summary>
    public struct Quad
    {
        public float X;
        public float Y;
        public float Z;
        public float W;
    }

    /// <summary>The array leaves the registers.</summary>
    public static void IndexedLocalArray(ArrayView<float> values)
    {
        var array = LocalMemory.Allocate<float>(8);
        for (var i = 0; i < 8; i++)
        {
            array[i] = values[i];
        }

        for (var i = 0; i < 8; i++)
        {
            values[i] = array[(i * (int)values[8]) % 8];
        }
    }

    /// <summary>Translates, and calls what no device has.</summary>
    public static void UnresolvedCall(ArrayView<float> values) =>
        values[Group.IdxX] = MathF.FusedMultiplyAdd(values[Group.IdxX], values[64], values[65]);

    /// <summary>How often a thread goes round depends on where it has been: right at O1, a uniform branch at O2.</summary>
    public static void DivergentBranch(ArrayView<float> values, int limit)
    {
        var count = 1;
        if (values[Group.IdxX] > 0f)
        {
            values[Group.IdxX] = 1f;
            count = limit;
        }

        for (var i = 0; i < count; i++)
        {
            values[Threads + i] = 2f;
        }
    }

    /// <summary>The last threads are gone when the others wait for them.</summary>
    public static void BarrierBehindReturn(ArrayView<float> values, int count)
    {
        if (Group.IdxX >= count)
        {
            return;
        }

        var shared = SharedMemory.Allocate<float>(Threads);
        shared[Group.IdxX] = values[Group.IdxX];
        Group.Barrier();
        values[Group.IdxX] = shared[count - 1 - Group.IdxX];
    }

    /// <summary>The same with loads and stores guarded, and every thread at the barrier.</summary>
    public static void BarrierForAll(ArrayView<float> values, int count)
    {
        var shared = SharedMemory.Allocate<float>(Threads);
        if (Group.IdxX < count)
        {
            shared[Group.IdxX] = values[Group.IdxX];
        }

        for (var round = 0; round < count; round++)
        {
            Group.Barrier();
        }

        if (Group.IdxX < count)
        {
            values[Group.IdxX] = shared[count - 1 - Group.IdxX];
        }
    }

    /// <summary>The first threads stage an element each, and all are read.</summary>
    public static void StagedInPart(ArrayView<float> values, int count)
    {
        var shared = SharedMemory.Allocate<float>(Threads);
        if (Group.IdxX < count)
        {
            shared[Group.IdxX] = values[Group.IdxX];
        }

        Group.Barrier();
        values[Group.IdxX] = shared[Threads - 1 - Group.IdxX];
    }

    /// <summary>A tile of which a thread has one element: each multiply-add costs two loads.</summary>
    public static void OneSumPerThread(ArrayView<float> values)
    {
        var shared = SharedMemory.Allocate<float>((Steps + 1) * Threads);
        for (var item = Group.IdxX; item < (Steps + 1) * Threads; item += Threads)
        {
            shared[item] = values[item];
        }

        Group.Barrier();
        var sum = 0f;
        for (var step = 0; step < Steps; step++)
        {
            sum += shared[step] * shared[((step + 1) * Threads) + Group.IdxX];
        }

        values[Group.IdxX] = sum;
    }

    /// <summary>Four sums per thread, with sixteen bytes a load from both memories.</summary>
    public static void FourSumsPerThread(ArrayView<float> values)
    {
        var shared = SharedMemory.Allocate<Quad>((Steps + 1) * Threads);
        var quads = values.Cast<Quad>();
        for (var item = Group.IdxX; item < (Steps + 1) * Threads; item += Threads)
        {
            shared[item] = quads[item];
        }

        Group.Barrier();
        var sum = default(Quad);
        for (var step = 0; step < Steps; step++)
        {
            var left = shared[step];
            var right = shared[((step + 1) * Threads) + Group.IdxX];
            sum.X += left.X * right.X;
            sum.Y += left.Y * right.Y;
            sum.Z += left.Z * right.Z;
            sum.W += left.W * right.W;
        }

        quads[Group.IdxX] = sum;
    }

    /// <summary>What Mesa's compiler unrolls and gets wrong.</summary>
    public static void FourStores(ArrayView<float> values) => Store(values, 4);

    /// <summary>The same with a number that no compiler knows.</summary>
    public static void AnyStores(ArrayView<float> values, int count) => Store(values, count);

    private static void Store(ArrayView<float> values, int count)
    {
        var quads = values.Cast<Quad>();
        for (var i = 0; i < count; i++)
        {
            quads[i] = new Quad { X = i, Y = i, Z = i, W = i };
        }
    }

    /// <summary>More shared memory than a launch gets without asking for it.</summary>
    public static void MuchSharedMemory(ArrayView<float> values)
    {
        var shared = SharedMemory.Allocate<float>(13_000);
        shared[Group.IdxX] = values[Group.IdxX];
        Group.Barrier();
        values[Group.IdxX] = shared[Threads - 1 - Group.IdxX];
    }
}
