using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

public sealed class EpochOrderTests
{
    private const ulong Seed = 0x0123456789ABCDEF;

    /// <summary>Golden values of the contract, computed by an independent program in another language.</summary>
    [Fact]
    public void Golden_values()
    {
        Assert.Equal([5, 1, 6, 7, 0, 2, 3, 8, 9, 4], EpochOrder.Create(10, Seed, epoch: 0));
        Assert.Equal([6, 8, 1, 2, 9, 5, 0, 3, 4, 7], EpochOrder.Create(10, Seed, epoch: 5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(60_000)]
    public void Every_sample_is_visited_once(int samples) =>
        Assert.Equal(Enumerable.Range(0, samples), EpochOrder.Create(samples, Seed, epoch: 1).Order());

    [Fact]
    public void All_orders_are_equally_likely()
    {
        // 24 orders of 4 samples; 49.73 is the 99.9 % quantile of chi-square with 23 degrees of freedom.
        var counts = new Dictionary<string, int>();
        for (var epoch = 0; epoch < 24_000; epoch++)
        {
            string order = string.Join(',', EpochOrder.Create(4, Seed, epoch));
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(24, counts.Count);
        Assert.InRange(counts.Values.Sum(count => (count - 1000.0) * (count - 1000.0) / 1000.0), 0, 49.73);
    }

    [Fact]
    public void The_overload_allocates_nothing_and_agrees()
    {
        var order = new int[1000];
        EpochOrder.Create(order, Seed, epoch: 2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        EpochOrder.Create(order, Seed, epoch: 3);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(EpochOrder.Create(1000, Seed, epoch: 3), order);
    }

    [Fact]
    public void Negative_numbers_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => EpochOrder.Create(-1, Seed, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => EpochOrder.Create(5, Seed, -1));
    }
}
