using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Tests.Kernels;
using ReferenceNoise = Fdfa.Cpu.Reference.Randomness.PerturbationNoise;

namespace Fdfa.Tests.Operations;

/// <summary>Each elementwise function on every tile program, and so with every kind of lanes, against the reference's.</summary>
/// <remarks>A kernel's struct is found by the name of the option that it computes: an option without one fails.</remarks>
public sealed class MathematicsTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Rows = 7;
    private const int Columns = 48;
    private const double Tolerance = 1e-6;

    public static TheoryData<string, ActivationFunction> Activations() => OnEveryTile<ActivationFunction>();

    public static TheoryData<string, OptimizerKind> Optimizers() => OnEveryTile<OptimizerKind>();

    public static TheoryData<string, LossFunction> Losses() => OnEveryTile<LossFunction>();

    public static TheoryData<string, NoiseDistribution> Noises() => OnEveryTile<NoiseDistribution>();

    [Theory]
    [MemberData(nameof(Activations))]
    public void An_activation_and_its_derivative(string tiles, ActivationFunction function)
    {
        using var run = new OperationRun(devices.Open(tiles));
        float[] special = [0f, -0f, 1e-30f, -1e-30f, 88f, -88f, float.PositiveInfinity, float.NegativeInfinity, float.NaN];
        float[] a = [.. special, .. run.DrawReal((Rows * Columns) - special.Length, 4)];
        var factors = run.DrawReal(a.Length, 2);
        var (values, products) = (run.Target(a.Length), run.Target(a.Length));

        Launch(run, nameof(MathematicsKernels.Activate), function, new MathematicsKernels.ActivationArguments
        {
            Rows = Rows,
            Columns = Columns,
            Preactivations = run.Upload(a),
            Factors = run.Upload(factors),
            Values = values,
            Products = products,
        });

        OperationRun.AssertClose([.. a.Select(x => Activation.Value(function, x))], values, Tolerance);

        // What a NaN's derivative is nobody asks: its value is NaN, and the loss with it.
        products[special.Length - 1] = 0;
        a[special.Length - 1] = 0;
        factors[special.Length - 1] = 0;
        OperationRun.AssertClose([.. a.Zip(factors, (x, factor) => Activation.Derivative(function, x) * factor)], products, Tolerance);
    }

    /// <summary>Six steps whose rate falls, with gradients of every size.</summary>
    [Theory]
    [MemberData(nameof(Optimizers))]
    public void An_optimizer(string tiles, OptimizerKind kind)
    {
        using var run = new OperationRun(devices.Open(tiles));
        var start = run.DrawReal(Rows * Columns, 1);
        var expected = Array.ConvertAll(start, value => (double)value);
        var reference = OptimizerCatalogue.Create(kind, expected.Length);
        var parameters = new OptimizedParameters
        {
            Values = run.Upload(start),
            FirstMoments = run.Upload(new float[start.Length]),
            SecondMoments = run.Upload(new float[start.Length]),
        };
        for (var step = 1; step <= 6; step++)
        {
            float[] gradients = [.. run.DrawReal(start.Length, 1).Select((value, i) => value * MathF.Pow(10, (i % 7) - 5))];
            var rate = 0.01 / step;
            reference.Update(expected, Array.ConvertAll(gradients, value => (double)value), rate);
            Launch(run, nameof(MathematicsKernels.Update), kind, new MathematicsKernels.OptimizerArguments
            {
                Rows = Rows,
                Columns = Columns,
                Step = (OptimizerStep)KernelType(kind).GetMethod("StepAt")!.Invoke(null, [rate, (long)step])!,
                Parameters = parameters,
                Gradients = run.Upload(gradients),
            });
        }

        OperationRun.AssertClose(expected, parameters.Values, Tolerance);
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void A_loss_and_its_error(string tiles, LossFunction loss)
    {
        foreach (var classes in new[] { 1, 2, 10, 201 })
        {
            using var run = new OperationRun(devices.Open(tiles));
            var outputs = run.DrawReal(classes * Columns, 6);

            // An output that stands out by far, two that are equal, and a label that is as good as impossible.
            outputs[3] = 80;
            outputs[4] = outputs[^(Columns - 4)];
            outputs[7] = -80;
            var labels = Enumerable.Range(0, Columns).Select(sample => sample * 7 % classes).ToArray();
            var (losses, errors) = (run.Target(Columns), run.Target(outputs.Length));
            Launch(run, nameof(MathematicsKernels.Lose), loss, new MathematicsKernels.LossArguments
            {
                Columns = Columns,
                Tile = new LossTile
                {
                    Classes = classes,
                    Outputs = run.Upload(outputs),
                    OutputStride = Columns,
                    Error = errors,
                    ErrorStride = Columns,
                    InverseSamples = 1f,
                },
                Labels = run.Upload(Array.ConvertAll(labels, label => (uint)label)),
                Losses = losses,
            });

            var expectedLosses = new double[Columns];
            var expectedErrors = new double[outputs.Length];
            for (var sample = 0; sample < Columns; sample++)
            {
                double[] y = [.. Enumerable.Range(0, classes).Select(c => (double)outputs[(c * Columns) + sample])];
                var error = new double[classes];
                expectedLosses[sample] = LossCatalogue.Find(loss).Evaluate(y, [labels[sample]], error);
                for (var c = 0; c < classes; c++)
                {
                    expectedErrors[(c * Columns) + sample] = error[c];
                }
            }

            OperationRun.AssertClose(expectedLosses, losses, Tolerance);
            OperationRun.AssertClose(expectedErrors, errors, Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Noises))]
    public void A_perturbation(string tiles, NoiseDistribution distribution)
    {
        using var run = new OperationRun(devices.Open(tiles));
        const ulong Seed = 0x0123_4567_89AB_CDEF;
        for (var direction = 0; direction < 4; direction++)
        {
            var isAntithetic = direction > 1;
            var target = run.Target(Rows * Columns);
            run.Launch(typeof(MathematicsKernels), nameof(MathematicsKernels.Draw), new MathematicsKernels.NoiseArguments
            {
                Rows = Rows,
                Columns = Columns,
                Noise = new PerturbationNoise
                {
                    SeedLow = unchecked((uint)Seed),
                    SeedHigh = (uint)(Seed >> 32),
                    Step = 7,
                    IsRademacher = distribution == NoiseDistribution.Rademacher ? 1 : 0,
                    IsAntithetic = isAntithetic ? 1 : 0,
                },
                Stream = PerturbationNoise.OfActivations + 2,
                Direction = direction,
                Target = target,
            });

            var noise = new ReferenceNoise(Seed, 7, distribution, isAntithetic);
            OperationRun.AssertClose(
                [.. Enumerable.Range(0, Rows * Columns).Select(i => noise.OfActivation(2, i % Columns, i / Columns, direction))], target, Tolerance);
        }
    }

    private static void Launch<T>(OperationRun run, string kernel, Enum option, T arguments)
        where T : struct => run.Launch(typeof(MathematicsKernels), kernel, arguments, [KernelType(option)]);

    private static Type KernelType(Enum option) => typeof(IActivation).Assembly.GetType($"{typeof(IActivation).Namespace}.{option}", throwOnError: true)!;

    private static TheoryData<string, TOption> OnEveryTile<TOption>()
        where TOption : struct, Enum
    {
        var cases = new TheoryData<string, TOption>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            foreach (var option in Enum.GetValues<TOption>())
            {
                cases.Add(tiles, option);
            }
        }

        return cases;
    }
}
