using System.Text.RegularExpressions;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>Which barriers of OpenCL C only some threads of a group may reach.</summary>
/// <remarks>
/// Threads differ in what comes from get_local_id: in variables computed from one, in memory read at an address that differs, and in
/// variables that are set in several places, one of them where threads have parted. They part at a choice in which they differ, and meet
/// again in the first block through which all ways from there lead: its immediate post-dominator (Cooper, Harvey and Kennedy, 2001, on the
/// reversed graph).
/// </remarks>
internal static partial class ThreadDivergence
{
    private const string Source = "get_local_id";

    /// <summary>The labels of the blocks that hold such barriers.</summary>
    public static IReadOnlyList<string> DivergentBarriers(IReadOnlyList<CodeBlock> blocks)
    {
        if (!blocks.Any(HasBarrier))
        {
            return [];
        }

        var byLabel = blocks.Select((block, index) => (block.Label, index)).ToDictionary(pair => pair.Label, pair => pair.index);
        int[][] successors = [.. blocks.Select(block => block.Successors.Select(label => byLabel[label]).ToArray())];
        var meeting = PostDominators(successors);
        var differing = new HashSet<string>();
        var parted = new bool[blocks.Count];
        var assignments = blocks.Select(
            block => block.Statements.Select(statement => Names().Matches(statement.Text).Select(match => match.Value).ToList())
                .Where(names => names.Count > 0).ToList()).ToList();
        var severalPlaces = assignments.SelectMany(names => names).CountBy(names => names[0]).Where(count => count.Value > 1)
            .Select(count => count.Key).ToHashSet();
        for (var changed = true; changed;)
        {
            changed = false;
            for (var index = 0; index < blocks.Count; index++)
            {
                foreach (var names in assignments[index])
                {
                    if (((parted[index] && severalPlaces.Contains(names[0]))
                        || names.Skip(1).Any(name => name == Source || differing.Contains(name))) && differing.Add(names[0]))
                    {
                        changed = true;
                    }
                }

                if (blocks[index].Condition is { } condition && differing.Contains(condition))
                {
                    changed |= Part(index, meeting[index], successors, parted);
                }
            }
        }

        return [.. blocks.Where((block, index) => parted[index] && HasBarrier(block)).Select(block => block.Label)];
    }

    private static bool HasBarrier(CodeBlock block) => block.Statements.Any(statement => statement.Kind == StatementKind.Barrier);

    private static bool Part(int from, int until, int[][] successors, bool[] parted)
    {
        var changed = false;
        var seen = new HashSet<int>();
        var open = new Stack<int>(successors[from]);
        while (open.TryPop(out var block))
        {
            if (block != until && seen.Add(block))
            {
                changed |= !parted[block];
                parted[block] = true;
                Array.ForEach(successors[block], open.Push);
            }
        }

        return changed;
    }

    // The end, in which every block without a successor ends, is one more node.
    private static int[] PostDominators(int[][] successors)
    {
        var end = successors.Length;
        int[][] after = [.. successors.Select(next => next.Length == 0 ? [end] : next), []];
        var before = Enumerable.Range(0, end + 1).Select(_ => new List<int>()).ToArray();
        for (var block = 0; block < end; block++)
        {
            Array.ForEach(after[block], next => before[next].Add(block));
        }

        var order = PostOrder(end, before);
        var rank = new int[end + 1];
        Array.Fill(rank, -1);
        for (var i = 0; i < order.Count; i++)
        {
            rank[order[i]] = i;
        }

        var dominator = new int[end + 1];
        Array.Fill(dominator, -1);
        dominator[end] = end;
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var block in order.AsEnumerable().Reverse().Skip(1))
            {
                var known = after[block].Where(next => rank[next] >= 0 && dominator[next] >= 0)
                    .Aggregate((a, b) => Meet(a, b, dominator, rank));
                changed |= dominator[block] != known;
                dominator[block] = known;
            }
        }

        return dominator;
    }

    private static int Meet(int a, int b, int[] dominator, int[] rank)
    {
        while (a != b)
        {
            (a, b) = rank[a] < rank[b] ? (dominator[a], b) : (a, dominator[b]);
        }

        return a;
    }

    private static List<int> PostOrder(int first, List<int>[] next)
    {
        var order = new List<int>();
        var seen = new HashSet<int> { first };
        var path = new Stack<(int Block, int Next)>([(first, 0)]);
        while (path.TryPop(out var visit))
        {
            if (visit.Next == next[visit.Block].Count)
            {
                order.Add(visit.Block);
                continue;
            }

            path.Push((visit.Block, visit.Next + 1));
            if (seen.Add(next[visit.Block][visit.Next]))
            {
                path.Push((next[visit.Block][visit.Next], 0));
            }
        }

        return order;
    }

    // The first name of an assignment is what is assigned; a field counts as its variable.
    [GeneratedRegex(@"\bvar\d+\b|\bget_local_id\b")]
    private static partial Regex Names();
}
