namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>The order in which an epoch visits the samples: Fisher and Yates's shuffle from the top.</summary>
/// <remarks>
/// <code>
/// for i = samples − 1 … 1: swap elements i and j = (x·(i + 1)) >> 32, with x the word of element i, step = epoch
/// </code>
/// </remarks>
public static class EpochOrder
{
    /// <summary>The order of one epoch.</summary>
    /// <param name="samples">Number of samples, 0 or more.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">Counted from 0.</param>
    /// <returns>A permutation of 0 … samples − 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public static int[] Create(int samples, ulong seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        var order = new int[samples];
        Create(order, seed, epoch);
        return order;
    }

    /// <summary>The order of one epoch, without allocating.</summary>
    /// <param name="order">Written: a permutation of 0 … length − 1.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">Counted from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is negative.</exception>
    public static void Create(Span<int> order, ulong seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        var stream = new RandomStream(seed, RandomPurpose.EpochOrder, Block: 0, (uint)epoch);
        for (int i = order.Length - 1; i >= 1; i--)
        {
            var j = (int)((stream.WordAt(i, row: 0) * (ulong)(i + 1)) >> 32);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }
}
