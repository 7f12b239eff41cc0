namespace Fdfa.Cpu.Reference.Description;

/// <summary>The word a person probably meant.</summary>
public static class NearestWord
{
    /// <summary>The candidate with the fewest edits to <paramref name="word"/>, or null when all are far from it.</summary>
    /// <param name="word">What was typed.</param>
    /// <param name="candidates">What could have been typed.</param>
    public static string? Find(string word, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(candidates);
        var nearest = candidates
            .Select(candidate => (Candidate: candidate, Edits: Edits(word.ToUpperInvariant(), candidate.ToUpperInvariant())))
            .OrderBy(pair => pair.Edits)
            .FirstOrDefault();
        return nearest.Candidate is { } found && nearest.Edits <= Math.Max(2, found.Length / 3) && nearest.Edits < found.Length
            ? found
            : null;
    }

    private static int Edits(string left, string right)
    {
        var previous = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var current = new int[right.Length + 1];
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var substitution = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                current[j] = Math.Min(substitution, 1 + Math.Min(previous[j], current[j - 1]));
            }

            previous = current;
        }

        return previous[^1];
    }
}
