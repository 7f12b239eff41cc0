using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;

namespace Fdfa.Gpu.Networks;

/// <summary>The kernels of a network, as methods. Options become type arguments here and nowhere else.</summary>
internal sealed class KernelChoice
{
    private static readonly Dictionary<OptimizerKind, Func<OptimizerSettings, OptimizerStep>> s_steps = Enum.GetValues<OptimizerKind>()
        .ToDictionary(
            kind => kind,
            kind => TypeOf(kind).GetMethod(nameof(IOptimizer.StepAt))!.CreateDelegate<Func<OptimizerSettings, OptimizerStep>>());

    /// <param name="tiles">The tile program.</param>
    /// <param name="activation">Of the hidden blocks.</param>
    /// <param name="options">Rule, optimizers and loss.</param>
    /// <exception cref="InvalidOptionException">There is no kernel for one of them.</exception>
    public KernelChoice(Type tiles, ActivationFunction activation, TrainingOptions options)
    {
        Type[] step =
        [
            tiles,
            TypeOf(activation),
            TypeOf(options.WeightOptimizer),
            TypeOf(options.Rule.LearnsFeedback ? options.FeedbackOptimizer : OptimizerKind.Sgd),
            TypeOf(options.Rule),
        ];
        Type[] backward = [tiles, TypeOf(activation)];
        Dense = Kernel(typeof(DenseBlockStep), nameof(DenseBlockStep.Run), step);
        FirstDense = Kernel(typeof(DenseBlockStep), nameof(DenseBlockStep.RunFirst), step);
        DenseBackward = Kernel(typeof(Kernels.Dense.DenseBackward), nameof(Kernels.Dense.DenseBackward.Run), backward);
        Channels = Kernel(typeof(ChannelBlockStep), nameof(ChannelBlockStep.Run), step);
        FirstChannels = Kernel(typeof(ChannelBlockStep), nameof(ChannelBlockStep.RunFirst), step);
        ChannelBackward = Kernel(typeof(Kernels.Channels.ChannelBackward), nameof(Kernels.Channels.ChannelBackward.Run), backward);
        Output = Kernel(
            typeof(DenseOutputStep), nameof(DenseOutputStep.Run),
            [tiles, TypeOf(options.WeightOptimizer), TypeOf(options.Loss), TypeOf(options.Rule)]);
        Gather = Kernel(typeof(BatchGather), nameof(BatchGather.Run), [tiles]);
    }

    public MethodInfo Dense { get; }

    public MethodInfo FirstDense { get; }

    public MethodInfo DenseBackward { get; }

    public MethodInfo Channels { get; }

    public MethodInfo FirstChannels { get; }

    public MethodInfo ChannelBackward { get; }

    public MethodInfo Output { get; }

    public MethodInfo Gather { get; }

    /// <summary>
    /// The kernels that a network launches, each once: its hidden blocks', where the rule has a backward chain that chain's, and the ends.
    /// </summary>
    public static IEnumerable<MethodInfo> LaunchedBy(Type tiles, NetworkDescription network, TrainingOptions options)
    {
        DeviceSupport.Require(network, options.Rule);
        var choice = new KernelChoice(tiles, network.HiddenActivation, options);
        var holdsChannels = network.Blocks.SkipLast(1).Select(block => ChannelBlockBuffers.Holds(block, isOutput: false, options)).ToList();
        IEnumerable<MethodInfo> steps = holdsChannels.Select((channels, index) => (channels, index == 0) switch
        {
            (true, true) => choice.FirstChannels,
            (true, false) => choice.Channels,
            (false, true) => choice.FirstDense,
            (false, false) => choice.Dense,
        });
        var chain = options.Rule.HasBackwardChain
            ? holdsChannels.Select(channels => channels ? choice.ChannelBackward : choice.DenseBackward)
            : [];
        return steps.Append(choice.Output).Concat(chain).Append(choice.Gather).Distinct();
    }

    /// <summary>Every kernel that some network, rule and options launch.</summary>
    /// <remarks>Feedback that stays has no optimizer: one stands for all.</remarks>
    public static IEnumerable<MethodInfo> All(Type tiles) =>
        from rule in LearningRule.All
        from activation in Enum.GetValues<ActivationFunction>()
        from weightOptimizer in Enum.GetValues<OptimizerKind>()
        from feedbackOptimizer in rule.LearnsFeedback ? Enum.GetValues<OptimizerKind>() : [OptimizerKind.Sgd]
        from loss in Enum.GetValues<LossFunction>()
        let options = new TrainingOptions
        {
            Rule = rule,
            WeightOptimizer = weightOptimizer,
            FeedbackOptimizer = feedbackOptimizer,
            Loss = loss,
        }
        let choice = new KernelChoice(tiles, activation, options)
        let dense = new[] { choice.Gather, choice.Output, choice.Dense, choice.FirstDense, choice.DenseBackward }
        let channels = new[] { choice.Channels, choice.FirstChannels, choice.ChannelBackward }
        from kernel in DeviceSupport.HasChannelKernels(rule) ? dense.Concat(channels) : dense
        group kernel by kernel into same
        select same.Key;

    private static MethodInfo Kernel(Type type, string name, Type[] typeArguments) =>
        type.GetMethod(name, BindingFlags.Public | BindingFlags.Static)!.MakeGenericMethod(typeArguments);

    /// <summary>The numbers of an optimizer's step.</summary>
    public static OptimizerStep StepOf(OptimizerKind optimizer, OptimizerSettings settings) => s_steps[optimizer](settings);

    /// <summary>The kernels' mathematics has the names of the options that choose it.</summary>
    private static Type TypeOf<TOption>(TOption option)
        where TOption : struct, Enum =>
        typeof(IActivation).Assembly.GetType($"{typeof(IActivation).Namespace}.{option}")
        ?? throw new InvalidOptionException($"There is no kernel for the {typeof(TOption).Name} {option}.");

    private static Type TypeOf(LearningRule rule) => (rule.Injection, rule.ErrorSignal, rule.FeedbackUpdate) switch
    {
        (Injection.None, ErrorSignal.BackwardChain or ErrorSignal.LayerwiseFeedback, FeedbackUpdate.None) => typeof(BackwardChainRule),
        (Injection.None, ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets, FeedbackUpdate.None) => typeof(FixedFeedbackRule),
        (Injection.None, ErrorSignal.DirectFeedback, FeedbackUpdate.KolenPollack) => typeof(KolenPollackRule),
        (Injection.HiddenActivations, ErrorSignal.DirectFeedback, FeedbackUpdate.ForwardGradient) => typeof(ForwardDirectFeedbackRule),
        (Injection.HiddenActivations, ErrorSignal.LayerwiseFeedback, FeedbackUpdate.ForwardGradient) =>
            typeof(ForwardLayerwiseFeedbackRule),
        (Injection.AllActivations, ErrorSignal.ForwardGradient or ErrorSignal.LocalForwardGradient, FeedbackUpdate.None) =>
            typeof(ActivityPerturbedRule),
        (Injection.Weights, ErrorSignal.ForwardGradient, FeedbackUpdate.None) => typeof(WeightPerturbedRule),
        _ => throw new InvalidOptionException($"There are no kernels for the learning rule {rule.Name}."),
    };
}
