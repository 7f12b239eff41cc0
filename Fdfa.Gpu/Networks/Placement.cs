using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Networks;

/// <summary>Which device holds each block of a network: consecutive blocks lie together.</summary>
internal sealed class Placement
{
    private readonly IReadOnlyList<ComputeDevice> _devices;
    private readonly int[] _ends;

    /// <summary>Shares the blocks out so that the device with most to compute has as little as can be.</summary>
    /// <param name="network">The network.</param>
    /// <param name="devices">Each takes at least one block; none where a network is only counted.</param>
    /// <exception cref="InvalidOptionException">There are more devices than blocks.</exception>
    public Placement(NetworkDescription network, IReadOnlyList<ComputeDevice> devices)
    {
        _devices = devices;
        if (devices.Count > network.Blocks.Count)
        {
            throw new InvalidOptionException(
                $"The network {network.Topology} has {network.Blocks.Count} block(s), too few for {devices.Count} devices; "
                + "name fewer devices.");
        }

        _ends = Share(
            [.. network.Blocks.Select(block => (double)block.Channels * block.FanIn * block.Positions)], Math.Max(devices.Count, 1));
    }

    /// <summary>Devices with blocks, at least 1.</summary>
    public int Count => _ends.Length;

    /// <summary>The first block of a share, from 0.</summary>
    public int BeginOf(int share) => share == 0 ? 0 : _ends[share - 1];

    /// <summary>The block behind its last.</summary>
    public int EndOf(int share) => _ends[share];

    /// <summary>Where it lies; null where the network is only counted.</summary>
    public ComputeDevice? DeviceOf(int share) => _devices.Count == 0 ? null : _devices[share];

    /// <summary>The share that a block is in.</summary>
    public int ShareOf(int block) => Array.FindIndex(_ends, end => block < end);

    /// <summary>Ends of consecutive shares whose largest is as small as can be.</summary>
    private static int[] Share(double[] work, int count)
    {
        // Of the first n blocks in k shares: the smallest possible largest share, and where the last share begins.
        var best = new (double Largest, int Begin)[count + 1, work.Length + 1];
        for (var k = 0; k <= count; k++)
        {
            for (var n = 0; n <= work.Length; n++)
            {
                best[k, n] = k == 0 ? (Largest: n == 0 ? 0 : double.PositiveInfinity, Begin: 0) : Enumerable.Range(0, n)
                    .Select(begin => (Largest: Math.Max(best[k - 1, begin].Largest, work[begin..n].Sum()), Begin: begin))
                    .DefaultIfEmpty((Largest: double.PositiveInfinity, Begin: 0))
                    .MinBy(share => share.Largest);
            }
        }

        var ends = new int[count];
        ends[^1] = work.Length;
        for (var k = count - 1; k > 0; k--)
        {
            ends[k - 1] = best[k + 1, ends[k]].Begin;
        }

        return ends;
    }
}
