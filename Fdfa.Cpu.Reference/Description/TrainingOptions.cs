using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>The loss between outputs and targets, averaged over the batch.</summary>
public enum LossFunction
{
    /// <summary>−log softmax(y)[label], mean over samples.</summary>
    SoftmaxCrossEntropy,

    /// <summary>Mean over samples and outputs of (y − onehot(label))², as PyTorch's <c>mse_loss</c>.</summary>
    MeanSquaredError,
}

/// <summary>How a matrix of weights or feedback starts.</summary>
public enum Initialisation
{
    /// <summary>All zero.</summary>
    Zeros,

    /// <summary>U(−√(6/fan_in), √(6/fan_in)), biases zero (He et al., 2015).</summary>
    KaimingUniform,

    /// <summary>U(−1/√fan_in, 1/√fan_in) for weights and biases: <c>torch.nn.Linear</c>'s default.</summary>
    PyTorchDefault,
}

/// <summary>Which feedback a hidden block's weight update sees.</summary>
public enum FeedbackOrder
{
    /// <summary>B is updated, then used: Algorithm 1, lines 22 and 23.</summary>
    FeedbackFirst,

    /// <summary>Both updates use the old B, as the authors' published code does.</summary>
    Simultaneous,
}

/// <summary>How a perturbation is distributed; both have mean 0 and variance 1.</summary>
public enum NoiseDistribution
{
    /// <summary>N(0, 1), as the paper has it.</summary>
    Normal,

    /// <summary>−1 or 1: a forward gradient's variance loses 2x_i² of Lemma 4's x_i² + ‖x‖².</summary>
    Rademacher,
}

/// <summary>How biases start.</summary>
public enum BiasInitialisation
{
    /// <summary>
    /// As PyTorch's layers have them where the weights start so (<see cref="Initialisation.PyTorchDefault"/>), else at zero.
    /// </summary>
    WithWeights,

    /// <summary>All zero.</summary>
    Zeros,

    /// <summary>PyTorch's default: uniform within 1/√fan_in, whatever the weights start as.</summary>
    PyTorchDefault,
}

/// <summary>Whether the samples of a batch share a perturbation of the weights.</summary>
public enum WeightNoise
{
    /// <summary>One V for the batch, as the authors' published code draws it.</summary>
    PerBatch,

    /// <summary>One V per sample: Algorithm 2, line 9. Costs as many random numbers as weights, for every sample.</summary>
    PerSample,
}

/// <summary>How activity-perturbed forward gradients train the output block.</summary>
public enum OutputGradient
{
    /// <summary>By its own perturbation, like every block: Eq. 4 sums over l ≤ L.</summary>
    Perturbed,

    /// <summary>By its exact gradient eᵀ y⁽ᴸ⁻¹⁾, which is local there; nothing is injected at the output.</summary>
    Exact,
}

/// <summary>Everything that decides a training run besides the network, the data and the seed.</summary>
public sealed record TrainingOptions
{
    /// <summary>The largest K.</summary>
    public const int MostPerturbations = 256;

    /// <summary>The largest N; the noise's counter has room for no more.</summary>
    public const int LargestBatch = 1 << 24;

    /// <summary>The learning rule. <see cref="WithRule"/> changes it together with what depends on it.</summary>
    public LearningRule Rule { get; init; } = LearningRule.ForwardDirectFeedbackAlignment;

    /// <summary>N, samples per step, at least 1.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>λ, positive.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>α, positive.</summary>
    public double FeedbackRate { get; init; } = 1e-4;

    /// <summary>How λ changes from epoch to epoch.</summary>
    public LearningRateSchedule Schedule { get; init; }

    /// <summary>
    /// Epochs of the schedules that have a period, from the end of warm-up on: until cosine is 0, or from step to step. At least 1.
    /// </summary>
    public int SchedulePeriod { get; init; } = 30;

    /// <summary>W, epochs at the start in which λ rises linearly, λ(t + 1)/(W + 1), before the schedule begins. At least 0.</summary>
    public int WarmupEpochs { get; init; }

    /// <summary>Factor on λ after every epoch, or period, of the schedules that have one; in (0, 1].</summary>
    public double LearningRateDecay { get; init; } = 0.95;

    /// <summary>Factor on α after every epoch, in (0, 1].</summary>
    public double FeedbackRateDecay { get; init; } = 0.95;

    /// <summary>Optimizer of weights and biases.</summary>
    public OptimizerKind WeightOptimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>μ of the optimizers that have momentum, from 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>
    /// Of the optimizers that have weight decay, at least 0: a share λ · decay of what they move goes in every step. PyTorch's default.
    /// </summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Optimizer of feedback; <see cref="OptimizerKind.Sgd"/> is the paper's exponential average.</summary>
    public OptimizerKind FeedbackOptimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Old or new B in the weight update, for learned direct feedback.</summary>
    public FeedbackOrder FeedbackOrder { get; init; } = FeedbackOrder.FeedbackFirst;

    /// <summary>The loss.</summary>
    public LossFunction Loss { get; init; } = LossFunction.SoftmaxCrossEntropy;

    /// <summary>Start of weights.</summary>
    public Initialisation WeightInitialisation { get; init; } = Initialisation.KaimingUniform;

    /// <summary>Start of biases.</summary>
    public BiasInitialisation BiasInitialisation { get; init; }

    /// <summary>Start of feedback. Feedback that a rule never changes must not start at zero; see <see cref="WithRule"/>.</summary>
    public Initialisation FeedbackInitialisation { get; init; } = Initialisation.Zeros;

    /// <summary>Weight decay of DKP's feedback, at least 0: ∇B = eᵀ y + decay · B.</summary>
    public double FeedbackDecay { get; init; }

    /// <summary>K, directions that a rule with tangents averages over, 1 to <see cref="MostPerturbations"/>.</summary>
    public int Perturbations { get; init; } = 1;

    /// <summary>Distribution of the perturbations.</summary>
    public NoiseDistribution Noise { get; init; } = NoiseDistribution.Normal;

    /// <summary>
    /// Whether directions come in pairs u, −u; K is even then. Every estimate here is even in u, because tangents are
    /// exact: a pair says what one direction does. For comparison with finite differences, where it takes away a bias.
    /// </summary>
    public bool Antithetic { get; init; }

    /// <summary>Whether FG-W perturbs per batch or per sample.</summary>
    public WeightNoise WeightNoise { get; init; } = WeightNoise.PerBatch;

    /// <summary>How FG-A and LG-FG-A train the output block.</summary>
    public OutputGradient OutputGradient { get; init; } = OutputGradient.Perturbed;

    /// <summary>Where perturbations are added and the feedback error arrives.</summary>
    public PerturbationSite PerturbationSite { get; init; } = PerturbationSite.BlockOutput;

    /// <summary>How the data's images become the network's inputs; <see langword="null"/> where they are taken as they are.</summary>
    public ImageAugmentation? Augmentation { get; init; }

    /// <summary>
    /// The site of this rule: layerwise feedback stands for W⁽ˡ⁺¹⁾, which reads the block's output, and so that always is its site. BP and
    /// FG-W have none and do not ask.
    /// </summary>
    public PerturbationSite EffectiveSite =>
        Rule.ErrorSignal == ErrorSignal.LayerwiseFeedback ? PerturbationSite.BlockOutput : PerturbationSite;

    /// <summary>Whether B moves before the weights see it. Layerwise feedback is used in the step's own backward chain: never.</summary>
    public bool UpdatesFeedbackFirst =>
        Rule.ErrorSignal == ErrorSignal.DirectFeedback && FeedbackOrder switch
        {
            FeedbackOrder.FeedbackFirst => true,
            FeedbackOrder.Simultaneous => false,
            _ => throw InvalidOptionException.UnknownValue("feedback order", FeedbackOrder),
        };

    /// <summary>Whether something is injected at a block's output (or on its parameters).</summary>
    /// <param name="isOutput">Whether it is block L.</param>
    public bool Perturbs(bool isOutput) => Rule.Injection switch
    {
        Injection.HiddenActivations => !isOutput,
        Injection.AllActivations => !isOutput || OutputGradient switch
        {
            OutputGradient.Perturbed => true,
            OutputGradient.Exact => false,
            _ => throw InvalidOptionException.UnknownValue("output gradient", OutputGradient),
        },
        Injection.Weights => true,
        Injection.None => false,
        _ => throw InvalidOptionException.UnknownValue("injection", Rule.Injection),
    };

    /// <summary>Whether every sample has perturbations of the weights of its own, in rules that perturb weights.</summary>
    public bool HasWeightNoisePerSample => WeightNoise switch
    {
        WeightNoise.PerBatch => false,
        WeightNoise.PerSample => true,
        _ => throw InvalidOptionException.UnknownValue("weight noise", WeightNoise),
    };

    /// <summary>Whether a block's weights follow deltas of its own: not FG-W's, and not an output's that takes e itself.</summary>
    /// <param name="isOutput">Whether it is block L.</param>
    public bool HasDeltas(bool isOutput) =>
        Rule.Injection != Injection.Weights && (!isOutput || (Rule.FollowsPerturbations && Perturbs(isOutput)));

    /// <summary>Whether biases start at zero, whatever the weights do.</summary>
    public bool BiasesStartAtZero => BiasInitialisation switch
    {
        BiasInitialisation.WithWeights => WeightInitialisation != Initialisation.PyTorchDefault,
        BiasInitialisation.Zeros => true,
        BiasInitialisation.PyTorchDefault => false,
        _ => throw InvalidOptionException.UnknownValue("bias initialisation", BiasInitialisation),
    };

    /// <summary>λ during an epoch, counted from 0.</summary>
    public double LearningRateAt(int epoch) => LearningRate * (epoch < WarmupEpochs
        ? (epoch + 1.0) / (WarmupEpochs + 1)
        : Description.Schedule.Of(Schedule).FactorAt(this, epoch - WarmupEpochs));

    /// <summary>Refuses more epochs than the schedule is for.</summary>
    /// <param name="epochs">Epochs of the training.</param>
    /// <exception cref="InvalidOptionException">λ would be 0 from one of them on.</exception>
    public void RequireRateIn(int epochs)
    {
        Schedule schedule = Description.Schedule.Of(Schedule);
        if (schedule.IsOverAfterPeriod && epochs > WarmupEpochs + SchedulePeriod)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"The learning rate is 0 after epoch {WarmupEpochs + SchedulePeriod} of the schedule {schedule.Word}, "
                + $"and {epochs} epochs are asked for; give a longer period or fewer epochs."));
        }
    }

    /// <summary>α during an epoch, counted from 0.</summary>
    public double FeedbackRateAt(int epoch) => FeedbackRate * Math.Pow(FeedbackRateDecay, epoch);

    /// <summary>
    /// The same options for another rule, whose feedback starts as the rule needs it: at zero where it is learned, at random where it is
    /// fixed.
    /// </summary>
    /// <param name="rule">The rule.</param>
    /// <remarks>A start that was chosen otherwise than the old rule's is kept.</remarks>
    public TrainingOptions WithRule(LearningRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return this with
        {
            Rule = rule,
            FeedbackInitialisation = FeedbackInitialisation == FeedbackStartOf(Rule) ? FeedbackStartOf(rule) : FeedbackInitialisation,
        };
    }

    /// <summary>How the paper starts a rule's feedback (Appendix A).</summary>
    internal static Initialisation FeedbackStartOf(LearningRule rule) =>
        rule.LearnsFeedback ? Initialisation.Zeros : Initialisation.KaimingUniform;

    /// <summary>Refuses options that no run can work with, and those with which a network would not learn from its start.</summary>
    /// <remarks>
    /// <code>
    /// fixed B = 0                                   δ⁽ˡ⁾ = 0 in every hidden block, for ever
    /// W = 0 and σ'(0) = 0                           δ⁽ˡ⁾ = 0 in every hidden block, for ever; FG-W alone moves on, by perturbing W itself
    /// W = 0, and δ⁽ˡ⁾ from W or from B learned of 0   δ⁽ˡ⁾ = 0 and y⁽ˡ⁾ = σ(0) = 0: nothing but the output's biases moves
    /// W = 0 and a local head                        the head starts like W, and stays there in the same way
    /// </code>
    /// W = 0 means biases of zero too: from others, y⁽ˡ⁾ is not zero, so that the output's weights move, and then all.
    /// </remarks>
    /// <param name="network">The network that starts as the options say.</param>
    /// <exception cref="InvalidOptionException">A size, rate or decay is out of its range, or nothing would be learned.</exception>
    public void Validate(NetworkDescription network)
    {
        ArgumentNullException.ThrowIfNull(network);
        Validate();
        Activation activation = Activation.Of(network.HiddenActivation);
        bool isWeightZero = WeightInitialisation == Initialisation.Zeros && BiasesStartAtZero && Rule.Injection != Injection.Weights;
        bool isFeedbackZero = Rule.HasFeedback && FeedbackInitialisation == Initialisation.Zeros;
        string? reason = network.Blocks.Count == 1 ? null
            : isFeedbackZero && !Rule.LearnsFeedback
                ? $"Feedback that starts at zero would stay there with {Rule}, which never changes it, "
                    + "and no error would reach a hidden block; start it at random (kaiming or pytorch)."
            : isWeightZero && activation.Slope(0) == 0
                ? $"Weights that start at zero would stay there, because the slope of {activation.Word} at 0 is 0; "
                    + "start them at random (kaiming or pytorch), or take the activation relu-open."
            : isWeightZero && (Rule.ErrorSignal == ErrorSignal.BackwardChain || isFeedbackZero || Rule.HasLocalHead(network, 1))
                ? $"Weights that start at zero would stay there with {Rule}: no error reaches a hidden block; "
                    + "start them at random (kaiming or pytorch)."
            : null;
        if (reason is not null)
        {
            throw new InvalidOptionException(reason);
        }
    }

    /// <summary>
    /// Refuses values no run can work with; whether a network learns with them from a start of its own,
    /// <see cref="Validate(NetworkDescription)"/> says.
    /// </summary>
    /// <exception cref="InvalidOptionException">A size, rate or decay is out of its range.</exception>
    public void Validate()
    {
        if (Rule is null)
        {
            throw new InvalidOptionException(
                $"There is no learning rule; give one of {string.Join(", ", LearningRule.All)}.");
        }

        if (BatchSize is < 1 or > LargestBatch)
        {
            throw new InvalidOptionException($"The batch size is {BatchSize}; give a whole number from 1 to {LargestBatch}.");
        }

        if (Perturbations is < 1 or > MostPerturbations)
        {
            throw new InvalidOptionException(
                $"The number of perturbations is {Perturbations}; give a whole number from 1 to {MostPerturbations}.");
        }

        if (Antithetic && Perturbations % 2 != 0)
        {
            throw new InvalidOptionException(
                $"Antithetic perturbations come in pairs, and their number is {Perturbations}; give an even one, such as 2.");
        }

        if (!(Momentum >= 0 && Momentum < 1))
        {
            throw new InvalidOptionException(
                FormattableString.Invariant($"The momentum is {Momentum}; give a number of at least 0 and below 1, such as 0.9."));
        }

        RequireDecay("weight decay", WeightDecay);
        RequireDecay("feedback decay", FeedbackDecay);
        if (SchedulePeriod < 1)
        {
            throw new InvalidOptionException(
                $"The period of the learning rate schedule is {SchedulePeriod}; give a whole number of epochs of at least 1.");
        }

        if (WarmupEpochs < 0)
        {
            throw new InvalidOptionException($"The warm-up has {WarmupEpochs} epochs; give a whole number of at least 0.");
        }

        RequireNamed("learning rate schedule", Schedule);
        RequirePositive("learning rate", LearningRate);
        RequirePositive("feedback rate", FeedbackRate);
        RequireFraction("learning rate decay", LearningRateDecay);
        RequireFraction("feedback rate decay", FeedbackRateDecay);
        RequireNamed("weight optimizer", WeightOptimizer);
        RequireNamed("feedback optimizer", FeedbackOptimizer);
        RequireNamed("feedback order", FeedbackOrder);
        RequireNamed("loss", Loss);
        RequireNamed("weight initialisation", WeightInitialisation);
        RequireNamed("bias initialisation", BiasInitialisation);
        RequireNamed("feedback initialisation", FeedbackInitialisation);
        RequireNamed("noise distribution", Noise);
        RequireNamed("weight noise", WeightNoise);
        RequireNamed("output gradient", OutputGradient);
        RequireNamed("perturbation site", PerturbationSite);
        Augmentation?.Validate();
    }

    private static void RequireNamed<TEnum>(string name, TEnum value)
        where TEnum : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw InvalidOptionException.UnknownValue(name, value);
        }
    }

    private static void RequireDecay(string name, double value)
    {
        if (!double.IsFinite(value) || value < 0)
        {
            throw new InvalidOptionException(
                FormattableString.Invariant($"The {name} is {value}; give a number of at least 0, such as 1e-6."));
        }
    }

    private static void RequirePositive(string name, double value)
    {
        if (!double.IsFinite(value) || value <= 0)
        {
            throw new InvalidOptionException(FormattableString.Invariant($"The {name} is {value}; give a number above 0, such as 1e-4."));
        }
    }

    private static void RequireFraction(string name, double value)
    {
        if (!(value > 0 && value <= 1))
        {
            throw new InvalidOptionException(
                FormattableString.Invariant($"The {name} is {value}; give a number above 0 and at most 1, such as 0.95."));
        }
    }
}
