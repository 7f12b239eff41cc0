using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Networks;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Training;

/// <summary>Which device gets which blocks.</summary>
public sealed class PlacementTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    [Theory]
    [InlineData("784-800-10", 1)]
    [InlineData("784-800-800-800-10", 2)]
    [InlineData("784-20-30-400-10-5-600-7-10", 3)]
    [InlineData("784-20-30-400-10-5-600-7-10", 8)]
    [InlineData("10-10-10-10-10-10", 4)]
    public void Shares_are_consecutive_and_the_largest_is_as_small_as_can_be(string topology, int count)
    {
        var network = Topology.Parse(topology);
        var placement = new Placement(network, [.. Enumerable.Repeat(devices.Open("simd"), count)]);
        var ends = Enumerable.Range(0, placement.Count).Select(placement.EndOf).ToArray();

        Assert.Equal(count, ends.Length);
        Assert.Equal(network.Blocks.Count, ends[^1]);
        Assert.All(Enumerable.Range(0, count), share => Assert.True(placement.BeginOf(share) < placement.EndOf(share)));
        Assert.All(Enumerable.Range(0, network.Blocks.Count), block =>
            Assert.InRange(block, placement.BeginOf(placement.ShareOf(block)), placement.EndOf(placement.ShareOf(block)) - 1));
        Assert.Equal(Partitions(0, network.Blocks.Count, count).Min(Largest), Largest(ends));

        double Largest(int[] shares) => shares.Select((end, share) => network.Blocks
            .Take((share == 0 ? 0 : shares[share - 1])..end).Sum(block => (double)block.Inputs * block.Outputs)).Max();
    }

    [Fact]
    public void A_convolution_counts_with_its_positions()
    {
        // 784 times 1250 weights against 98,000 and twice 4,000: by parameters alone, the first two blocks would be one share.
        var placement = new Placement(
            Topology.Parse("50C5+2-P2-10-400-10", inputShape: new ImageShape(1, 28, 28)), [devices.Open("simd"), devices.Open("simd")]);
        Assert.Equal([1, 4], Enumerable.Range(0, 2).Select(placement.EndOf));
    }

    [Fact]
    public void What_is_only_counted_lies_nowhere_and_in_one_piece()
    {
        var placement = new Placement(Topology.Parse("784-8-10"), []);
        Assert.Equal(1, placement.Count);
        Assert.Equal((0, 2), (placement.BeginOf(0), placement.EndOf(0)));
        Assert.Null(placement.DeviceOf(0));
    }

    /// <summary>Every way to cut blocks into that many shares.</summary>
    private static IEnumerable<int[]> Partitions(int begin, int end, int count) => count == 1
        ? [[end]]
        : Enumerable.Range(begin + 1, end - begin - count + 1)
            .SelectMany(cut => Partitions(cut, end, count - 1).Select(rest => (int[])[cut, .. rest]));
}
