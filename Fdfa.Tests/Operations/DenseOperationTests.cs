using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Dense;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;
using ILGPU;
using PerturbationNoise = Fdfa.Cpu.Reference.Randomness.PerturbationNoise;

namespace Fdfa.Tests.Operations;

/// <summary>Each part of a dense block's step on every tile program, for some of a block's rows, against its equation.</summary>
public sealed class DenseOperationTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Inputs = 18;
    private const int InputStride = 32;
    private const int Outputs = 35;
    private const int OutputStride = 48;
    private const int RowBegin = 16;
    private const int Samples = 21;
    private const int Capacity = 32;
    private const int Directions = 3;
    private const int FeatureStride = (1 + Directions) * Capacity;
    private const ulong Seed = 0x0000_0007_0000_0005;
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Tiles() => CpuAccelerators.Names();

    /// <summary>Weights: W − λ gᵀ y of the rows given.</summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Weights_follow_deltas_and_inputs(string tiles)
    {
        using var run = new OperationRun(devices.Open(tiles));
        var deltas = run.Draw(Outputs, Samples, Capacity);
        var inputs = run.Draw(Capacity * InputStride);
        inputs.AsSpan(Samples * InputStride).Fill(float.NaN);
        var expected = run.Draw(Outputs * InputStride);
        var weights = run.Upload(expected);
        ForEach(RowBegin, Outputs, InputStride, (row, column) =>
            expected[(row * InputStride) + column] -=
                2 * Sum(Samples, s => deltas[(row * Capacity) + s] * inputs[(s * InputStride) + column]));

        var block = new DenseBlockArguments
        {
            InputStride = InputStride,
            Deltas = run.Upload(deltas),
            DeltaStride = Capacity,
            Weights = new OptimizedParameters { Values = weights },
        };
        block.Pending.Samples = Samples;
        block.Pending.Inputs = run.Upload(inputs);
        block.Pending.WeightStep.Rate = 2;
        run.Launch(new WeightUpdate { Block = block });

        OperationRun.AssertEqual(expected, weights);
    }

    /// <summary>Feedback: B − α (Keep B + Scale Sourceᵀ Inputs) of the columns given.</summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Feedback_follows_its_source(string tiles)
    {
        const int FeedbackRows = 5;
        const int Depth = (2 * Capacity) + Samples;
        const int Offset = 16;
        using var run = new OperationRun(devices.Open(tiles));
        var source = run.Draw(Offset + (FeedbackRows * FeatureStride));
        var inputs = run.Draw(Directions * Capacity * OutputStride);
        var feedback = run.Draw(FeedbackRows * OutputStride);
        var expected = feedback.ToArray();
        ForEach(0, FeedbackRows, OutputStride, (row, column) =>
        {
            if (column is >= RowBegin and < 48)
            {
                expected[(row * OutputStride) + column] += Sum(Depth, k =>
                    source[Offset + (row * FeatureStride) + k] * inputs[(k * OutputStride) + column]);
            }
        });
        var target = run.Upload(feedback);
        var block = new DenseBlockArguments
        {
            FeedbackRows = FeedbackRows,
            OutputStride = OutputStride,
            Feedback = new OptimizedParameters { Values = target },
        };
        block.Pending.FeedbackStep.Rate = 2;
        block.Pending.FeedbackGradient = new FeedbackGradient
        {
            Source = run.Upload(source),
            SourceLength = source.Length,
            SourceOffset = Offset,
            SourceStride = FeatureStride,
            Inputs = run.Upload(inputs),
            InputRows = Directions * Capacity,
            Depth = Depth,
            Scale = -0.5f,
            Keep = 0,
        };
        run.Launch(new FeedbackUpdate { Block = block });
        OperationRun.AssertEqual(expected, target);

        block.Pending.FeedbackGradient.Keep = 0.5f;
        block.Pending.FeedbackGradient.Scale = 0;
        run.Launch(new FeedbackUpdate { Block = block });
        ForEach(
            0, FeedbackRows, OutputStride,
            (row, column) => expected[(row * OutputStride) + column] *= column is >= RowBegin and < 48 ? 0 : 1);
        OperationRun.AssertEqual(expected, target);
    }

    /// <summary>g = (error · matrix) ⊙ σ'(a).</summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Deltas_are_the_projected_error(string tiles)
    {
        const int ErrorRows = 11;
        using var run = new OperationRun(devices.Open(tiles));
        var (matrix, error) = (run.Draw(ErrorRows, Outputs, OutputStride), run.Draw(ErrorRows, Capacity, Capacity));
        var features = run.Draw(Outputs * FeatureStride);
        var deltas = run.Target(Outputs * Capacity);
        var expected = OperationRun.Filled((int)deltas.Length);
        ForEach(RowBegin, Outputs, Capacity, (row, column) =>
            expected[(row * Capacity) + column] = features[(row * FeatureStride) + column] > 0
                ? Sum(ErrorRows, k => matrix[(k * OutputStride) + row] * error[(k * Capacity) + column])
                : 0);

        var projection = new DeltaProjection
        {
            Outputs = Outputs,
            ErrorRows = ErrorRows,
            Matrix = run.Upload(matrix),
            MatrixStride = OutputStride,
            Error = run.Upload(error),
            OutputFeatures = run.Upload(features),
            OutputFeatureStride = FeatureStride,
            Deltas = deltas,
            SampleCapacity = Capacity,
            Samples = Samples,
        };
        run.Launch(new ErrorProjection { Projection = projection });

        OperationRun.AssertEqual(expected, deltas);
    }

    /// <summary>g = Σ_k c_k (u_k ⊙ σ'(a)), in the place of the first direction.</summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Directions_are_summed_by_their_derivatives(string tiles)
    {
        using var run = new OperationRun(devices.Open(tiles));
        var (deltas, derivatives) = (run.Draw(Outputs * Directions * Capacity), run.Draw(Directions * Capacity));
        var target = run.Upload(deltas);
        var expected = deltas.ToArray();
        ForEach(RowBegin, Outputs, Capacity, (row, column) => expected[(row * Directions * Capacity) + column] =
            Sum(Directions, k => deltas[(((row * Directions) + k) * Capacity) + column] * derivatives[(k * Capacity) + column]));
        var block = new DenseBlockArguments
        {
            SampleCapacity = Capacity,
            Deltas = target,
            DeltaStride = Directions * Capacity,
            DirectionalDerivatives = run.Upload(derivatives),
        };
        block.Pending.Samples = Samples;
        block.Pending.Directions = Directions;
        run.Launch(new SumOfDirections { Block = block });

        OperationRun.AssertEqual(expected, target);
    }

    /// <summary>
    /// y = σ(a), d = t ⊙ σ'(a) + u, and what a rule wants of them: u where feedback learns from it, u ⊙ σ' where weights follow it, what
    /// arrives where feedback above learns from it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Activations_and_tangents_of_every_rule(string tiles)
    {
        foreach (var rule in typeof(IBlockRule).Assembly.GetTypes()
            .Where(type => type.IsValueType && type.IsAssignableTo(typeof(IBlockRule))))
        {
            OperationRun.Call(this, nameof(AssertActivation), rule, tiles);
        }
    }

    private void AssertActivation<TRule>(string tiles)
        where TRule : struct, IBlockRule
    {
        using var run = new OperationRun(devices.Open(tiles));
        var features = run.Draw(Outputs * FeatureStride);
        var noise = new PerturbationNoise(Seed, 9);
        var hasNoise = TRule.PerturbsActivations;
        var target = run.Upload(features);
        var block = new DenseBlockArguments
        {
            Outputs = Outputs,
            OutputStride = OutputStride,
            SampleCapacity = Capacity,
            OutputFeatureStride = FeatureStride,
            OutputFeatures = target,
            DeltaStride = Directions * Capacity,
            Deltas = run.Target(Outputs * Directions * Capacity),
            Perturbations = run.Target(Directions * Capacity * OutputStride),
            ArrivingTangents = run.Target(Outputs * Directions * Capacity),
            Seeds = run.Upload(new uint[] { unchecked((uint)Seed), (uint)(Seed >> 32) }),
            Block = 2,
        };
        block.Forward.Samples = Samples;
        block.Forward.Directions = Directions;
        block.Forward.IsPerturbed = 1;
        block.Forward.InputHasTangents = 1;
        block.Forward.Noise.Step = 9;
        block.Forward.Outputs = run.Target(Capacity * OutputStride);
        run.Launch(new ActivationOf<TRule> { Block = block });

        var (actual, outputs) = (OperationRun.Download(target), OperationRun.Download(block.Forward.Outputs));
        var (deltas, perturbations) = (OperationRun.Download(block.Deltas), OperationRun.Download(block.Perturbations));
        var arriving = OperationRun.Download(block.ArrivingTangents);
        ForEach(0, Outputs, Samples, (row, sample) =>
        {
            var isMine = row >= RowBegin;
            var a = features[(row * FeatureStride) + sample];
            var y = Math.Max(a, 0);
            Assert.Equal(isMine ? y : a, actual[(row * FeatureStride) + sample]);
            Assert.Equal(isMine ? y : OperationRun.Untouched, outputs[(sample * OutputStride) + row]);
            for (var direction = 0; direction < Directions; direction++)
            {
                var place = (direction * Capacity) + sample;
                var t = features[(row * FeatureStride) + Capacity + place];
                var u = hasNoise ? noise.OfActivation(2, sample, row, direction) : 0;
                void AssertIs(double expected, float[] values, int index, bool isWritten) =>
                    Assert.Equal(isWritten && isMine ? expected : OperationRun.Untouched, values[index], Tolerance);

                Assert.Equal(isMine ? (y > 0 ? t : 0) + u : t, actual[(row * FeatureStride) + Capacity + place], Tolerance);
                AssertIs(u, perturbations, (place * OutputStride) + row, hasNoise && TRule.LearnsFeedback);
                AssertIs(y > 0 ? u : 0, deltas, (row * Directions * Capacity) + place, TRule.SumsPerturbations);
                AssertIs(t, arriving, (row * Directions * Capacity) + place, TRule.KeepsArrivingTangents);
            }
        });
    }

    /// <summary>
    /// d += V y of a batch that shares V, longer than a generated operand may be, and of samples with their own; W −= λ Σ_k c_k V_k.
    /// </summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void Tangents_and_weights_along_weight_perturbations(string tiles)
    {
        foreach (var (inputs, isPerSample) in new[] { (Inputs, false), (Inputs, true), (520, false) })
        {
            using var run = new OperationRun(devices.Open(tiles));
            var stride = Padding.RoundUp(inputs + 1);
            var (samples, directions) = (isPerSample ? 3 : Samples, 2);
            var noise = new PerturbationNoise(Seed, 9, NoiseDistribution.Rademacher);
            var inputFeatures = run.Draw((inputs + 1) * Capacity);
            var features = run.Draw(Outputs * FeatureStride);
            var weights = run.Draw(Outputs * stride);
            var derivatives = run.Draw(directions * Capacity);
            var sums = run.Draw(16);
            double V(int row, int column, int sample, int direction) =>
                noise.OfWeight(2, row, column, inputs + 1, isPerSample ? sample : 0, direction);

            var (tangents, moved) = (run.Upload(features), run.Upload(weights));
            var expectedTangents = features.ToArray();
            var expectedWeights = weights.ToArray();
            for (var row = RowBegin; row < Outputs; row++)
            {
                for (var direction = 0; direction < directions; direction++)
                {
                    for (var sample = 0; sample < samples; sample++)
                    {
                        expectedTangents[(row * FeatureStride) + ((direction + 1) * Capacity) + sample] +=
                            Sum(inputs + 1, j => V(row, j, sample, direction) * inputFeatures[(j * Capacity) + sample]);
                    }

                    for (var column = 0; column <= inputs; column++)
                    {
                        expectedWeights[(row * stride) + column] -= isPerSample
                            ? Sum(samples, s => V(row, column, s, direction) * derivatives[(direction * Capacity) + s])
                            : (float)(V(row, column, 0, direction) * sums[direction]);
                    }
                }
            }

            var block = new DenseBlockArguments
            {
                Inputs = inputs,
                Outputs = Outputs,
                InputStride = stride,
                InputFeatureStride = Capacity,
                OutputFeatureStride = FeatureStride,
                OutputFeatures = tangents,
                SampleCapacity = Capacity,
                Weights = new OptimizedParameters { Values = moved },
                DirectionalDerivatives = run.Upload(derivatives),
                BatchDerivatives = run.Upload(sums),
                Seeds = run.Upload(new uint[] { unchecked((uint)Seed), (uint)(Seed >> 32) }),
                Block = 2,
                HasWeightNoisePerSample = isPerSample ? 1 : 0,
            };
            block.Forward.Samples = block.Pending.Samples = samples;
            block.Forward.Directions = block.Pending.Directions = directions;
            block.Forward.InputFeatures = run.Upload(inputFeatures);
            block.Forward.InputHasTangents = 1;
            block.Forward.Noise.Step = block.Pending.Noise.Step = 9;
            block.Forward.Noise.IsRademacher = block.Pending.Noise.IsRademacher = 1;
            block.Pending.WeightStep.Rate = 1;
            run.Launch(new PerturbedTangents { Block = block });
            run.Launch(new PerturbedUpdate { Block = block });

            AssertColumns(expectedTangents, tangents, Outputs, FeatureStride, column => column % Capacity < samples);
            AssertColumns(expectedWeights, moved, Outputs, stride, column => column <= inputs);
        }
    }

    private static float Sum(int count, Func<int, double> term) => (float)Enumerable.Range(0, count).Sum(term);

    // Columns beyond samples and inputs are padding, and anything may stand there.
    private static void AssertColumns(float[] expected, ArrayView<float> view, int rows, int stride, Func<int, bool> isUsed)
    {
        var actual = OperationRun.Download(view);
        ForEach(0, rows, stride, (row, column) => Assert.True(
            !isUsed(column) || expected[(row * stride) + column] == actual[(row * stride) + column],
            $"Row {row}, column {column}: {actual[(row * stride) + column]} instead of {expected[(row * stride) + column]}."));
    }

    private static void ForEach(int begin, int end, int columns, Action<int, int> action) =>
        OperationRun.ForEach(begin, end, columns, action);

    private struct WeightUpdate : IOperation
    {
        public DenseBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => DenseUpdate.Weights<TTiles, Sgd>(
                TTiles.Workspace(), Block.Pending, Block.Pending.Inputs, Block.Weights, InputStride, Block.Deltas, Capacity,
                RowBegin, Outputs);
    }

    private struct FeedbackUpdate : IOperation
    {
        public DenseBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => DenseUpdate.Feedback<TTiles, Sgd>(
                TTiles.Workspace(), Block.Pending, Block.Feedback, Block.FeedbackRows, OutputStride, Grid.IdxY, RowBegin, 48);
    }

    private struct ErrorProjection : IOperation
    {
        public DeltaProjection Projection;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => DeltaProjection.Project<TTiles, ReLU>(TTiles.Workspace(), Projection, RowBegin, Outputs);
    }

    private struct SumOfDirections : IOperation
    {
        public DenseBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => DirectionSum.Run<TTiles>(
                Block.Deltas, Block.DeltaStride, Block.DirectionalDerivatives, Capacity, Block.Pending, RowBegin, Outputs);
    }

    private struct ActivationOf<TRule> : IOperation
        where TRule : struct, IBlockRule
    {
        public DenseBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram =>
            DenseActivation.Run<TTiles, ReLU, TRule>(Block, Block.OutputFeatures, Grid.IdxY, RowBegin, Outputs);
    }

    private struct PerturbedTangents : IOperation
    {
        public DenseBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram =>
            WeightPerturbation.AddToTangents<TTiles>(TTiles.Workspace(), Block, Block.OutputFeatures, Grid.IdxY, RowBegin, Outputs);
    }

    private struct PerturbedUpdate : IOperation
    {
        public DenseBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram =>
            WeightPerturbation.Update<TTiles, Sgd>(Block, Block.Weights, Grid.IdxY, RowBegin, Outputs);
    }
}
