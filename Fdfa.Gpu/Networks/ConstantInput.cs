using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The constant input 1 whose weights are the biases: written once, never overwritten by a kernel.</summary>
internal static class ConstantInput
{
    /// <summary>In each replica of a buffer that is zero (or not there), writes 1 at first, first + stride, …, count times.</summary>
    public static void Write(ArrayView<float> view, int replicas, long first, int stride, int count, long replicaLength)
    {
        if (view.Length == 0)
        {
            return;
        }

        var values = new float[((count - 1) * stride) + 1];
        for (var i = 0; i < count; i++)
        {
            values[i * stride] = 1f;
        }

        for (var replica = 0; replica < replicas; replica++)
        {
            view.SubView((replica * replicaLength) + first, values.Length).CopyFromCPU(values);
        }
    }
}
