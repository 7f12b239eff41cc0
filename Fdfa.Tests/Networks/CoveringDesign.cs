namespace Fdfa.Tests.Networks;

/// <summary>Few combinations of the values of many factors, among which every pair of values occurs that can occur at all.</summary>
/// <remarks>
/// Most faults need one value or two to show (Kuhn et al., 2004). Greedy: a pair that no case has yet is completed factor by factor, each
/// time with the value that brings most pairs that are still missing; where that leads nowhere, with the next best.
/// </remarks>
internal sealed class CoveringDesign
{
    private const int Open = -1;

    private readonly IReadOnlyList<int> _values;
    private readonly Func<int[], bool> _isPossible;
    private readonly HashSet<(int, int, int, int)> _missing = [];

    /// <param name="values">How many values each factor has.</param>
    /// <param name="isPossible">
    /// Whether a combination, of which some factors may still be <see cref="IsOpen">open</see>, can be a case; once it cannot, no more
    /// values make it one.
    /// </param>
    public CoveringDesign(IReadOnlyList<int> values, Func<int[], bool> isPossible)
    {
        _values = values;
        _isPossible = isPossible;
        foreach (var pair in Pairs())
        {
            _missing.Add(pair);
        }

        var cases = new List<int[]>();
        while (_missing.Count > 0)
        {
            var pair = _missing.First();
            if (Complete(pair) is { } one)
            {
                cases.Add(one);
                _missing.ExceptWith(PairsOf(one));
            }
            else
            {
                _missing.Remove(pair);
            }
        }

        Cases = cases;
    }

    /// <summary>The cases: of each factor the number of its value.</summary>
    public IReadOnlyList<int[]> Cases { get; }

    /// <summary>Whether a factor has no value yet.</summary>
    public static bool IsOpen(int value) => value == Open;

    /// <summary>Every pair of values of two factors: first factor and value, second factor and value.</summary>
    public IEnumerable<(int, int, int, int)> Pairs() =>
        from a in Enumerable.Range(0, _values.Count)
        from b in Enumerable.Range(a + 1, _values.Count - a - 1)
        from x in Enumerable.Range(0, _values[a])
        from y in Enumerable.Range(0, _values[b])
        select (a, x, b, y);

    /// <summary>The pairs that a case has.</summary>
    public static IEnumerable<(int, int, int, int)> PairsOf(int[] one) =>
        from a in Enumerable.Range(0, one.Length)
        from b in Enumerable.Range(a + 1, one.Length - a - 1)
        select (a, one[a], b, one[b]);

    /// <summary>A case with a pair of values; null where none can have it.</summary>
    public int[]? Complete((int, int, int, int) pair)
    {
        var one = new int[_values.Count];
        Array.Fill(one, Open);
        (one[pair.Item1], one[pair.Item3]) = (pair.Item2, pair.Item4);
        return _isPossible(one) && Complete(one, 0) ? one : null;
    }

    private bool Complete(int[] one, int factor)
    {
        if (factor == one.Length)
        {
            return true;
        }

        if (one[factor] != Open)
        {
            return Complete(one, factor + 1);
        }

        foreach (var value in Enumerable.Range(0, _values[factor]).OrderByDescending(value => Gain(one, factor, value)))
        {
            one[factor] = value;
            if (_isPossible(one) && Complete(one, factor + 1))
            {
                return true;
            }
        }

        one[factor] = Open;
        return false;
    }

    private int Gain(int[] one, int factor, int value)
    {
        var gain = 0;
        for (var other = 0; other < one.Length; other++)
        {
            if (one[other] != Open && other != factor)
            {
                gain += _missing.Contains(other < factor ? (other, one[other], factor, value) : (factor, value, other, one[other])) ? 1 : 0;
            }
        }

        return gain;
    }
}
