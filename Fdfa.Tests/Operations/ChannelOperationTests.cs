using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Operations;

/// <summary>
/// Normalization of a channel, its tangents, its error's way back, and an error's way through the filters above, on every tile program.
/// </summary>
public sealed class ChannelOperationTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Channels = 6;
    private const int Begin = 4;
    private const int Capacity = 32;
    private const int Directions = 2;
    private const int Stride = (1 + Directions) * Capacity;
    private const int StatisticsStride = 16;
    private const double Tolerance = 2e-5;

    /// <summary>Positions of a map, samples; how a channel is normalized.</summary>
    public static TheoryData<string, int, int, NormalizationKind> Cases()
    {
        var cases = new TheoryData<string, int, int, NormalizationKind>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            cases.Add(tiles, 1, 21, NormalizationKind.Batch);
            cases.Add(tiles, 1, 1, NormalizationKind.Batch);
            cases.Add(tiles, 35, 3, NormalizationKind.Batch);
            cases.Add(tiles, 70, 32, NormalizationKind.Batch);
            cases.Add(tiles, 9, 5, NormalizationKind.Running);
            cases.Add(tiles, 9, 17, NormalizationKind.None);
        }

        return cases;
    }

    /// <summary>a and a' by <see cref="BatchNormalization"/>, then ∂z, ∂γ and ∂β, or ∂b, from an error at y.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void A_channel_is_normalized_there_and_back(string tiles, int positions, int samples, NormalizationKind kind)
    {
        using var run = new OperationRun(devices.Open(tiles));
        var z = run.DrawReal(Channels * positions * Stride, 2);
        var offsets = run.DrawReal(Channels * ChannelBlockArguments.ChannelStride, 2);
        var running = Array.ConvertAll(run.DrawReal(Channels * ChannelBlockArguments.ChannelStride, 1), value => value + 2);
        var errors = run.DrawReal(Channels * positions * Capacity, 1);
        var block = new ChannelBlockArguments
        {
            Channels = Channels,
            Geometry = new TapGeometry { Positions = positions, MapWidth = positions },
            HasNormalization = kind == NormalizationKind.None ? 0 : 1,
            IsTraining = kind == NormalizationKind.Running ? 0 : 1,
            SampleCapacity = Capacity,
            FeatureStride = Stride,
            DeltaStride = Capacity,
            Offsets = new OptimizedParameters { Values = run.Upload(offsets) },
            Gradients = run.Target(Channels * ChannelBlockArguments.ChannelStride),
            RunningStatistics = run.Upload(running),
            Statistics = run.Target(Channels * StatisticsStride),
            StatisticsStride = StatisticsStride,
            Map = run.Upload(z),
            Deltas = run.Target(Channels * positions * Capacity),
            SiteDeltas = run.Upload(errors),
            Output = new OutputMap { Height = 1, Width = positions, Features = run.Target(Channels * positions * Stride) },
        };
        block.Forward.Samples = samples;
        block.Forward.Directions = Directions;
        run.Launch(new NormalizationThereAndBack { Block = block });

        var (features, deltas) = (OperationRun.Download(block.Output.Features), OperationRun.Download(block.Deltas));
        var (gradients, moved) = (OperationRun.Download(block.Gradients), OperationRun.Download(block.RunningStatistics));
        for (var channel = Begin; channel < Channels; channel++)
        {
            // One channel is a dense block of one neuron whose samples are the channel's values.
            var one = new DenseBlock(1, 1, ActivationFunction.Tanh, kind != NormalizationKind.None);
            var own = channel * ChannelBlockArguments.ChannelStride;
            double[] Values(float[] source, int stride, int offset) =>
                [.. from position in Enumerable.Range(0, positions)
                    from sample in Enumerable.Range(0, samples)
                    select (double)source[(((channel * positions) + position) * stride) + offset + sample]];

            var numbers = new Normalization([offsets[own]], [offsets[own + 1]], [running[own]], [running[own + 1]]);
            var values = Values(z, Stride, 0);
            var batch = BatchNormalization.Normalize(
                one, numbers, values, kind == NormalizationKind.Running ? NormalizationStatistics.Running : NormalizationStatistics.Batch);
            double[] a = kind == NormalizationKind.None
                ? [.. values.Select(value => value + offsets[own])]
                : BatchNormalization.Forward(one, numbers, batch);
            AssertClose([.. a.Select(Math.Tanh)], Values(features, Stride, 0));
            for (var direction = 0; direction < Directions; direction++)
            {
                var tangents = Values(z, Stride, (direction + 1) * Capacity);
                var through = kind == NormalizationKind.None ? tangents : BatchNormalization.Tangent(one, numbers, batch, tangents);
                AssertClose(
                    [.. through.Zip(a, (tangent, at) => tangent * (1 - (Math.Tanh(at) * Math.Tanh(at))))],
                    Values(features, Stride, (direction + 1) * Capacity));
            }

            double[] g = [.. Values(errors, Capacity, 0).Zip(a, (error, at) => error * (1 - (Math.Tanh(at) * Math.Tanh(at))))];

            // What rounding adds to a sum is a random walk.
            var walk = Math.Sqrt(g.Length);
            AssertClose(
                [kind == NormalizationKind.None ? g.Sum() : BatchNormalization.ScaleGradient(one, batch, g)[0]], [gradients[own]], walk);
            AssertClose([kind == NormalizationKind.None ? OperationRun.Untouched : g.Sum()], [gradients[own + 1]], walk);
            if (kind != NormalizationKind.Running)
            {
                AssertClose(
                    kind == NormalizationKind.None ? g : BatchNormalization.Backward(one, numbers, batch, g), Values(deltas, Capacity, 0));
            }

            if (kind == NormalizationKind.Batch)
            {
                BatchNormalization.UpdateRunningStatistics(one, numbers, batch);
            }

            AssertClose([numbers.RunningMean[0], numbers.RunningVariance[0]], [moved[own], moved[own + 1]]);
        }
    }

    /// <summary>δ[c, y, x] = Σ W[f, c, i, j] ∂z[f, (y + p − i)/s, (x + p − j)/s], a convolution itself.</summary>
    [Theory]
    [MemberData(nameof(CpuAccelerators.Names), MemberType = typeof(CpuAccelerators))]
    public void An_error_comes_back_through_the_filters_above(string tiles)
    {
        const int Filters = 5;
        const int Kernel = 3;
        const int Step = 2;
        const int Samples = 19;
        using var run = new OperationRun(devices.Open(tiles));

        // An image of 5 × 7 with a border of 1 gives a map of 3 × 4; its error among zeros is a map of 7 × 9.
        var below = new ImageShape(Channels, 5, 7);
        var above = new ConvolutionBlock(below, Filters, Kernel, Step, 1, ActivationFunction.ReLU);
        var spread = new ImageBorder { Height = 3, Width = 4, Size = 1, Spacing = Step, FullHeight = 7, FullWidth = 9 };
        var weightStride = Padding.RoundUp(above.FanIn + 1);
        var weights = run.Draw(Filters, above.FanIn, weightStride);
        var deltas = run.Draw(Filters * 12, Samples, Capacity);
        var among = new float[Filters * 7 * 9 * Capacity];
        for (var row = 0; row < Filters * 12; row++)
        {
            deltas.AsSpan(row * Capacity, Capacity).CopyTo(among.AsSpan(spread.RowOf(row) * Capacity));
        }

        var taps = Filters * Kernel * Kernel;
        var filterStride = Padding.RoundUp(taps + 1);
        var block = new ChannelBlockArguments
        {
            Channels = Channels,
            ChannelsPerGroup = 4,
            DeltaStride = Capacity,
            SiteDeltas = run.Target(below.Size * Capacity),
            Output = new OutputMap { Height = below.Height, Width = below.Width },
        };
        var link = new ChannelLink
        {
            Matrix = run.Upload(weights),
            MatrixStride = weightStride,
            Kernel = Kernel,
            Channels = Filters,
            Filters = run.Target(Channels * filterStride),
            FilterStride = filterStride,
            Samples = Samples,
            Geometry = new TapGeometry
            {
                Inputs = run.Upload(among),

                // The filter turned round: tap (f, i, j) at (y, x) is ∂z among zeros at (y + 2 − i, x + 2 − j).
                Taps = run.Upload(Enumerable.Range(0, taps)
                    .Select(tap => (((((tap / 9 * 7) + 2 - (tap / 3 % 3)) * 9) + 2 - (tap % 3)) * Capacity)).ToArray()),
                Count = taps,
                Positions = below.Positions,
                MapWidth = below.Width,
                RowStep = 9 * Capacity,
                ColumnStep = Capacity,
            },
        };
        run.Launch(new Link { Block = block, Above = link }, groups: 2);

        var actual = OperationRun.Download(block.SiteDeltas);
        for (var sample = 0; sample < Samples; sample++)
        {
            double[] g = [.. Enumerable.Range(0, Filters * 12).Select(row => (double)deltas[(row * Capacity) + sample])];
            double[] w = [.. Enumerable.Range(0, Filters * above.FanIn)
                .Select(i => (double)weights[(i / above.FanIn * weightStride) + (i % above.FanIn)])];
            Assert.Equal(
                LinearMap.Transposed(above, g, w, 1),
                Enumerable.Range(0, below.Size).Select(row => (double)actual[(row * Capacity) + sample]));
        }
    }

    private static void AssertClose(double[] expected, double[] actual, double magnitude = 1) => Assert.All(
        expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance * Math.Max(magnitude, Math.Abs(pair.First))));

    private struct NormalizationThereAndBack : IOperation
    {
        public ChannelBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram
        {
            var (rowBegin, rowEnd) = (Begin * Block.Geometry.Positions, Channels * Block.Geometry.Positions);
            ChannelStatistics.OfForward<TTiles>(TTiles.Workspace(), Block, Directions, Begin, Channels);
            TTiles.ForEach(rowBegin, rowEnd, Padding.RoundUp(Block.Forward.Samples), new ChannelActivation<Tanh, BackwardChainRule>
            {
                Block = Block,
                HasArrivingTangents = 1,
                RowEnd = rowEnd,
            });
            ChannelErrors<Tanh>.Run<TTiles>(TTiles.Workspace(), Block, Block.Forward.Samples, Begin, Channels);
        }
    }

    private struct Link : IOperation
    {
        public ChannelBlockArguments Block;
        public ChannelLink Above;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => ChannelBackward.Run<TTiles, Identity>(Block, Above);
    }
}

/// <summary>How a channel is normalized.</summary>
public enum NormalizationKind
{
    /// <summary>By its batch, in training.</summary>
    Batch,

    /// <summary>By running statistics, in evaluation.</summary>
    Running,

    /// <summary>Not at all.</summary>
    None,
}
