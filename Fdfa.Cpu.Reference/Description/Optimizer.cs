using Fdfa.Cpu.Reference.Optimizers;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>How parameters follow their gradient; <see cref="Optimizer.Of"/> says what each is.</summary>
public enum OptimizerKind
{
    /// <summary>θ ← θ − λ∇. On the feedback gradient of Eq. 10 this is the exponential average of Eq. 8.</summary>
    Sgd,

    /// <summary>Adam (Kingma and Ba, 2017) with PyTorch's semantics: bias correction, epsilon outside the root.</summary>
    Adam,

    /// <summary>
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019): first θ ← θ (1 − λ · decay), biases included, as in PyTorch.
    /// </summary>
    AdamW,

    /// <summary>m ← μm + ∇, θ ← θ − λm: PyTorch's SGD with momentum, without dampening.</summary>
    Momentum,

    /// <summary>m ← μm + ∇, θ ← θ − λ(∇ + μm): PyTorch's SGD with Nesterov momentum.</summary>
    Nesterov,
}

/// <summary>
/// An optimizer: what it remembers, and what makes it. A new one is a member above, a row here, its mathematics and a kernel.
/// </summary>
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

    /// <summary>Whether it divides by the root of a second moment: a first step is as large as the rate, whatever the gradient.</summary>
    public bool IsAdaptive => MomentCount == 2;

    /// <summary>Whether it has μ (<see cref="TrainingOptions.Momentum"/>).</summary>
    public bool HasMomentum { get; init; }

    /// <summary>Whether it has <see cref="TrainingOptions.WeightDecay"/>.</summary>
    public bool HasWeightDecay { get; init; }

    /// <summary>What an optimizer is.</summary>
    /// <exception cref="InvalidOptionException">It is none of <see cref="OptimizerKind"/>.</exception>
    public static Optimizer Of(OptimizerKind kind) =>
        All.FirstOrDefault(optimizer => optimizer.Kind == kind) ?? throw InvalidOptionException.UnknownValue("optimizer", kind);
}
