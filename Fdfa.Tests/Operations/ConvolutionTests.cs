using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>Convolutions, and the gradients of their filters, on every tile program, against their sums written out.</summary>
public sealed class ConvolutionTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int StrideBeyond = 32;

    /// <summary>Images; first channel, channels, samples.</summary>
    private static readonly (Images Images, int ChannelBegin, int Channels, int Columns)[] s_cases =
    [
        (new(1, 1, 1, 1, 1, 0), 0, 1, 16),
        (new(1, 9, 7, 3, 1, 0), 0, 5, 16),
        (new(3, 7, 6, 5, 2, 2), 4, 3, 48),
        (new(2, 5, 8, 3, 1, 1), 0, 9, 32),
        (new(5, 4, 3, 1, 1, 0), 8, 4, 80),
        (new(1, 13, 12, 11, 4, 2), 0, 6, 16),
        (new(7, 3, 3, 3, 1, 1), 0, 17, 16),
        (new(2, 6, 6, 2, 3, 0), 4, 8, 144),
    ];

    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            for (var index = 0; index < s_cases.Length; index++)
            {
                cases.Add(tiles, index);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Convolve(string tiles, int index)
    {
        var (images, channelBegin, channels, columns) = s_cases[index];
        using var run = new OperationRun(devices.Open(tiles));
        var (channelEnd, stride, filterStride) = (channelBegin + channels, columns + StrideBeyond, Padding.RoundUp(images.Taps + 1));
        var inputs = images.Draw(run, columns, stride);
        var filters = run.Draw(channelEnd, images.Taps, filterStride);
        var target = run.Target(channelEnd * images.Positions * stride);
        var expected = OperationRun.Filled((int)target.Length);
        ForEach(channelBegin, channelEnd, images.Positions, columns, (channel, position, column) =>
            expected[(((channel * images.Positions) + position) * stride) + column] = (float)Enumerable.Range(0, images.Taps)
                .Sum(tap => (double)filters[(channel * filterStride) + tap] * images.At(inputs, stride, tap, position, column)));

        run.Launch(new Convolving
        {
            Convolution = new Convolution
            {
                Geometry = images.Geometry(run, run.Upload(inputs), stride),
                Filters = run.Upload(filters),
                FilterStride = filterStride,
                ChannelBegin = channelBegin,
                ChannelEnd = channelEnd,
                ColumnEnd = columns,
            },
            Epilogue = new AddEpilogue { Target = target, Stride = stride },
        });

        OperationRun.AssertEqual(expected, target);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Correlate(string tiles, int index)
    {
        var (images, channelBegin, channels, columns) = s_cases[index];
        using var run = new OperationRun(devices.Open(tiles));
        var (channelEnd, stride, targetStride) = (channelBegin + channels, columns + StrideBeyond, Padding.RoundUp(images.Taps + 1));
        var deltaStride = columns + 16;
        var inputs = images.Draw(run, columns, stride);
        var deltas = run.Draw(channelEnd * images.Positions, columns, deltaStride);
        var target = run.Target(channelEnd * targetStride);
        var expected = OperationRun.Filled((int)target.Length);
        ForEach(channelBegin, channelEnd, images.Taps, 1, (channel, tap, _) => expected[(channel * targetStride) + tap] = 0);
        ForEach(channelBegin, channelEnd, images.Positions, columns, (channel, position, column) =>
        {
            var delta = deltas[(((channel * images.Positions) + position) * deltaStride) + column];
            for (var tap = 0; tap < images.Taps; tap++)
            {
                expected[(channel * targetStride) + tap] += delta * images.At(inputs, stride, tap, position, column);
            }
        });

        run.Launch(new Correlating
        {
            Correlation = new Correlation
            {
                Geometry = images.Geometry(run, run.Upload(inputs), stride),
                Deltas = run.Upload(deltas),
                DeltaStride = deltaStride,
                Target = target,
                TargetStride = targetStride,
                ChannelBegin = channelBegin,
                ChannelEnd = channelEnd,
                ColumnEnd = columns,
            },
        });

        // Where a tile of taps ends behind the last one, what lies between the rows is the kernel's too.
        var written = OperationRun.Download(target);
        ForEach(channelBegin, channelEnd, targetStride - images.Taps, 1, (channel, beyond, _) =>
            expected[(channel * targetStride) + images.Taps + beyond] = written[(channel * targetStride) + images.Taps + beyond]);
        OperationRun.AssertEqual(expected, target);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Sum_channels(string tiles, int index)
    {
        var (images, channelBegin, channels, columns) = s_cases[index];
        using var run = new OperationRun(devices.Open(tiles));
        var (channelEnd, stride) = (channelBegin + channels, columns + StrideBeyond);
        var source = run.Draw(channelEnd * images.Positions, columns, stride);
        var target = run.Upload(new float[2 * channelEnd]);
        var expected = new float[2 * channelEnd];
        ForEach(channelBegin, channelEnd, images.Positions, columns, (channel, position, column) =>
        {
            var x = source[(((channel * images.Positions) + position) * stride) + column];
            expected[2 * channel] += (channel + 1) * x;
            expected[(2 * channel) + 1] += x * x;
        });

        run.Launch(new Summing
        {
            ChannelBegin = channelBegin,
            ChannelEnd = channelEnd,
            Positions = images.Positions,
            Columns = columns,
            Sum = new TwoSums { Source = run.Upload(source), Stride = stride, Target = target },
        });

        OperationRun.AssertEqual(expected, target);
    }

    private static void ForEach(int begin, int end, int rows, int columns, Action<int, int, int> action) =>
        OperationRun.ForEach(begin, end, rows * columns, (channel, place) => action(channel, place / columns, place % columns));

    private struct Convolving : IOperation
    {
        public Convolution Convolution;
        public AddEpilogue Epilogue;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => TTiles.Convolve(TTiles.Workspace(), Convolution, Epilogue);
    }

    private struct Correlating : IOperation
    {
        public Correlation Correlation;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => TTiles.Correlate(TTiles.Workspace(), Correlation);
    }

    private struct Summing : IOperation
    {
        public int ChannelBegin;
        public int ChannelEnd;
        public int Positions;
        public int Columns;
        public TwoSums Sum;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram =>
            TTiles.SumChannels(TTiles.Workspace(), ChannelBegin, ChannelEnd, Positions, Columns, Sum);
    }

    /// <summary>(channel + 1) Σ x and Σ x² of a channel; += shows whether it is finished once.</summary>
    private struct TwoSums : IChannelSum
    {
        public ArrayView<float> Source;
        public int Stride;
        public ArrayView<float> Target;

        public readonly LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var x = TLanes.Load(Source, (row * Stride) + column);
            return new(TLanes.Multiply(x, TLanes.Broadcast(channel + 1)), TLanes.Multiply(x, x));
        }

        public readonly void Finish(int channel, float first, float second)
        {
            Target[2 * channel] += first;
            Target[(2 * channel) + 1] += second;
        }
    }
}
