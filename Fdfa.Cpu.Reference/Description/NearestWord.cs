namespace Fdfa.Cpu.Reference.Description;

/// <summary>Guesses which word a person meant, for the question "did you mean …?".</summary>
public static class NearestWord
{
    /// <summary>Finds the candidate that the fewest typing slips separate from a word, ignoring case.</summary>
    /// <remarks>
    /// A slip is a missing, an extra, a wrong, or a pair of swapped letters (the optimal string alignment distance).
    /// A candidate that differs in more than half of its letters is no guess worth printing.
    /// </remarks>
    /// <param name="word">What was typed; any length, may be empty.</param>
    /// <param name="candidates">The valid words; the first of equally near ones wins.</param>
    /// <returns>The candidate as it is spelled in <paramref name="candidates"/>, or null when none is near.</returns>
    public static string? Find(string word, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(candidates);

        string? nearest = null;
        var fewestSlips = int.MaxValue;
        foreach (string candidate in candidates)
        {
            int allowed = (candidate.Length + 1) / 2;

            // The lengths alone rule out a hostile megabyte before the quadratic table is built.
            if (Math.Abs(word.Length - candidate.Length) > allowed)
            {
                continue;
            }

            int slips = CountSlips(word.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (slips <= allowed && slips < fewestSlips)
            {
                fewestSlips = slips;
                nearest = candidate;
            }
        }

        return nearest;
    }

    private static int CountSlips(string left, string right)
    {
        var slips = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
        {
            slips[i, 0] = i;
        }

        for (var j = 0; j <= right.Length; j++)
        {
            slips[0, j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                int wrong = slips[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                int extraOrMissing = Math.Min(slips[i - 1, j], slips[i, j - 1]) + 1;
                slips[i, j] = Math.Min(wrong, extraOrMissing);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    slips[i, j] = Math.Min(slips[i, j], slips[i - 2, j - 2] + 1);
                }
            }
        }

        return slips[left.Length, right.Length];
    }
}
