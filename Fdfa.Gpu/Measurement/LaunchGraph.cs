using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Measurement;

/// <summary>The launches of an update phase, what is left of a step once e is there; and which of them must wait for which.</summary>
/// <remarks>
/// In the order in which one device runs them: links of a backward chain from the output down, then updates from the input up.
/// </remarks>
internal sealed class LaunchGraph
{
    private readonly List<IReadOnlyList<int>> _waitsFor = [];

    private LaunchGraph()
    {
    }

    /// <summary>Launches.</summary>
    public int Count => _waitsFor.Count;

    /// <summary>The update phase of a rule without local heads.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="blocks">L.</param>
    public static LaunchGraph Of(LearningRule rule, int blocks)
    {
        var graph = new LaunchGraph();

        // The link into block l is number L − 1 − l, l from 1.
        int[] LinkInto(int l) => rule.HasBackwardChain && l >= 1 && l < blocks ? [blocks - 1 - l] : [];
        for (var l = rule.HasBackwardChain ? blocks - 1 : 0; l >= 1; l--)
        {
            graph._waitsFor.Add(LinkInto(l + 1));
        }

        for (var l = 1; l <= blocks; l++)
        {
            // It needs ∂z of its block; and the weights that it overwrites take the error to the block below first.
            graph._waitsFor.Add([.. LinkInto(l), .. rule.ErrorSignal == ErrorSignal.BackwardChain ? LinkInto(l - 1) : []]);
        }

        return graph;
    }

    /// <summary>
    /// The longest chain of launches that wait for one another: what the phase takes if a device is free for every launch.
    /// </summary>
    /// <param name="weightOf">What a launch counts, by its number.</param>
    public double LongestPath(Func<int, double> weightOf)
    {
        var ends = new double[Count];
        for (var launch = 0; launch < ends.Length; launch++)
        {
            ends[launch] = weightOf(launch) + _waitsFor[launch].Select(other => ends[other]).DefaultIfEmpty(0).Max();
        }

        return ends.Max();
    }
}
