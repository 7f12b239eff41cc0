using System.Globalization;

namespace Fdfa.Experiments.Reproduction;

/// <summary>A figure of the paper: the mean over its ten runs and their standard deviation, in percent.</summary>
internal sealed record PaperFigure(double Mean, double Deviation)
{
    /// <summary>Reads figures as the paper prints them, such as "98.46 ± 0.05   89.99 ± 0.15".</summary>
    /// <exception cref="FormatException">Not such figures.</exception>
    public static IReadOnlyList<PaperFigure> Parse(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length % 3 == 0 && words.Chunk(3).All(figure => figure[1] == "±")
            ? [.. words.Chunk(3).Select(figure => new PaperFigure(Number(figure[0]), Number(figure[2])))]
            : throw new FormatException($"'{text}' is not a row of figures such as '98.46 ± 0.05'.");
    }

    /// <summary>How far a mean is from this one, in the paper's standard deviations; null where those are zero.</summary>
    public double? DifferenceOf(double mean) => Deviation > 0 ? (mean - Mean) / Deviation : null;

    private static double Number(string text) => double.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
}
