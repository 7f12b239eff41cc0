namespace Fdfa.Gpu.Translation;

/// <summary>Finds loops in blocks that jump to each other.</summary>
internal static class Loops
{
    /// <summary>The blocks of each loop that holds no other loop.</summary>
    public static IEnumerable<IReadOnlyList<CodeBlock>> Innermost(IReadOnlyList<CodeBlock> blocks)
    {
        var loops = All(blocks);
        return loops
            .Where(loop => !loops.Keys.Any(head => head != loop.Key && loop.Value.Contains(head)))
            .Select(loop => blocks.Where(loop.Value.Contains).ToList());
    }

    /// <summary>The blocks of each loop, by its head.</summary>
    /// <remarks>
    /// A jump back to a block that is still being visited closes a loop there; the loop is what reaches the jump without passing its head.
    /// True of the graphs that structured programs have, in which a loop is entered at its head only.
    /// </remarks>
    public static IReadOnlyDictionary<CodeBlock, HashSet<CodeBlock>> All(IReadOnlyList<CodeBlock> blocks)
    {
        var jumps = Jumps(blocks);
        var before = jumps.ToLookup(jump => jump.To, jump => jump.From);
        var loops = new Dictionary<CodeBlock, HashSet<CodeBlock>>();
        foreach (var (from, head, _) in jumps.Where(jump => jump.IsBack))
        {
            if (!loops.TryGetValue(head, out var loop))
            {
                loops.Add(head, loop = [head]);
            }

            var open = new Stack<CodeBlock>([from]);
            while (open.TryPop(out var block))
            {
                if (loop.Add(block))
                {
                    foreach (var previous in before[block])
                    {
                        open.Push(previous);
                    }
                }
            }
        }

        return loops;
    }

    // Depth first from the beginning: what is never reached has no jumps.
    private static List<(CodeBlock From, CodeBlock To, bool IsBack)> Jumps(IReadOnlyList<CodeBlock> blocks)
    {
        var byLabel = blocks.ToDictionary(block => block.Label);
        var jumps = new List<(CodeBlock, CodeBlock, bool)>();
        var entered = new HashSet<CodeBlock> { blocks[0] };
        var left = new HashSet<CodeBlock>();
        var path = new Stack<(CodeBlock Block, int Next)>([(blocks[0], 0)]);
        while (path.TryPop(out var visit))
        {
            if (visit.Next == visit.Block.Successors.Count)
            {
                left.Add(visit.Block);
                continue;
            }

            path.Push((visit.Block, visit.Next + 1));
            var next = byLabel[visit.Block.Successors[visit.Next]];
            jumps.Add((visit.Block, next, entered.Contains(next) && !left.Contains(next)));
            if (entered.Add(next))
            {
                path.Push((next, 0));
            }
        }

        return jumps;
    }
}
