using System.Text.RegularExpressions;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>Loops of OpenCL C whose number of turns a compiler knows, which it may unroll.</summary>
/// <remarks>ILGPU writes <c>i = 0; goto head; head: c = i &lt; 16; if (c) goto body; …; n = i + 1; …; i = n; goto head;</c>.</remarks>
internal static partial class FixedTurns
{
    /// <summary>The heads of those that store a structure, which Mesa 25 then gets wrong: see docs/mesa-lost-stores.md.</summary>
    public static IEnumerable<string> OfStructureStores(string text, IReadOnlyList<CodeBlock> blocks)
    {
        var structures = Structure().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();
        var loops = Loops.All(blocks);
        foreach (var (head, loop) in loops)
        {
            // A loop within stays one, whose turns nobody knows: it is not one store after another.
            var turn = loop.Except(loops.Where(other => other.Key != head && loop.Contains(other.Key)).SelectMany(other => other.Value));
            var before = blocks.Where(block => block.Successors.Contains(head.Label) && !loop.Contains(block));
            if (Counter(head) is { } counter
                && head.Successors.Any(label => !loop.Any(block => block.Label == label))
                && before.All(block => block.Statements.Any(
                    statement => statement.Text.StartsWith($"{counter} = ", StringComparison.Ordinal) && IsLiteral(statement.Text)))
                && turn.SelectMany(block => block.Statements)
                    .Any(statement => StoredValue(statement.Text) is { } value && structures.Contains(value)))
            {
                yield return head.Label;
            }
        }
    }

    /// <summary>The variable that a loop's head holds against a number.</summary>
    private static string? Counter(CodeBlock head) => head.Statements
        .Select(statement => Bound().Match(statement.Text))
        .FirstOrDefault(bound => bound.Success && bound.Groups[1].Value == head.Condition)?.Groups[2].Value;

    private static bool IsLiteral(string statement) => Literal().IsMatch(statement);

    private static string? StoredValue(string statement) =>
        Store().Match(statement) is { Success: true } store ? store.Groups[1].Value : null;

    [GeneratedRegex(@"^\s*struct \w+ (var\d+);", RegexOptions.Multiline)]
    private static partial Regex Structure();

    [GeneratedRegex(@"^(\w+) = \(int\)\s*(\w+) (?:<|<=|>|>=|!=) \(int\)\s*-?\d+;$")]
    private static partial Regex Bound();

    [GeneratedRegex(@"^\w+ = -?\d+;$")]
    private static partial Regex Literal();

    [GeneratedRegex(@"^\*\s*\w+ =\s*(\w+);$")]
    private static partial Regex Store();
}
