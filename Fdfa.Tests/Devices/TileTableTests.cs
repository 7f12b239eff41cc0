using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Devices;

/// <summary>Which tiles a GPU is given.</summary>
public sealed class TileTableTests
{
    [Theory]
    [InlineData(132, 800, 128, 1, "SIMT, 256 threads, 16 × 64")]
    [InlineData(132, 4223, 128, 1, "SIMT, 256 threads, 16 × 64")]
    [InlineData(132, 4224, 128, 1, "SIMT, 64 threads, 16 × 64")]
    [InlineData(132, 4224, 128, 4, "SIMT, 64 threads, 64 × 64")]
    [InlineData(132, 4224, 48, 4, "SIMT, 64 threads, 16 × 64")]
    [InlineData(132, 800, 128, 100, "SIMT, 256 threads, 16 × 64")]
    [InlineData(4, 800, 128, 1, "SIMT, 64 threads, 64 × 64")]
    public void A_problem_is_given_the_tiles_that_fill_the_device(
        int multiprocessors, long rows, long columns, int replicas, string expected) =>
        Assert.Equal(expected, TileTable.Gpu(multiprocessors).For(new TileProblem(rows, columns, replicas)).Name);
}
