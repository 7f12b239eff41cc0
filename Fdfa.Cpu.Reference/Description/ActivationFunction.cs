namespace Fdfa.Cpu.Reference.Description;

/// <summary>The nonlinearity σ at the end of a block; <see cref="Activation.Of"/> says what each is.</summary>
public enum ActivationFunction
{
    /// <summary>σ(a) = a: the output block.</summary>
    Identity,

    /// <summary>σ(a) = max(a, 0), with σ'(0) = 0 as PyTorch has it.</summary>
    ReLU,

    /// <summary>σ(a) = max(a, 0), with σ'(0) = 1: without it a network whose weights start at zero would never move.</summary>
    ReLUOpenAtZero,

    /// <summary>σ(a) = tanh a.</summary>
    Tanh,

    /// <summary>σ(a) = a where a is above 0, else a/100, PyTorch's default; σ'(0) = 1/100 as there.</summary>
    LeakyReLU,

    /// <summary>σ(a) = a Φ(a), with the cumulative of the standard normal distribution itself, not its approximation by tanh.</summary>
    GELU,

    /// <summary>σ(a) = a / (1 + e⁻ᵃ), also called swish.</summary>
    SiLU,
}

/// <summary>An activation function: its value, its slope, and what others call it.</summary>
/// <remarks>A new one is a member above, a row here, and a kernel of the same name.</remarks>
/// <param name="Function">Which.</param>
/// <param name="Word">On the command line.</param>
/// <param name="PyTorch">What makes it in Python, after <c>import torch.nn as nn</c>.</param>
/// <param name="Value">σ(a).</param>
/// <param name="Slope">σ'(a).</param>
public sealed record Activation(
    ActivationFunction Function, string Word, string PyTorch, Func<double, double> Value, Func<double, double> Slope)
{
    /// <summary>All, in the order of help pages.</summary>
    public static IReadOnlyList<Activation> All { get; } =
    [
        new(ActivationFunction.ReLU, "relu", "nn.ReLU()", a => Math.Max(a, 0), a => a > 0 ? 1 : 0),
        new(ActivationFunction.ReLUOpenAtZero, "relu-open", "nn.ReLU()", a => Math.Max(a, 0), a => a >= 0 ? 1 : 0),
        new(ActivationFunction.Tanh, "tanh", "nn.Tanh()", Math.Tanh, a => 1 - Math.Tanh(a) * Math.Tanh(a)),
        new(ActivationFunction.LeakyReLU, "leaky-relu", "nn.LeakyReLU(0.01)", a => a > 0 ? a : a * 0.01, a => a > 0 ? 1 : 0.01),
        new(ActivationFunction.GELU, "gelu", "nn.GELU()", a => a * NormalCumulative(a), a => NormalCumulative(a) + (a * NormalDensity(a)))
        {
            SlopeNeedsPreactivation = true,
        },
        new(ActivationFunction.SiLU, "silu", "nn.SiLU()", a => a * Sigmoid(a), a => Sigmoid(a) * (1 + (a * Sigmoid(-a))))
        {
            SlopeNeedsPreactivation = true,
        },
        new(ActivationFunction.Identity, "identity", "nn.Identity()", a => a, _ => 1),
    ];

    private static readonly Dictionary<ActivationFunction, Activation> s_all = All.ToDictionary(activation => activation.Function);

    /// <summary>Whether σ'(a) takes a itself; else y = σ(a) says enough, and a need not be kept.</summary>
    public bool SlopeNeedsPreactivation { get; init; }

    /// <summary>What a function is.</summary>
    /// <exception cref="InvalidOptionException">It is none of <see cref="ActivationFunction"/>.</exception>
    public static Activation Of(ActivationFunction function) =>
        s_all.TryGetValue(function, out Activation? activation)
            ? activation
            : throw InvalidOptionException.UnknownValue("activation", function);

    private static double Sigmoid(double a) => 1 / (1 + Math.Exp(-a));

    private static double NormalDensity(double a) => Math.Exp(-a * a / 2) / Math.Sqrt(2 * Math.PI);

    /// <summary>Φ(a) = ½ + φ(a) (a + a³/3 + a⁵/(3·5) + …), whose terms have all one sign.</summary>
    private static double NormalCumulative(double a)
    {
        // Beyond, Φ is 0 or 1 to the last bit of what is multiplied by it.
        if (Math.Abs(a) > 9)
        {
            return a > 0 ? 1 : 0;
        }

        double term = a;
        double sum = a;
        for (var factor = 3; Math.Abs(term) > 1e-17 * Math.Abs(sum); factor += 2)
        {
            term *= a * a / factor;
            sum += term;
        }

        return 0.5 + (NormalDensity(a) * sum);
    }
}
