using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Optimizers;

/// <summary>An optimizer: what it remembers, and what makes it.</summary>
/// <remarks>A new one is a member of <see cref="OptimizerKind"/>, a row here, its mathematics and a kernel of the same name.</remarks>
/// <param name="Kind">Which.</param>
/// <param name="Word">On the command line.</param>
/// <param name="MomentCount">Numbers that it remembers of each parameter: 0, 1 or 2.</param>
/// <param name="Create">A fresh one for a number of parameters.</param>
public sealed record Optimizer(OptimizerKind Kind, string Word, int MomentCount, Func<int, TrainingOptions, IOptimizer> Create)
{
    /// <summary>All, in the order of help pages.</summary>
    public static IReadOnlyList<Optimizer> All { get; } =
    [
        new(OptimizerKind.Adam, "adam", MomentCount: 2, (count, _) => new Adam(count)),
        new(OptimizerKind.AdamW, "adamw", MomentCount: 2, (count, options) => new Adam(count, options.WeightDecay))
        {
            HasWeightDecay = true,
        },
        new(OptimizerKind.Sgd, "sgd", MomentCount: 0, (_, _) => new Sgd()),
        new(OptimizerKind.Momentum, "momentum", MomentCount: 1, (count, options) => new Momentum(count, options.Momentum))
        {
            HasMomentum = true,
        },
        new(OptimizerKind.Nesterov, "nesterov", MomentCount: 1, (count, options) => new Momentum(count, options.Momentum, isNesterov: true))
        {
            HasMomentum = true,
        },
    ];

    private static readonly Dictionary<OptimizerKind, Optimizer> s_all = All.ToDictionary(optimizer => optimizer.Kind);

    /// <summary>Whether it divides by the root of a second moment: a first step is as large as the rate, whatever the gradient.</summary>
    public bool IsAdaptive => MomentCount == 2;

    /// <summary>Whether it has μ (<see cref="TrainingOptions.Momentum"/>).</summary>
    public bool HasMomentum { get; init; }

    /// <summary>Whether it has <see cref="TrainingOptions.WeightDecay"/>.</summary>
    public bool HasWeightDecay { get; init; }

    /// <summary>What an optimizer is.</summary>
    /// <exception cref="InvalidOptionException">It is none of <see cref="OptimizerKind"/>.</exception>
    public static Optimizer Of(OptimizerKind kind) =>
        s_all.TryGetValue(kind, out Optimizer? optimizer) ? optimizer : throw InvalidOptionException.UnknownValue("optimizer", kind);
}
