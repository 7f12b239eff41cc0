namespace Fdfa.Experiments.Output;

/// <summary>A curve in a line of text: a block per value, the lowest for the smallest and a full one for the largest.</summary>
internal static class Sparkline
{
    private const string Blocks = "▁▂▃▄▅▆▇█";

    /// <summary>Draws values.</summary>
    /// <param name="values">From left to right; one that is no finite number leaves a gap.</param>
    /// <param name="width">The most characters to take: of more values, neighbours are averaged.</param>
    public static string Of(IReadOnlyList<double> values, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        int count = Math.Min(values.Count, width);
        double[] means = [.. Enumerable.Range(0, count).Select(place => MeanOf(values, place, count))];
        double[] finite = [.. means.Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            return new string(' ', count);
        }

        (double smallest, double largest) = (finite.Min(), finite.Max());
        return string.Concat(means.Select(mean => double.IsFinite(mean) ? BlockOf(mean, smallest, largest) : ' '));
    }

    private static double MeanOf(IReadOnlyList<double> values, int place, int count)
    {
        int begin = (int)((long)place * values.Count / count);
        int end = (int)((place + 1L) * values.Count / count);
        return Enumerable.Range(begin, end - begin).Select(index => values[index]).Where(double.IsFinite)
            .DefaultIfEmpty(double.NaN).Average();
    }

    private static char BlockOf(double value, double smallest, double largest)
    {
        // Halved, so that no difference is infinite.
        double share = largest > smallest ? (value / 2 - smallest / 2) / (largest / 2 - smallest / 2) : 0;
        return Blocks[Math.Min(Blocks.Length - 1, (int)(share * Blocks.Length))];
    }
}
