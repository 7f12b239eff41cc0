using System.Numerics;
using System.Reflection;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Tests.Operations;

/// <summary>An operation with its arguments.</summary>
internal interface IOperation
{
    void Run<TTiles>()
        where TTiles : struct, ITileProgram;
}

/// <summary>Buffers on a device, and operations that are run on them.</summary>
/// <remarks>
/// Numbers are whole and small: every sum of their products is exact in single precision, in whatever order it is added up, so that a
/// result is the reference's to the bit or wrong. What an operation must not use is NaN, what it must not write is <see cref="Untouched"/>.
/// </remarks>
internal sealed class OperationRun(ComputeDevice device) : IDisposable
{
    /// <summary>What stands where nothing may be written.</summary>
    public const float Untouched = -77;

    private readonly List<IDisposable> _buffers = [];
    private readonly Random _random = new(1);

    /// <summary>Whole numbers from −3 to 3.</summary>
    public float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)_random.Next(-3, 4))];

    /// <summary>Numbers between −bound and bound, for what is not a sum of products.</summary>
    public float[] DrawReal(int count, double bound) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(bound * ((2 * _random.NextDouble()) - 1)))];

    /// <summary>A matrix whose rows are further apart than they are long; between them is what is used by mistake.</summary>
    public float[] Draw(int rows, int columns, int stride)
    {
        var values = Draw(rows * stride);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = i % stride < columns ? values[i] : float.NaN;
        }

        return values;
    }

    public ArrayView<T> Upload<T>(T[] values)
        where T : unmanaged
    {
        var buffer = new DeviceBuffer<T>(device, values.Length);
        _buffers.Add(buffer);
        var view = buffer.View.SubView(0, values.Length);
        if (values.Length > 0)
        {
            view.CopyFromCPU(values);
        }

        return view;
    }

    /// <summary>Memory for a result.</summary>
    public ArrayView<float> Target(int length) => Upload(Filled(length));

    /// <summary>What is expected before anything has been written.</summary>
    public static float[] Filled(int length) => [.. Enumerable.Repeat(Untouched, length)];

    /// <summary>Launches a kernel of the operation alone, with this device's tile program.</summary>
    public void Launch<TOperation>(TOperation operation, int groups = 1, int replicas = 1)
        where TOperation : struct, IOperation
    {
        var tiles = device.Tiles.Programs.First();
        var kernel = typeof(OperationRun).GetMethod(nameof(Kernel))!.MakeGenericMethod(tiles.Type, typeof(TOperation));
        device.Load<TOperation>(kernel)(device.Accelerator.DefaultStream, device.Launch(tiles, groups, replicas), operation);
        device.Accelerator.Synchronize();
    }

    public static void Kernel<TTiles, TOperation>(TOperation operation)
        where TTiles : struct, ITileProgram
        where TOperation : struct, IOperation => operation.Run<TTiles>();

    /// <summary>Calls a generic method of a test with types that are known when it runs.</summary>
    public static void Call(object test, string method, Type type, params object[] arguments) => test.GetType()
        .GetMethod(method, BindingFlags.NonPublic | BindingFlags.Instance)!.MakeGenericMethod(type)
        .Invoke(test, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    /// <summary>A buffer holds what is expected of it, to the bit.</summary>
    public static void AssertEqual<T>(T[] expected, ArrayView<T> view)
        where T : unmanaged, INumber<T>
    {
        var actual = Download(view);
        var wrong = Enumerable.Range(0, expected.Length)
            .Where(i => expected[i] != actual[i] && !(T.IsNaN(expected[i]) && T.IsNaN(actual[i]))).ToList();
        Assert.True(
            wrong.Count == 0,
            wrong.Count == 0
                ? null
                : $"{wrong.Count} of {expected.Length} differ, first at {wrong[0]}: {actual[wrong[0]]} instead of {expected[wrong[0]]}.");
    }

    /// <summary>A buffer holds what is expected of it but for rounding.</summary>
    /// <param name="expected">In double precision.</param>
    /// <param name="view">The device's.</param>
    /// <param name="tolerance">Of each number, relative to the number or to 1, whichever is larger.</param>
    public static void AssertClose(double[] expected, ArrayView<float> view, double tolerance)
    {
        var actual = Download(view);
        var errors = expected.Select(
            (value, i) => value.Equals(actual[i]) ? 0 : Math.Abs(actual[i] - value) / Math.Max(Math.Abs(value), 1)).ToList();
        var first = errors.FindIndex(error => !(error <= tolerance));
        Assert.True(
            first < 0,
            first < 0 ? null : $"First at {first}: {actual[first]:R} instead of {expected[first]:R}; "
                + $"the largest error is {errors.Max():E1}, and {tolerance:E1} is allowed.");
    }

    public static void ForEach(int begin, int end, int columns, Action<int, int> action)
    {
        for (var i = 0; i < (end - begin) * columns; i++)
        {
            action(begin + (i / columns), i % columns);
        }
    }

    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    public static T[] Download<T>(ArrayView<T> view)
        where T : unmanaged
    {
        var values = new T[view.Length];
        view.CopyToCPU(values);
        return values;
    }
}
