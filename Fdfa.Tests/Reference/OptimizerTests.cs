using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;

namespace Fdfa.Tests.Reference;

public sealed class OptimizerTests
{
    [Fact]
    public void Sgd_subtracts_rate_times_gradient()
    {
        double[] parameters = [1, -2, 3];
        new Sgd().Update(parameters, [10, 20, -30], 0.01);
        VectorAssert.Close([0.9, -2.2, 3.3], parameters, 1e-15);
    }

    /// <summary>
    /// Gradients 0.5 then −0.25 at rate 0.1, by hand. Step 1: m̂ = 0.5, √v̂ = 0.5. Step 2: m = 0.9·0.05 − 0.025 = 0.02,
    /// m̂ = 0.02/0.19; v = 0.999·0.00025 + 0.001·0.0625 = 0.00031225, v̂ = 0.00031225/0.001999.
    /// </summary>
    [Fact]
    public void Adam_follows_two_steps_computed_by_hand()
    {
        var adam = new Adam(1);
        double[] parameters = [1];
        adam.Update(parameters, [0.5], 0.1);
        Assert.Equal(1 - 0.1 * 0.5 / (0.5 + 1e-8), parameters[0], 1e-14);

        double first = parameters[0];
        adam.Update(parameters, [-0.25], 0.1);
        Assert.Equal(first - 0.1 * (0.02 / 0.19) / (Math.Sqrt(0.00031225 / 0.001999) + 1e-8), parameters[0], 1e-14);
        Assert.Equal(0.02, adam.FirstMoment[0], 1e-16);
        Assert.Equal(0.00031225, adam.SecondMoment[0], 1e-16);
        Assert.Equal(2, adam.StepCount);
    }

    /// <summary>
    /// A gradient as small as ε shows where ε stands. Outside the corrected root, the first step is λ g/(|g| + ε) = λ/2;
    /// added before the correction of the root it would be λ/(1 + 1/√0.001) and inside the root λ/√(1 + 10⁸).
    /// </summary>
    [Fact]
    public void Adams_epsilon_stands_outside_the_corrected_root()
    {
        double[] parameters = [0];
        new Adam(1).Update(parameters, [1e-8], 1);
        Assert.Equal(-0.5, parameters[0], 1e-12);
    }

    [Fact]
    public void Adam_stands_still_on_a_zero_gradient()
    {
        double[] parameters = [1.5];
        new Adam(1).Update(parameters, [0], 0.1);
        Assert.Equal(1.5, parameters[0]);
    }

    /// <summary>Gradients 0.5 then −0.25 at rates 0.1 and 0.2, by hand: m is 0.5, then 0.9 · 0.5 − 0.25 = 0.2.</summary>
    [Theory]
    [InlineData(false, 0.1 * 0.5, 0.2 * 0.2)]
    [InlineData(true, 0.1 * (0.5 + (0.9 * 0.5)), 0.2 * (-0.25 + (0.9 * 0.2)))]
    public void Momentum_follows_two_steps_computed_by_hand(bool isNesterov, double first, double second)
    {
        var momentum = new Momentum(1, 0.9, isNesterov);
        double[] parameters = [1];
        momentum.Update(parameters, [0.5], 0.1);
        Assert.Equal(1 - first, parameters[0], 1e-15);
        momentum.Update(parameters, [-0.25], 0.2);
        Assert.Equal(1 - first - second, parameters[0], 1e-15);
    }

    /// <summary>Without a gradient nothing but the decay is left.</summary>
    [Fact]
    public void Decoupled_decay_takes_rate_times_decay_of_what_there_is()
    {
        double[] parameters = [2, -1];
        new Adam(2, weightDecay: 0.3).Update(parameters, [0, 0], 0.1);
        VectorAssert.Close([2 * 0.97, -0.97], parameters, 1e-15);
    }

    public static TheoryData<OptimizerKind> Kinds => [.. Enum.GetValues<OptimizerKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_gradient_of_another_size_is_refused(OptimizerKind kind) => Assert.Throws<ShapeMismatchException>(
        () => Optimizer.Of(kind).Create(3, new TrainingOptions()).Update(new double[3], new double[2], 0.1));
}
