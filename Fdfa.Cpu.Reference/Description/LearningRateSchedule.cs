namespace Fdfa.Cpu.Reference.Description;

/// <summary>How the learning rate of weights and biases changes from epoch to epoch; <see cref="Schedule.Of"/> says what each is.</summary>
public enum LearningRateSchedule
{
    /// <summary>decay^t: PyTorch's ExponentialLR, and the paper's (Appendix A).</summary>
    Exponential,

    /// <summary>(1 + cos(πt / period)) / 2, and 0 after the period: PyTorch's CosineAnnealingLR without restarts.</summary>
    Cosine,

    /// <summary>decay^⌊t / period⌋: PyTorch's StepLR.</summary>
    Step,

    /// <summary>1.</summary>
    Constant,
}

/// <summary>A schedule: the factor on the learning rate, and which numbers decide it. A new one is a member above and a row here.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Word">On the command line.</param>
/// <param name="FactorAt">Of the options, and of the epoch t from 0 that begins after warm-up.</param>
public sealed record Schedule(LearningRateSchedule Kind, string Word, Func<TrainingOptions, int, double> FactorAt)
{
    /// <summary>All, in the order of help pages.</summary>
    public static IReadOnlyList<Schedule> All { get; } =
    [
        new(LearningRateSchedule.Exponential, "exponential", (options, t) => Math.Pow(options.LearningRateDecay, t)) { HasDecay = true },
        new(
            LearningRateSchedule.Cosine,
            "cosine",
            (options, t) => t < options.SchedulePeriod ? (1 + Math.Cos(Math.PI * t / options.SchedulePeriod)) / 2 : 0)
        {
            HasPeriod = true,
            IsOverAfterPeriod = true,
        },
        new(LearningRateSchedule.Step, "step", (options, t) => Math.Pow(options.LearningRateDecay, t / options.SchedulePeriod))
        {
            HasDecay = true,
            HasPeriod = true,
        },
        new(LearningRateSchedule.Constant, "constant", (_, _) => 1),
    ];

    private static readonly Dictionary<LearningRateSchedule, Schedule> s_all = All.ToDictionary(schedule => schedule.Kind);

    /// <summary>Whether it has <see cref="TrainingOptions.LearningRateDecay"/>.</summary>
    public bool HasDecay { get; init; }

    /// <summary>Whether it has <see cref="TrainingOptions.SchedulePeriod"/>.</summary>
    public bool HasPeriod { get; init; }

    /// <summary>Whether the period is all the training that it is for.</summary>
    public bool IsOverAfterPeriod { get; init; }

    /// <summary>What a schedule is.</summary>
    /// <exception cref="InvalidOptionException">It is none of <see cref="LearningRateSchedule"/>.</exception>
    public static Schedule Of(LearningRateSchedule kind) =>
        s_all.TryGetValue(kind, out Schedule? schedule)
            ? schedule
            : throw InvalidOptionException.UnknownValue("learning rate schedule", kind);
}
