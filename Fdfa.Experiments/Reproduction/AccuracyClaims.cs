using System.Globalization;
using Fdfa.Experiments.Reporting;

namespace Fdfa.Experiments.Reproduction;

/// <summary>What a table of the paper says beside its numbers, held to ours: the order of the rules, and what depth does to each.</summary>
/// <remarks>
/// A difference counts where the paper tells it from none: by <see cref="Separation"/> standard errors of its ten runs. Ours stand beside
/// it with theirs, √(s₁²/n₁ + s₂²/n₂), where there are two seeds or more.
/// </remarks>
internal static class AccuracyClaims
{
    /// <summary>How many standard errors two figures of the paper must be apart to be an order.</summary>
    private const double Separation = 2;

    /// <summary>The claims about the entries that are finished: per section and column its order, and per column what depth does.</summary>
    /// <param name="table">The table.</param>
    /// <param name="entries">Its cells.</param>
    public static IEnumerable<Claim> Of(AccuracyTable table, IReadOnlyList<TableEntry> entries)
    {
        TableEntry[] finished = [.. entries.Where(entry => entry is { Mean: not null, Paper: not null, Run.Divergence: null })];
        string[] sections = [.. entries.Select(entry => entry.Section).Distinct()];
        foreach (var column in finished.GroupBy(entry => entry.Column))
        {
            foreach (var section in column.GroupBy(entry => entry.Section))
            {
                string where = sections.Length > 1 ? $"{column.Key}, {section.Key}" : column.Key;
                if (Order(where, [.. section.OrderByDescending(entry => entry.Paper!.Mean)]) is { } order)
                {
                    yield return order;
                }
            }

            if (table.ComparesDepths && Depth(column.Key, [.. column], sections[0], sections[^1]) is { } depth)
            {
                yield return depth;
            }
        }
    }

    private static Claim? Order(string where, IReadOnlyList<TableEntry> byPaper)
    {
        (TableEntry Upper, TableEntry Lower)[] pairs =
            [.. byPaper.Zip(byPaper.Skip(1)).Where(pair => IsSeparated(pair.First, pair.Second))];
        return pairs.Length == 0 ? null : new Claim(
            $"{where}: the rules stand in the paper's order, {Text(byPaper)}",
            pairs.All(pair => pair.Upper.Mean > pair.Lower.Mean),
            string.Join("; ", pairs.Select(pair => $"{Name(pair.Upper)} - {Name(pair.Lower)} {Margin(pair.Upper, pair.Lower)}")));
    }

    private static Claim? Depth(string column, IReadOnlyList<TableEntry> entries, string shallow, string deep)
    {
        (TableEntry Shallow, TableEntry Deep)[] pairs =
        [
            .. from entry in entries
               where entry.Section == shallow
               from deeper in entries
               where deeper.Section == deep && deeper.Request.Options.Rule == entry.Request.Options.Rule && IsSeparated(entry, deeper)
               select (entry, deeper),
        ];
        var falling = pairs.ToLookup(pair => pair.Deep.Paper!.Mean < pair.Shallow.Paper!.Mean, pair => Name(pair.Deep));
        string[] directions =
        [
            .. falling[true].Any() ? new[] { $"{string.Join(", ", falling[true])} lose accuracy" } : [],
            .. falling[false].Any() ? new[] { $"{string.Join(", ", falling[false])} gain" } : [],
        ];
        return pairs.Length == 0 ? null : new Claim(
            $"{column}: from {shallow} to {deep} {string.Join(", ", directions)}, as in the paper",
            pairs.All(pair =>
                Math.Sign(pair.Deep.Mean!.Value - pair.Shallow.Mean!.Value) == Math.Sign(pair.Deep.Paper!.Mean - pair.Shallow.Paper!.Mean)),
            string.Join("; ", pairs.Select(pair => $"{Name(pair.Deep)} {Margin(pair.Deep, pair.Shallow)}")));
    }

    private static bool IsSeparated(TableEntry one, TableEntry other) =>
        Math.Abs(one.Paper!.Mean - other.Paper!.Mean)
        > Separation * StandardError(one.Paper.Deviation, AccuracyTable.PaperSeeds, other.Paper.Deviation, AccuracyTable.PaperSeeds);

    private static string Text(IReadOnlyList<TableEntry> byPaper) => string.Concat(byPaper.Select((entry, index) => index == 0
        ? Name(entry)
        : (IsSeparated(byPaper[index - 1], entry) ? " > " : ", ") + Name(entry)));

    private static string Name(TableEntry entry) => entry.Request.Options.Rule.Name;

    /// <summary>"+0.34 (2.1 standard errors)"; the latter where there are seeds enough.</summary>
    private static string Margin(TableEntry upper, TableEntry lower)
    {
        double difference = upper.Mean!.Value - lower.Mean!.Value;
        string text = difference.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);
        return upper.Deviation is { } first && lower.Deviation is { } second
            && StandardError(first, upper.Run!.Accuracies.Count, second, lower.Run!.Accuracies.Count) is var error and > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{text} ({Math.Abs(difference) / error:F1} standard errors)")
            : text;
    }

    private static double StandardError(double first, int firstCount, double second, int secondCount) =>
        Math.Sqrt((first * first / firstCount) + (second * second / secondCount));
}
