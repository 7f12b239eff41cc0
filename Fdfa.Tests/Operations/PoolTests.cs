using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>
/// Max pools and adaptive averages, forward, of tangents and back, on every tile program, against loops over their windows.
/// </summary>
/// <remarks>Of whole numbers between −3 and 3 many are equal: the first of a window's largest ones is taken.</remarks>
public sealed class PoolTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Channels = 5;
    private const int Samples = 21;
    private const int Capacity = 48;
    private const int Directions = 2;
    private const int Stride = (1 + Directions) * Capacity;

    /// <summary>Rows and columns of a map; a window's side and stride; rows and columns of the averages, 0 for none.</summary>
    public static TheoryData<string, int, int, int, int, int, int> Cases()
    {
        var cases = new TheoryData<string, int, int, int, int, int, int>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            cases.Add(tiles, 2, 2, 2, 2, 0, 0);
            cases.Add(tiles, 7, 5, 2, 2, 0, 0);
            cases.Add(tiles, 7, 9, 3, 2, 0, 0);
            cases.Add(tiles, 5, 6, 3, 1, 0, 0);
            cases.Add(tiles, 7, 8, 2, 3, 0, 0);
            cases.Add(tiles, 8, 6, 2, 2, 2, 3);
            cases.Add(tiles, 9, 11, 3, 2, 3, 2);
            cases.Add(tiles, 4, 4, 2, 1, 5, 4);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_pool(string tiles, int height, int width, int size, int step, int averageHeight, int averageWidth)
    {
        using var run = new OperationRun(devices.Open(tiles));
        var (pooledHeight, pooledWidth) = (((height - size) / step) + 1, ((width - size) / step) + 1);
        var isAveraged = averageHeight > 0;
        var (outputHeight, outputWidth) = isAveraged ? (averageHeight, averageWidth) : (pooledHeight, pooledWidth);
        var border = ImageBorder.Around(outputHeight, outputWidth, 1);
        var map = run.Draw(Channels * height * width * Stride);

        // One of the first sample's values is no number: somewhere in its windows, and not only first.
        map[((height * width) - 1) * Stride] = float.NaN;
        var statistics = new float[Channels * 16];
        for (var channel = 0; channel < Channels; channel++)
        {
            (statistics[(channel * 16) + 2], statistics[(channel * 16) + 3]) = (channel - 2, 1);
        }

        var errors = run.Draw(Channels * outputHeight * outputWidth, Samples, Capacity);
        var block = new ChannelBlockArguments
        {
            Channels = Channels,
            Geometry = new TapGeometry { Positions = height * width, MapWidth = width },
            SampleCapacity = Capacity,
            FeatureStride = Stride,
            DeltaStride = Capacity,
            Statistics = run.Upload(statistics),
            StatisticsStride = 16,
            Map = run.Upload(map),
            Gradients = run.Target(Channels * ChannelBlockArguments.ChannelStride),
            Deltas = run.Target(Channels * height * width * Capacity),
            SiteDeltas = run.Upload(errors),
            Site = new ErrorSite { IsPooled = 1 },
            Output = new OutputMap
            {
                WindowSize = size,
                WindowStride = step,
                PooledHeight = pooledHeight,
                PooledWidth = pooledWidth,
                Height = outputHeight,
                Width = outputWidth,
                Choices = run.Target(Channels * pooledHeight * pooledWidth * Capacity),
                Pooled = isAveraged ? run.Target(Channels * pooledHeight * pooledWidth * Stride) : ArrayView<float>.Empty,
                Features = run.Target(Channels * outputHeight * outputWidth * Stride),
                BorderedFeatures = run.Target(Channels * border.FullHeight * border.FullWidth * Stride),
                Border = border,
                SampleMajorStride = Padding.RoundUp(Channels * outputHeight * outputWidth),
            },
        };
        block.Forward.Samples = Samples;
        block.Forward.Directions = Directions;
        block.Pending.Samples = Samples;
        block.Forward.Outputs = run.Target(Capacity * block.Output.SampleMajorStride);

        run.Launch(new PoolThereAndBack { Block = block });

        var features = OperationRun.Download(block.Output.Features);
        var bordered = OperationRun.Download(block.Output.BorderedFeatures);
        var outputs = OperationRun.Download(block.Forward.Outputs);
        var deltas = OperationRun.Download(block.Deltas);
        for (var channel = 0; channel < Channels; channel++)
        {
            for (var sample = 0; sample < Samples; sample++)
            {
                float Value(int place) => (map[(((channel * height * width) + place) * Stride) + sample] * (channel - 2)) + 1;
                int Taken(int window) => Largest(
                    Enumerable.Range(0, size * size).Select(
                        i => ((((window / pooledWidth) * step) + (i / size)) * width) + ((window % pooledWidth) * step) + (i % size)),
                    Value);

                int[] taken = [.. Enumerable.Range(0, pooledHeight * pooledWidth).Select(Taken)];
                var expectedDeltas = new double[height * width];
                for (var o = 0; o < outputHeight * outputWidth; o++)
                {
                    int[] windows = isAveraged ? [.. Averaged(o, outputHeight, outputWidth, pooledHeight, pooledWidth)] : [o];
                    var row = (channel * outputHeight * outputWidth) + o;
                    for (var direction = -1; direction < Directions; direction++)
                    {
                        var column = ((direction + 1) * Capacity) + sample;
                        var expected = windows.Average(window => direction < 0
                            ? Value(taken[window])
                            : (double)map[(((channel * height * width) + taken[window]) * Stride) + column]);
                        Assert.Equal(expected, features[(row * Stride) + column], 1e-5);
                        Assert.Equal(features[(row * Stride) + column], bordered[(border.RowOf(row) * Stride) + column]);
                        Assert.True(direction >= 0
                            || outputs[(sample * block.Output.SampleMajorStride) + row].Equals(features[(row * Stride) + column]));
                    }

                    foreach (var window in windows)
                    {
                        expectedDeltas[taken[window]] += (double)errors[(row * Capacity) + sample] / windows.Length;
                    }
                }

                Assert.All(expectedDeltas.Index(), place => Assert.Equal(
                    place.Item, deltas[(((channel * height * width) + place.Index) * Capacity) + sample], 1e-5));
            }
        }
    }

    // The last of a window's NaNs is taken before any number, the first of its largest numbers else.
    private static int Largest(IEnumerable<int> places, Func<int, float> value) =>
        places.Aggregate((taken, place) => value(place) > value(taken) || float.IsNaN(value(place)) ? place : taken);

    // PyTorch's windows of an adaptive average.
    private static IEnumerable<int> Averaged(int output, int outputHeight, int outputWidth, int height, int width)
    {
        var (oy, ox) = Math.DivRem(output, outputWidth);
        for (var y = oy * height / outputHeight; y < Math.Ceiling((oy + 1.0) * height / outputHeight); y++)
        {
            for (var x = ox * width / outputWidth; x < Math.Ceiling((ox + 1.0) * width / outputWidth); x++)
            {
                yield return (y * width) + x;
            }
        }
    }

    /// <summary>Windows, averages, and the way of an error back.</summary>
    private struct PoolThereAndBack : IOperation
    {
        public ChannelBlockArguments Block;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram
        {
            var columns = Padding.RoundUp(Samples);
            var rows = Channels * Block.Output.PooledHeight * Block.Output.PooledWidth;
            TTiles.ForEach(0, rows, columns, new ChannelPool<Identity, BackwardChainRule> { Block = Block, RowEnd = rows });
            TTiles.Barrier();
            if (Block.Output.IsAveraged)
            {
                rows = Channels * Block.Output.Positions;
                TTiles.ForEach(0, rows, columns, new ChannelAverage<BackwardChainRule> { Block = Block, RowEnd = rows });
            }

            ChannelErrors<Identity>.Run<TTiles>(TTiles.Workspace(), Block, Samples, 0, Channels);
        }
    }
}
