using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Devices;

/// <summary>What every ILGPU context that translates kernels must know.</summary>
internal static class KernelContext
{
    /// <summary>Adds the functions that kernels call.</summary>
    public static Context.Builder EnableKernels(this Context.Builder builder, OptimizationLevel level) =>
        builder.EnableAlgorithms().EnableFusedMath().EnableTensorCores().Optimize(level);
}
