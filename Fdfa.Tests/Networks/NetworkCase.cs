using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Networks;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Networks;

/// <summary>A network, a rule with all that it can be told, and a tile program: a case of the covering design.</summary>
internal sealed class NetworkCase
{
    // Of fewer samples a variance can be nothing but rounding.
    private const int FewestNormalized = 8;

    private static readonly Factor<LearningRule> s_rule = new("rule", LearningRule.All);
    private static readonly Factor<NetworkShape> s_shape = new("network", NetworkShape.All);
    private static readonly Factor<bool> s_normalization = new("batch norm", [false, true]);
    private static readonly Factor<int> s_batch = new("batch", [8, 1, 5, 17, 31]);
    private static readonly Factor<Preset> s_preset = new("preset", Preset.All);
    private static readonly Factor<ActivationFunction> s_activation = OfEnum<ActivationFunction>("activation");
    private static readonly Factor<BiasInitialisation> s_biases = OfEnum<BiasInitialisation>("biases from");
    private static readonly Factor<OptimizerKind> s_weightOptimizer = OfEnum<OptimizerKind>("weights by");
    private static readonly Factor<OptimizerKind> s_feedbackOptimizer = OfEnum<OptimizerKind>("feedback by");
    private static readonly Factor<double> s_momentum = new("momentum", [0.9, 0.5]);
    private static readonly Factor<double> s_weightDecay = new("weight decay", [0.01, 1]);
    private static readonly Factor<LearningRateSchedule> s_schedule = OfEnum<LearningRateSchedule>("schedule");
    private static readonly Factor<int> s_period = new("period", [2, 1]);
    private static readonly Factor<int> s_warmup = new("warm-up", [0, 1]);
    private static readonly Factor<FeedbackOrder> s_order = OfEnum<FeedbackOrder>("order");
    private static readonly Factor<Initialisation> s_feedback = new(
        "feedback from", [.. Enum.GetValues<Initialisation>().OrderBy(start => start == Initialisation.Zeros)]);
    private static readonly Factor<double> s_decay = new("feedback decay", [0, 0.1]);
    private static readonly Factor<LossFunction> s_loss = OfEnum<LossFunction>("loss");
    private static readonly Factor<(int Count, bool Antithetic)> s_perturbations = new(
        "K, antithetic", [(1, false), (2, true), (3, false)]);
    private static readonly Factor<NoiseDistribution> s_noise = OfEnum<NoiseDistribution>("noise");
    private static readonly Factor<WeightNoise> s_weightNoise = OfEnum<WeightNoise>("V");
    private static readonly Factor<OutputGradient> s_outputGradient = OfEnum<OutputGradient>("output");
    private static readonly Factor<PerturbationSite> s_site = OfEnum<PerturbationSite>("site");
    private static readonly Factor<int> s_replicas = new("replicas", [1, 2]);
    private static readonly Factor<string> s_tiles = new("tiles", CpuAccelerators.TilePrograms);

    private static readonly IFactor[] s_factors =
    [
        s_rule, s_shape, s_normalization, s_batch, s_preset, s_activation, s_biases, s_weightOptimizer, s_feedbackOptimizer, s_momentum,
        s_weightDecay, s_schedule, s_period, s_warmup, s_order, s_feedback, s_decay,
        s_loss, s_perturbations, s_noise, s_weightNoise, s_outputGradient, s_site, s_replicas, s_tiles,
    ];

    private readonly int[] _values;

    static NetworkCase()
    {
        foreach (var (place, factor) in s_factors.Index())
        {
            factor.Place = place;
        }

        Design = new CoveringDesign([.. s_factors.Select(factor => factor.Count)], IsPossible);
        Covering = [.. Design.Cases.Select(values => new NetworkCase(values))];
    }

    private NetworkCase(int[] values) => _values = values;

    /// <summary>The design that <see cref="Covering"/> is made by.</summary>
    public static CoveringDesign Design { get; }

    /// <summary>Cases with every pair of values of every two factors.</summary>
    public static IReadOnlyList<NetworkCase> Covering { get; }

    /// <summary>
    /// Every combination of what decides a kernel and its sizes; what else a rule can be told changes from one to the next.
    /// </summary>
    public static IEnumerable<NetworkCase> Exhaustive()
    {
        IFactor[] crossed = [s_rule, s_shape, s_normalization, s_batch, s_activation, s_weightOptimizer, s_site, s_tiles];
        var combinations = crossed.Aggregate(
            (IEnumerable<int[]>)[new int[s_factors.Length]],
            (all, factor) => all.SelectMany(one => Enumerable.Range(0, factor.Count).Select(value =>
            {
                int[] next = [.. one];
                next[factor.Place] = value;
                return next;
            })));
        foreach (var (index, one) in combinations.Where(IsPossible).Index())
        {
            foreach (var factor in s_factors.Except(crossed))
            {
                var first = one[factor.Place];
                one[factor.Place] = (index / (1 + factor.Place)) % factor.Count;
                one[factor.Place] = IsPossible(one) ? one[factor.Place] : first;
            }

            yield return new NetworkCase(one);
        }
    }

    public NetworkDescription Network => Shape.Describe(s_normalization.Of(_values), s_activation.Of(_values));

    public string Tiles => s_tiles.Of(_values);

    public ulong[] Seeds => [.. Enumerable.Range(3, s_replicas.Of(_values)).Select(seed => (ulong)seed)];

    public TrainingOptions Options => s_preset.Of(_values).OptionsFor(s_rule.Of(_values)) with
    {
        BatchSize = s_batch.Of(_values),
        BiasInitialisation = s_biases.Of(_values),
        WeightOptimizer = s_weightOptimizer.Of(_values),
        FeedbackOptimizer = s_feedbackOptimizer.Of(_values),
        Momentum = s_momentum.Of(_values),
        WeightDecay = s_weightDecay.Of(_values),
        Schedule = s_schedule.Of(_values),
        SchedulePeriod = s_period.Of(_values),
        WarmupEpochs = s_warmup.Of(_values),
        FeedbackOrder = s_order.Of(_values),
        FeedbackInitialisation = s_feedback.Of(_values),
        FeedbackDecay = s_decay.Of(_values),
        Loss = s_loss.Of(_values),
        Perturbations = s_perturbations.Of(_values).Count,
        Antithetic = s_perturbations.Of(_values).Antithetic,
        Noise = s_noise.Of(_values),
        WeightNoise = s_weightNoise.Of(_values),
        OutputGradient = s_outputGradient.Of(_values),
        PerturbationSite = s_site.Of(_values),
    };

    private NetworkShape Shape => s_shape.Of(_values);

    /// <summary>Rule and network, and every value that is not its factor's first.</summary>
    public override string ToString() => string.Join(", ", [
        s_rule.Of(_values).Name, Shape.Topology, .. s_factors.Skip(2).Select(factor => factor.Describe(_values)).OfType<string>()]);

    /// <summary>
    /// Whether there is such a case, as far as it is known: what means nothing to a rule or a network has its first value.
    /// </summary>
    private static bool IsPossible(int[] one)
    {
        bool ForRules<T>(Factor<T> factor, Func<LearningRule, bool> means)
            where T : notnull => !factor.IsSet(one) || s_rule.MayBe(one, means);

        static bool HasSites(LearningRule rule) => rule.FollowsPerturbations
            ? rule.Injection == Injection.AllActivations
            : rule.ErrorSignal is ErrorSignal.DirectFeedback or ErrorSignal.DirectTargets;

        return ForRules(s_feedbackOptimizer, rule => rule.LearnsFeedback)
            && (!s_momentum.IsSet(one) || s_weightOptimizer.MayBe(one, kind => Optimizer.Of(kind).HasMomentum))
            && (!s_weightDecay.IsSet(one) || s_weightOptimizer.MayBe(one, kind => Optimizer.Of(kind).HasWeightDecay))
            && (!s_period.IsSet(one) || s_schedule.MayBe(one, kind => Schedule.Of(kind).HasPeriod))
            && ForRules(s_order, rule => rule.LearnsFeedback && rule.ErrorSignal == ErrorSignal.DirectFeedback)
            && ForRules(s_feedback, rule => rule.HasFeedback)
            && (!s_feedback.IsSet(one) || s_feedback.MayBe(one, start => start != Initialisation.Zeros)
                || s_rule.MayBe(one, rule => rule.LearnsFeedback))
            && ForRules(s_decay, rule => rule.FeedbackUpdate == FeedbackUpdate.KolenPollack)
            && ForRules(s_perturbations, rule => rule.HasTangents)
            && ForRules(s_noise, rule => rule.HasTangents)
            && ForRules(s_weightNoise, rule => rule.Injection == Injection.Weights)
            && ForRules(s_outputGradient, rule => rule.Injection == Injection.AllActivations)
            && ForRules(s_site, HasSites)
            && (s_shape.MayBe(one, shape => shape.IsDense) || s_rule.MayBe(one, DeviceSupport.HasChannelKernels))
            && (!s_normalization.IsSet(one) || s_rule.MayBe(one, DeviceSupport.HasChannelKernels))
            && (!s_normalization.IsSet(one) || s_batch.MayBe(one, batch => batch >= FewestNormalized))
            && (!s_normalization.IsSet(one) || s_shape.MayBe(one, shape => shape.HasHiddenBlocks))
            && StartsAlive(one);
    }

    // Weights of zero move only where the derivative at zero is not zero; in a deep network little but rounding reaches the last of them at
    // first.
    private static bool StartsAlive(int[] one) =>
        s_preset.MayBe(one, preset => preset != Preset.Paper)
        || s_rule.MayBe(one, rule => Preset.Paper.OptionsFor(rule).WeightInitialisation != Initialisation.Zeros)
        || (s_activation.MayBe(one, activation => activation != ActivationFunction.ReLU) && s_shape.MayBe(one, shape => shape.IsDense));

    private static Factor<T> OfEnum<T>(string name)
        where T : struct, Enum => new(name, Enum.GetValues<T>());
}

/// <summary>A topology with the images that it takes.</summary>
internal sealed record NetworkShape(string Topology, ImageShape? Image = null)
{
    /// <summary>
    /// Without hidden blocks, of single neurons, of odd sizes; channels 1, 3, 5, kernels 1, 3, 5, 11, strides 1, 2, 4, paddings 0 to 2,
    /// pools 2/2 and 3/2, averages.
    /// </summary>
    public static IReadOnlyList<NetworkShape> All { get; } =
    [
        new("17-33-18-3"),
        new("19-5"),
        new("3-1-1-2"),
        new("65-66-3"),
        new("5C3-P2-4", new(1, 9, 7)),
        new("3C5/2+2-P3/2-5C3+1-4", new(3, 17, 15)),
        new("6C11/4+2-P3/2-5C3+1-7C1-P2-3", new(3, 27, 23)),
        new("1C1-5C3/2-3", new(5, 6, 8)),
        new("4C3-9-19-4", new(3, 7, 6)),
        new("3C3-P2-A2-5C3+1-A3-4", new(2, 13, 12)),
        new("5C3-P3/2-3C3+1-7-3", new(2, 9, 7)),
    ];

    public static IEnumerable<NetworkShape> WithConvolutions => All.Where(shape => !shape.IsDense);

    public bool IsDense => Image is null;

    public NetworkDescription Describe(bool isNormalized, ActivationFunction activation = ActivationFunction.ReLU) =>
        Fdfa.Cpu.Reference.Description.Topology.Parse(Topology, activation, Image, isNormalized);

    public bool HasHiddenBlocks => Topology.Count(character => character == '-') > 1 || !IsDense;
}
