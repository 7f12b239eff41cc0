namespace Fdfa.Cpu.Reference.Description;

/// <summary>How parameters follow their gradient; <see cref="Optimizers.Optimizer.Of"/> says what each is.</summary>
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
