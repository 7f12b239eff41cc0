using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The kernels of a dense network, compiled for a device. Options become type arguments here and nowhere else.</summary>
internal sealed class DenseKernels
{
    public DenseKernels(ComputeDevice device, ActivationFunction activation, TrainingOptions options)
    {
        var step = new[]
        {
            device.Tiles.Type,
            TypeOf(activation),
            TypeOf(options.WeightOptimizer),
            TypeOf(options.Rule.LearnsFeedback ? options.FeedbackOptimizer : OptimizerKind.Sgd),
            TypeOf(options.Rule),
        };
        Hidden = device.Load<DenseBlockArguments>(Kernel(typeof(DenseBlockStep), nameof(DenseBlockStep.Run), step));
        First = device.Load<DenseBlockArguments, BatchGather>(Kernel(typeof(DenseBlockStep), nameof(DenseBlockStep.RunFirst), step));
        Output = device.Load<DenseBlockArguments, LossArguments>(
            Kernel(typeof(DenseOutputStep), nameof(DenseOutputStep.Run), [device.Tiles.Type, TypeOf(options.WeightOptimizer), TypeOf(options.Loss), TypeOf(options.Rule)]));
        Backward = device.Load<DeltaProjection, int>(Kernel(typeof(DenseBackward), nameof(DenseBackward.Run), [device.Tiles.Type, TypeOf(activation)]));
        Gather = device.Load<BatchGather>(Kernel(typeof(BatchGather), nameof(BatchGather.Run), [device.Tiles.Type]));
    }

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments> Hidden { get; }

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments, BatchGather> First { get; }

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments, LossArguments> Output { get; }

    public Action<AcceleratorStream, KernelConfig, DeltaProjection, int> Backward { get; }

    public Action<AcceleratorStream, KernelConfig, BatchGather> Gather { get; }

    private static MethodInfo Kernel(Type type, string name, Type[] typeArguments) =>
        type.GetMethod(name, BindingFlags.Public | BindingFlags.Static)!.MakeGenericMethod(typeArguments);

    private static Type TypeOf(ActivationFunction activation) => activation switch
    {
        ActivationFunction.Identity => typeof(Identity),
        ActivationFunction.ReLU => typeof(ReLU),
        ActivationFunction.ReLUOpenAtZero => typeof(ReLUOpenAtZero),
        ActivationFunction.Tanh => typeof(Tanh),
        _ => throw new InvalidOptionException($"There is no kernel for the activation function {activation}."),
    };

    private static Type TypeOf(OptimizerKind optimizer) => optimizer switch
    {
        OptimizerKind.Sgd => typeof(Sgd),
        OptimizerKind.Adam => typeof(Adam),
        _ => throw new InvalidOptionException($"There is no kernel for the optimizer {optimizer}."),
    };

    private static Type TypeOf(LossFunction loss) => loss switch
    {
        LossFunction.SoftmaxCrossEntropy => typeof(SoftmaxCrossEntropy),
        LossFunction.MeanSquaredError => typeof(MeanSquaredError),
        _ => throw new InvalidOptionException($"There is no kernel for the loss {loss}."),
    };

    private static Type TypeOf(LearningRule rule) => (rule.Injection, rule.ErrorSignal, rule.FeedbackUpdate) switch
    {
        (Injection.None, ErrorSignal.BackwardChain or ErrorSignal.LayerwiseFeedback, FeedbackUpdate.None) => typeof(BackwardChainRule),
        (Injection.None, ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets, FeedbackUpdate.None) => typeof(FixedFeedbackRule),
        (Injection.None, ErrorSignal.DirectFeedback, FeedbackUpdate.KolenPollack) => typeof(KolenPollackRule),
        (Injection.HiddenActivations, ErrorSignal.DirectFeedback, FeedbackUpdate.ForwardGradient) => typeof(ForwardDirectFeedbackRule),
        (Injection.HiddenActivations, ErrorSignal.LayerwiseFeedback, FeedbackUpdate.ForwardGradient) => typeof(ForwardLayerwiseFeedbackRule),
        (Injection.AllActivations, ErrorSignal.ForwardGradient or ErrorSignal.LocalForwardGradient, FeedbackUpdate.None) => typeof(ActivityPerturbedRule),
        (Injection.Weights, ErrorSignal.ForwardGradient, FeedbackUpdate.None) => typeof(WeightPerturbedRule),
        _ => throw new InvalidOptionException($"There are no kernels for the learning rule {rule.Name}."),
    };
}
