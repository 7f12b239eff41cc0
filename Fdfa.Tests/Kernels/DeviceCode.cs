using System.Reflection;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Augmentation;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Measurement;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Tests.Kernels;

/// <summary>Translates kernels without a device.</summary>
internal static class DeviceCode
{
    /// <summary>The rules as kernels know them, and whether they teach feedback: without, the feedback optimizer is SGD by convention.</summary>
    private static readonly (Type Rule, bool LearnsFeedback)[] s_rules =
    [
        (typeof(BackwardChainRule), false),
        (typeof(FixedFeedbackRule), false),
        (typeof(KolenPollackRule), true),
        (typeof(ForwardDirectFeedbackRule), true),
        (typeof(ForwardLayerwiseFeedbackRule), true),
        (typeof(ActivityPerturbedRule), false),
        (typeof(WeightPerturbedRule), false),
    ];

    /// <summary>The kernels of any block but the last, and of the first, of dense blocks and of those with channels.</summary>
    private static readonly string[] s_blockSteps = [nameof(DenseBlockStep.Run), nameof(DenseBlockStep.RunFirst)];

    /// <summary>Every kernel that the library can launch on a GPU, with the combinations of type arguments that make other code of it.</summary>
    /// <remarks>
    /// What a first block's kernel has besides the others' is <see cref="BatchGather"/>, which knows neither rule nor activation: it is there with
    /// every rule and optimizer, but with one activation only, which saves three eighths of the time.
    /// </remarks>
    public static IEnumerable<MethodInfo> Kernels()
    {
        var tiles = typeof(SimtTiles<Four, Sixteen, Sixteen>);
        Type[] activations = [typeof(Identity), typeof(ReLU), typeof(ReLUOpenAtZero), typeof(Tanh)];
        Type[] optimizers = [typeof(Sgd), typeof(Adam)];
        Type[] losses = [typeof(SoftmaxCrossEntropy), typeof(MeanSquaredError)];
        yield return typeof(PeakKernels).GetMethod(nameof(PeakKernels.MultiplyAdd))!;
        yield return typeof(PeakKernels).GetMethod(nameof(PeakKernels.Sweep))!;
        yield return typeof(PeakKernels).GetMethod(nameof(PeakKernels.Draw))!;
        yield return Kernel(typeof(BatchGather), nameof(BatchGather.Run), tiles);
        yield return Kernel(typeof(CropDraw), nameof(CropDraw.Run), tiles);
        yield return Kernel(typeof(AugmentedGather), nameof(AugmentedGather.Run), tiles);
        foreach (var activation in activations)
        {
            yield return Kernel(typeof(DenseBackward), nameof(DenseBackward.Run), tiles, activation);
            yield return Kernel(typeof(ChannelBackward), nameof(ChannelBackward.Run), tiles, activation);
            foreach (var optimizer in optimizers)
            {
                foreach (var (rule, learnsFeedback) in s_rules)
                {
                    foreach (var feedbackOptimizer in learnsFeedback ? optimizers : [typeof(Sgd)])
                    {
                        foreach (var name in activation == typeof(ReLU) ? s_blockSteps : s_blockSteps[..1])
                        {
                            yield return Kernel(typeof(DenseBlockStep), name, tiles, activation, optimizer, feedbackOptimizer, rule);

                            // L-FDFA has kernels for dense networks only.
                            if (rule != typeof(ForwardLayerwiseFeedbackRule) && IsShown(name, activation, optimizer, learnsFeedback ? feedbackOptimizer : optimizer))
                            {
                                yield return Kernel(typeof(ChannelBlockStep), name, tiles, activation, optimizer, feedbackOptimizer, rule);
                            }
                        }
                    }
                }
            }
        }

        foreach (var optimizer in optimizers)
        {
            foreach (var loss in losses)
            {
                foreach (var (rule, _) in s_rules)
                {
                    yield return Kernel(typeof(DenseOutputStep), nameof(DenseOutputStep.Run), tiles, optimizer, loss, rule);
                }
            }
        }
    }

    // Channels' kernels take most of the time, and optimizers and activation never meet in them: every rule is there with every optimizer, and with every
    // activation, but not with every pair of the two.
    private static bool IsShown(string name, Type activation, Type optimizer, Type feedbackOptimizer) =>
        (activation == typeof(ReLU) && name == nameof(ChannelBlockStep.Run)) || (optimizer == typeof(Adam) && feedbackOptimizer == typeof(Adam));

    /// <summary>The kernel a training run of the paper's networks spends its time in.</summary>
    public static MethodInfo BlockStep() => Kernel(
        typeof(DenseBlockStep), nameof(DenseBlockStep.Run), typeof(SimtTiles<Four, Sixteen, Sixteen>), typeof(ReLU), typeof(Adam), typeof(Adam), typeof(ForwardDirectFeedbackRule));

    public static string Name(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}.{kernel.Name}<{string.Join(", ", kernel.GetGenericArguments().Skip(1).Select(type => type.Name))}>";

    /// <summary>PTX as for CUDA.</summary>
    public static string Ptx(MethodInfo kernel, Context context)
    {
        var architecture = CudaArchitecture.SM_80;
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, nvvmAPI: null);
        return ((PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default)).PTXAssembly;
    }

    /// <summary>OpenCL C, with its barriers put right as the library does.</summary>
    public static string OpenCl(MethodInfo kernel, Context context)
    {
        var capabilities = new CLCapabilityContext(
            float16: false, float64: false, genericAddressSpace: true, int64_Atomics: false, subGroups: false);
        using var backend = new CLBackend(context, capabilities, CLDeviceVendor.Other, CLCVersion.CL20);
        var compiled = (CLCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
        OpenClBarriers.OrderSharedMemory(compiled);
        return compiled.Source;
    }

    /// <summary>A context as the library has it for CUDA (O1) or OpenCL (O2). Methods that kernels share are translated once in each.</summary>
    public static Context CreateContext(OptimizationLevel level) => Context.Create(builder => builder.EnableAlgorithms().Optimize(level));

    private static MethodInfo Kernel(Type type, string name, params Type[] typeArguments) =>
        type.GetMethod(name, BindingFlags.Public | BindingFlags.Static)!.MakeGenericMethod(typeArguments);
}
