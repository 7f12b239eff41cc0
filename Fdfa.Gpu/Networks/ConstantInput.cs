using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The constant input 1 whose weights are the biases: written once, never overwritten by a kernel.</summary>
internal static class ConstantInput
{
    /// <summary>In each replica, writes 1 at first, first + stride, …, count times.</summary>
    public static void Write(ArrayView<float> view, int replicas, int first, int stride, int count, int replicaLength)
    {
        var values = new float[replicaLength];
        for (var i = 0; i < count; i++)
        {
            values[first + (i * stride)] = 1f;
        }

        for (var replica = 0; replica < replicas; replica++)
        {
            view.SubView((long)replica * replicaLength, replicaLength).CopyFromCPU(values);
        }
    }
}
