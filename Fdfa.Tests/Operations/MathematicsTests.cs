using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;
using ILGPU;
using IKernelLoss = Fdfa.Gpu.Kernels.Mathematics.ILoss;
using IKernelOptimizer = Fdfa.Gpu.Kernels.Mathematics.IOptimizer;
using ReferenceNoise = Fdfa.Cpu.Reference.Randomness.PerturbationNoise;

namespace Fdfa.Tests.Operations;

/// <summary>Each elementwise function on every tile program, and so with every kind of lanes, against the reference's.</summary>
/// <remarks>A kernel's struct is found by the name of the option that it computes: an option without one fails.</remarks>
public sealed class MathematicsTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Rows = 7;
    private const int Columns = 48;
    private const double Tolerance = 1e-6;

    public static TheoryData<string> Tiles() => CpuAccelerators.Names();

    [Theory]
    [MemberData(nameof(Tiles))]
    public void Activations_and_their_derivatives(string tiles) => ForEvery<ActivationFunction>(nameof(AssertActivation), tiles);

    /// <summary>Six steps whose rate falls, with gradients of every size.</summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Optimizers(string tiles) => ForEvery<OptimizerKind>(nameof(AssertOptimizer), tiles);

    [Theory]
    [MemberData(nameof(Tiles))]
    public void Losses_and_their_errors(string tiles) => ForEvery<LossFunction>(nameof(AssertLoss), tiles);

    [Theory]
    [MemberData(nameof(Tiles))]
    public void Perturbations(string tiles)
    {
        const ulong Seed = 0x0123_4567_89AB_CDEF;
        foreach (var distribution in Enum.GetValues<NoiseDistribution>())
        {
            for (var direction = 0; direction < 4; direction++)
            {
                using var run = new OperationRun(devices.Open(tiles));
                var isAntithetic = direction > 1;
                var target = run.Target(Rows * Columns);
                Launch(run, new NoiseBody
                {
                    Noise = new PerturbationNoise
                    {
                        SeedLow = unchecked((uint)Seed),
                        SeedHigh = (uint)(Seed >> 32),
                        Step = 7,
                        IsRademacher = distribution == NoiseDistribution.Rademacher ? 1 : 0,
                        IsAntithetic = isAntithetic ? 1 : 0,
                    },
                    Direction = direction,
                    Target = target,
                });

                var noise = new ReferenceNoise(Seed, 7, distribution, isAntithetic);
                OperationRun.AssertClose(
                    [.. Enumerable.Range(0, Rows * Columns).Select(i => noise.OfActivation(2, i % Columns, i / Columns, direction))],
                    target, Tolerance);
            }
        }
    }

    private void AssertActivation<TActivation>(string tiles, ActivationFunction function)
        where TActivation : struct, IActivation
    {
        using var run = new OperationRun(devices.Open(tiles));

        // 0 · ∞ is not a number in the reference as in PyTorch; kernels may have the limit.
        var activation = Activation.Of(function);
        Assert.Equal(activation.SlopeNeedsPreactivation, TActivation.SlopeNeedsPreactivation);
        float[] special = [.. new[] { 0f, -0f, 1e-30f, -1e-30f, 88f, -88f, float.PositiveInfinity, float.NegativeInfinity }
            .Where(x => !double.IsNaN(activation.Value(x)) && !double.IsNaN(activation.Slope(x)))];
        float[] a = [.. special, .. run.DrawReal((Rows * Columns) - special.Length - 1, 4), float.NaN];
        var factors = run.DrawReal(a.Length, 2);
        var (values, products) = (run.Target(a.Length), run.Target(a.Length));
        Launch(
            run, new ActivationBody<TActivation>
            {
                Preactivations = run.Upload(a),
                Factors = run.Upload(factors),
                Values = values,
                Products = products,
            });

        OperationRun.AssertClose([.. a.Select(x => activation.Value(x))], values, Tolerance);

        // What a NaN's derivative is does not matter: its value is NaN, and the loss with it.
        OperationRun.AssertClose(
            [.. a.SkipLast(1).Zip(factors, (x, factor) => activation.Slope(x) * factor)], products.SubView(0, a.Length - 1), Tolerance);
    }

    private void AssertOptimizer<TOptimizer>(string tiles, OptimizerKind kind)
        where TOptimizer : struct, IKernelOptimizer
    {
        using var run = new OperationRun(devices.Open(tiles));
        var start = run.DrawReal(Rows * Columns, 1);
        var expected = Array.ConvertAll(start, value => (double)value);
        var options = new TrainingOptions { Momentum = 0.8, WeightDecay = 0.3 };
        var reference = Optimizer.Of(kind).Create(expected.Length, options);

        // Memory is laid out by the one and read by the other.
        Assert.Equal(Optimizer.Of(kind).MomentCount, TOptimizer.MomentCount);
        var parameters = new OptimizedParameters
        {
            Values = run.Upload(start),
            FirstMoments = run.Upload(new float[start.Length]),
            SecondMoments = run.Upload(new float[start.Length]),
        };
        for (var step = 1; step <= 6; step++)
        {
            float[] gradients = [.. run.DrawReal(start.Length, 1).Select((value, i) => value * MathF.Pow(10, (i % 7) - 5))];
            reference.Update(expected, Array.ConvertAll(gradients, value => (double)value), 0.01 / step);
            Launch(
                run, new OptimizerBody<TOptimizer>
                {
                    Step = TOptimizer.StepAt(new(0.01 / step, step, options.Momentum, options.WeightDecay)),
                    Parameters = parameters,
                    Gradients = run.Upload(gradients),
                });
        }

        OperationRun.AssertClose(expected, parameters.Values, Tolerance);
    }

    private void AssertLoss<TLoss>(string tiles, LossFunction loss)
        where TLoss : struct, IKernelLoss
    {
        foreach (var classes in new[] { 1, 2, 10, 201 })
        {
            using var run = new OperationRun(devices.Open(tiles));
            var outputs = run.DrawReal(classes * Columns, 6);

            // An output that stands out by far, two that are equal, and a label that is as good as impossible.
            (outputs[3], outputs[4], outputs[7]) = (80, outputs[^(Columns - 4)], -80);
            var labels = Enumerable.Range(0, Columns).Select(sample => sample * 7 % classes).ToArray();
            var (losses, errors) = (run.Target(Columns), run.Target(outputs.Length));
            run.Launch(new Elementwise<LossBody<TLoss>>
            {
                Rows = 1,
                Body = new LossBody<TLoss>
                {
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
                },
            });

            var (expectedLosses, expectedErrors) = (new double[Columns], new double[outputs.Length]);
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

    private void ForEvery<TOption>(string assertion, string tiles)
        where TOption : struct, Enum
    {
        foreach (var option in Enum.GetValues<TOption>())
        {
            var kernels = typeof(IActivation);
            OperationRun.Call(
                this, assertion, kernels.Assembly.GetType($"{kernels.Namespace}.{option}", throwOnError: true)!, tiles, option);
        }
    }

    private static void Launch<TBody>(OperationRun run, TBody body)
        where TBody : struct, IElementwise => run.Launch(new Elementwise<TBody> { Rows = Rows, Body = body });

    private struct Elementwise<TBody> : IOperation
        where TBody : struct, IElementwise
    {
        public int Rows;
        public TBody Body;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => TTiles.ForEach(0, Rows, Columns, Body);
    }

    private struct ActivationBody<TActivation> : IElementwise
        where TActivation : struct, IActivation
    {
        public ArrayView<float> Preactivations;
        public ArrayView<float> Factors;
        public ArrayView<float> Values;
        public ArrayView<float> Products;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < Rows; r++)
            {
                var index = (r * Columns) + column;
                var a = TLanes.Load(Preactivations, index);
                var y = TActivation.Value<TLane, TBits, TLanes>(a);
                TLanes.Store(Values, index, y);
                TLanes.Store(Products, index, TActivation.TimesSlope<TLane, TBits, TLanes>(a, y, TLanes.Load(Factors, index)));
            }
        }
    }

    private struct OptimizerBody<TOptimizer> : IElementwise
        where TOptimizer : struct, IKernelOptimizer
    {
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public ArrayView<float> Gradients;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < Rows; r++)
            {
                var index = (r * Columns) + column;
                TOptimizer.Update<TLane, TBits, TLanes>(Step, Parameters, index, TLanes.Load(Gradients, index));
            }
        }
    }

    private struct LossBody<TLoss> : IElementwise
        where TLoss : struct, IKernelLoss
    {
        public LossTile Tile;
        public ArrayView<uint> Labels;
        public ArrayView<float> Losses;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> =>
            TLanes.Store(Losses, column, TLoss.Apply<TLane, TBits, TLanes>(Tile, column, TLanes.LoadBits(Labels, column)));
    }

    private struct NoiseBody : IElementwise
    {
        public PerturbationNoise Noise;
        public int Direction;
        public ArrayView<float> Target;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
            var u = Noise.Sample<TLane, TBits, TLanes>(
                PerturbationNoise.OfActivations + 2, TLanes.BroadcastBits((uint)row / 4), samples, Direction);
            FourRows.Store<TLane, TBits, TLanes>(Target, (row * Columns) + column, Columns, Rows - row, u);
        }
    }
}
