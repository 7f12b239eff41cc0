using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The kernels of a network, compiled for a device when they are first launched. Options become type arguments here and nowhere else.</summary>
internal sealed class NetworkKernels
{
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, DenseBlockArguments>> _dense;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, DenseBlockArguments, BatchGather>> _firstDense;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, DeltaProjection, int>> _denseBackward;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChannelBlockArguments>> _channels;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, BatchGather>> _firstChannels;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, ChannelLink>> _channelBackward;

    public NetworkKernels(ComputeDevice device, ActivationFunction activation, TrainingOptions options)
    {
        var tiles = device.Tiles.Type;
        Type[] step =
        [
            tiles,
            TypeOf(activation),
            TypeOf(options.WeightOptimizer),
            TypeOf(options.Rule.LearnsFeedback ? options.FeedbackOptimizer : OptimizerKind.Sgd),
            TypeOf(options.Rule),
        ];
        Type[] backward = [tiles, TypeOf(activation)];
        _dense = new(() => device.Load<DenseBlockArguments>(Kernel(typeof(DenseBlockStep), nameof(DenseBlockStep.Run), step)));
        _firstDense = new(() => device.Load<DenseBlockArguments, BatchGather>(Kernel(typeof(DenseBlockStep), nameof(DenseBlockStep.RunFirst), step)));
        _denseBackward = new(() => device.Load<DeltaProjection, int>(Kernel(typeof(Kernels.Dense.DenseBackward), nameof(Kernels.Dense.DenseBackward.Run), backward)));
        _channels = new(() => device.Load<ChannelBlockArguments>(Kernel(typeof(ChannelBlockStep), nameof(ChannelBlockStep.Run), step)));
        _firstChannels = new(() => device.Load<ChannelBlockArguments, BatchGather>(
            Kernel(typeof(ChannelBlockStep), nameof(ChannelBlockStep.RunFirst), step)));
        _channelBackward = new(() => device.Load<ChannelBlockArguments, ChannelLink>(
            Kernel(typeof(Kernels.Channels.ChannelBackward), nameof(Kernels.Channels.ChannelBackward.Run), backward)));
        Output = device.Load<DenseBlockArguments, LossArguments>(Kernel(
            typeof(DenseOutputStep), nameof(DenseOutputStep.Run), [tiles, TypeOf(options.WeightOptimizer), TypeOf(options.Loss), TypeOf(options.Rule)]));
        Gather = device.Load<BatchGather>(Kernel(typeof(BatchGather), nameof(BatchGather.Run), [tiles]));
    }

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments> Dense => _dense.Value;

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments, BatchGather> FirstDense => _firstDense.Value;

    public Action<AcceleratorStream, KernelConfig, DeltaProjection, int> DenseBackward => _denseBackward.Value;

    public Action<AcceleratorStream, KernelConfig, ChannelBlockArguments> Channels => _channels.Value;

    public Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, BatchGather> FirstChannels => _firstChannels.Value;

    public Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, ChannelLink> ChannelBackward => _channelBackward.Value;

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments, LossArguments> Output { get; }

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
