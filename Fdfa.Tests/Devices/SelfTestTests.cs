using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;
using ILGPU;
using Simd =
    Fdfa.Gpu.Kernels.Tiles.SimdTiles<System.Numerics.Vector<float>, System.Numerics.Vector<uint>, Fdfa.Gpu.Kernels.Tiles.NativeLanes>;

namespace Fdfa.Tests.Devices;

/// <summary>No device trains before it has shown that it computes.</summary>
public sealed class SelfTestTests : IDisposable
{
    private static readonly TileProgram s_right = TileProgram.SimdNative(1);
    private static readonly TileProgram s_wrong = s_right with { Name = "wrong", Type = typeof(WithoutLastRow) };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_device_that_computes_wrongly_is_refused_with_the_number_and_leaves_nothing()
    {
        CommandLineRun run = Train(s_wrong);

        Assert.Equal(2, run.ExitCode);
        Assert.Matches(
            @"^fdfa: The device 'cpu' \(.+\) does not compute what it should: \w+ of block \d of seed 0 of .+ differ from the reference by "
            + @"\d\.\dE[+-]\d\d, where 1\.0E-05 is allowed\. .+--unchecked-device\.\s*$",
            run.Error);
        Assert.False(Directory.Exists(_folder.File("run")));
    }

    [Fact]
    public void It_is_taken_as_it_is_where_that_is_asked_for_and_the_run_says_so()
    {
        Assert.Equal(0, Train(s_wrong, "--unchecked-device").ExitCode);

        Assert.Equal("cpu+unchecked", RunFolder.ReadConfiguration(_folder.File("run")).DeviceSelector);
    }

    /// <summary>
    /// With the launches that each training makes: a device that has shown it once need not again, a damaged memory is none.
    /// </summary>
    [Fact]
    public void A_device_that_computes_is_tested_once()
    {
        long first = LaunchesOf(s_right);
        long second = LaunchesOf(s_right);
        string result = Assert.Single(Directory.GetFiles(_folder.File("self-tests")));
        File.WriteAllText(result, "{");
        long third = LaunchesOf(s_right);

        Assert.True(first > second, $"{first} driver calls at first, then {second}.");
        Assert.Equal(first, third);
        Assert.Equal(second, LaunchesOf(s_right));
    }

    [Fact]
    public void A_device_that_failed_is_tested_again()
    {
        Assert.Equal(2, Train(s_wrong).ExitCode);
        Assert.Equal(0, Train(s_wrong with { Type = s_right.Type }).ExitCode);
    }

    private long LaunchesOf(TileProgram tiles)
    {
        long calls = 0;
        Assert.Equal(0, Train(tiles, () => calls++).ExitCode);
        Directory.Delete(_folder.File("run"), recursive: true);
        return calls;
    }

    private CommandLineRun Train(TileProgram tiles, params string[] more) => Train(tiles, null, more);

    private CommandLineRun Train(TileProgram tiles, Action? onDriverCall, params string[] more)
    {
        ComputeDevice.ProbeOfNext =
            new DeviceProbe { Tiles = tiles, SelfTestFolder = _folder.File("self-tests"), OnDriverCall = onDriverCall };
        try
        {
            return CommandLineRun.Of(["train", .. CommandLineRun.Tiny, "--quiet", "--output", _folder.File("run"), .. more]);
        }
        finally
        {
            ComputeDevice.ProbeOfNext = null;
        }
    }

    /// <summary>Loses the last row of every product.</summary>
    private readonly struct WithoutLastRow : ITileProgram
    {
        public static bool IsFirstThread => Simd.IsFirstThread;

        public static ArrayView<float> Workspace() => Simd.Workspace();

        public static void Barrier() => Simd.Barrier();

        public static void ForEach<TBody>(int rowBegin, int rowEnd, int columns, TBody body)
            where TBody : struct, IElementwise => Simd.ForEach(rowBegin, rowEnd, columns, body);

        public static void Product<TLeft, TEpilogue>(ArrayView<float> workspace, MatrixProduct product, TLeft left, TEpilogue epilogue)
            where TLeft : struct, ILeftOperand
            where TEpilogue : struct, IProductEpilogue
        {
            product.RowEnd--;
            Simd.Product(workspace, product, left, epilogue);
        }

        public static void Convolve<TEpilogue>(ArrayView<float> workspace, Convolution convolution, TEpilogue epilogue)
            where TEpilogue : struct, IProductEpilogue => Simd.Convolve(workspace, convolution, epilogue);

        public static void Correlate(ArrayView<float> workspace, Correlation correlation) => Simd.Correlate(workspace, correlation);

        public static void SumChannels<TBody>(
            ArrayView<float> workspace, int channelBegin, int channelEnd, int positions, int columns, TBody body)
            where TBody : struct, IChannelSum => Simd.SumChannels(workspace, channelBegin, channelEnd, positions, columns, body);
    }
}
