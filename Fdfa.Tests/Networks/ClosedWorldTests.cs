using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Exchange;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Networks;

namespace Fdfa.Tests.Networks;

/// <summary>
/// What asks an enumeration takes each of its members, and refuses what is none: a member that is added is never taken for another.
/// </summary>
/// <remarks>
/// What a member computes is compared where every value of every option is in a case (<see cref="NetworkAgreementTests"/>), and operation
/// by operation (<see cref="Operations.MathematicsTests"/>). Here is what falls to no comparison: words, files, sizes and costs.
/// </remarks>
public sealed class ClosedWorldTests
{
    private static readonly NetworkDescription s_network = Topology.Parse("3C3-P2-5-4", inputShape: new(1, 6, 6));

    private static readonly (string Name, Action<int> Ask, Type Members)[] s_consumers =
    [
        Asked<ActivationFunction>("its facts", value => Activation.Of(value)),
        Asked<ActivationFunction>("its word", value => OptionWords.Activations.Read(OptionWords.Activations.Of(value))),
        Asked<ActivationFunction>("its kernel", value => _ = new KernelChoice(typeof(DirectTiles), value, new TrainingOptions())),
        Asked<ActivationFunction>("its ONNX", value => OnnxFile.AddActivation(new OnnxGraph(), "activation", value)),
        Asked<OptimizerKind>("its facts", value => Optimizer.Of(value).Create(3, new TrainingOptions())),
        Asked<OptimizerKind>("its word", value => OptionWords.Optimizers.Read(OptionWords.Optimizers.Of(value))),
        Asked<OptimizerKind>("its numbers", value => KernelChoice.StepOf(value, new(0.1, 1, 0.9, 0.01))),
        Asked<OptimizerKind>(
            "its memory",
            value => NetworkMemory.Of(s_network, new TrainingOptions { WeightOptimizer = value, FeedbackOptimizer = value }, 1)),
        Asked<OptimizerKind>("its cost", value => StepCost.Of(s_network, new TrainingOptions { WeightOptimizer = value })),
        Asked<LearningRateSchedule>("its rate", value => new TrainingOptions { Schedule = value }.LearningRateAt(3)),
        Asked<LearningRateSchedule>("its word", value => OptionWords.Schedules.Read(OptionWords.Schedules.Of(value))),
        Asked<LossFunction>("its mathematics", value => LossCatalogue.Find(value)),
        Asked<LossFunction>("its word", value => OptionWords.Losses.Read(OptionWords.Losses.Of(value))),
        Asked<LossFunction>(
            "its kernel",
            value => _ = new KernelChoice(typeof(DirectTiles), ActivationFunction.ReLU, new TrainingOptions { Loss = value })),
        Asked<LossFunction>("its axis", value => new Curves("", value, []).Draw().Dispose()),
        Asked<Initialisation>(
            "its bound", value => Initialiser.Create(s_network, new TrainingOptions { WeightInitialisation = value }, seed: 0)),
        Asked<Initialisation>("its word", value => OptionWords.Initialisations.Read(OptionWords.Initialisations.Of(value))),
        Asked<BiasInitialisation>("its start", value => _ = new TrainingOptions { BiasInitialisation = value }.BiasesStartAtZero),
        Asked<BiasInitialisation>("its word", value => OptionWords.BiasInitialisations.Read(OptionWords.BiasInitialisations.Of(value))),
        Asked<FeedbackOrder>("its order", value => _ = new TrainingOptions { FeedbackOrder = value }.UpdatesFeedbackFirst),
        Asked<FeedbackOrder>("its word", value => OptionWords.FeedbackOrders.Read(OptionWords.FeedbackOrders.Of(value))),
        Asked<NoiseDistribution>("its numbers", value => new PerturbationNoise(1, 1, value).OfActivation(1, 0, 0)),
        Asked<NoiseDistribution>("its word", value => OptionWords.Noises.Read(OptionWords.Noises.Of(value))),
        Asked<WeightNoise>("its share", value => _ = new TrainingOptions { WeightNoise = value }.HasWeightNoisePerSample),
        Asked<WeightNoise>("its word", value => OptionWords.WeightNoises.Read(OptionWords.WeightNoises.Of(value))),
        Asked<OutputGradient>(
            "its output",
            value => new TrainingOptions { Rule = LearningRule.ActivityPerturbedForwardGradient, OutputGradient = value }.Perturbs(
                isOutput: true)),
        Asked<OutputGradient>("its word", value => OptionWords.OutputGradients.Read(OptionWords.OutputGradients.Of(value))),
        Asked<PerturbationSite>("its place", value => BlockPerturbation.At(value, [1])),
        Asked<PerturbationSite>("its size", value => s_network.Blocks[0].SizeAt(value)),
        Asked<PerturbationSite>("its word", value => OptionWords.PerturbationSites.Read(OptionWords.PerturbationSites.Of(value))),
    ];

    public static TheoryData<string> Names => [.. s_consumers.Select(consumer => consumer.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_member_is_taken_and_nothing_else(string name)
    {
        var (_, ask, members) = s_consumers.Single(consumer => consumer.Name == name);
        int[] known = [.. Enum.GetValues(members).Cast<int>()];

        Assert.All(known, ask);
        Assert.NotNull(Record.Exception(() => ask(known.Max() + 1)));
    }

    /// <summary>An enumeration that an option is added for, or that a network has, is asked about above.</summary>
    [Fact]
    public void Every_enumeration_of_options_and_networks_is_here()
    {
        IEnumerable<Type> options = typeof(TrainingOptions).GetProperties().Select(property => property.PropertyType)
            .Where(type => type.IsEnum);

        Assert.Subset(s_consumers.Select(consumer => consumer.Members).ToHashSet(), options.Append(typeof(ActivationFunction)).ToHashSet());
    }

    private static (string Name, Action<int> Ask, Type Members) Asked<TEnum>(string what, Action<TEnum> ask)
        where TEnum : struct, Enum => ($"{typeof(TEnum).Name}: {what}", value => ask((TEnum)(object)value), typeof(TEnum));
}
