using System.Globalization;
using Fdfa.Experiments.Output;
using Spectre.Console;

namespace Fdfa.Experiments.Benchmarks;

/// <summary>What became of a step's time.</summary>
internal enum Change
{
    /// <summary>The spreads of both measurements overlap.</summary>
    None,

    /// <summary>Nine tenths of the runs now took longer than nine tenths of those before.</summary>
    Slower,

    /// <summary>Nine tenths of the runs now took less than nine tenths of those before.</summary>
    Faster,
}

/// <summary>A step timed twice.</summary>
/// <param name="Before">As the file has it.</param>
/// <param name="After">As it is now.</param>
internal sealed record ComparedEntry(BenchmarkEntry Before, BenchmarkEntry After)
{
    /// <summary>Time now over time before.</summary>
    public double Ratio => After.MedianSeconds / Before.MedianSeconds;

    /// <summary>
    /// What the spread cannot explain. A median between its 10th and 90th percentile is one of many that the same program could have shown:
    /// only where the two ranges do not touch has something changed, be it the program or the load of the machine.
    /// </summary>
    public Change Change =>
        After.LowSeconds > Before.HighSeconds ? Change.Slower
        : After.HighSeconds < Before.LowSeconds ? Change.Faster
        : Change.None;
}

/// <summary>The same steps, as a file has them and as they are now.</summary>
internal static class BenchmarkComparison
{
    /// <summary>Puts each of a file's entries beside its step's time now; steps without one are left out.</summary>
    public static IReadOnlyList<ComparedEntry> Of(BenchmarkFile before, IEnumerable<(BenchmarkCase Case, BenchmarkEntry Entry)> now) =>
    [
        .. from entry in before.Results
           join after in now on BenchmarkCase.Of(entry).Step equals after.Case.Step
           select new ComparedEntry(entry, after.Entry),
    ];

    /// <summary>Writes a comparison: with an older measurement of ours, or with a peer's.</summary>
    public static void Write(ConsoleOutput output, BenchmarkFile before, IReadOnlyList<ComparedEntry> compared)
    {
        if (compared.Count == 0)
        {
            return;
        }

        string peer = before.Program;
        Table table = before.IsOfPeer
            ? CreateTable($"beside {peer}'s", "Variant", peer, BenchmarkFile.ThisProgram, $"{peer} / {BenchmarkFile.ThisProgram}")
            : CreateTable("now and before", "Change", "Before", "Now", "Now / before");
        foreach (ComparedEntry entry in compared)
        {
            string remark = before.IsOfPeer ? entry.Before.Variant ?? "" : Word(entry.Change);
            double ratio = before.IsOfPeer ? 1 / entry.Ratio : entry.Ratio;
            string[] cells =
            [
                Step(entry.After), remark, Time(entry.Before), Time(entry.After), ratio.ToString("F2", CultureInfo.InvariantCulture),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        output.Table(table);
        string when = before.MeasuredAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        string versions = string.Join(", ", before.Versions.Select(version => $"{version.Key} {Short(version.Value)}"));
        output.Line($"{(before.IsOfPeer ? peer : "Before")}: {when}, {versions}. Below each median: 10th to 90th percentile.");

        Table CreateTable(string heading, string remark, string theirs, string ours, string ratio) => ConsoleOutput.CreateTable(
            $"One training step on {before.Device.Name}, {heading}",
            "Step", remark, ConsoleOutput.Number(theirs), ConsoleOutput.Number(ours), ConsoleOutput.Number(ratio));
    }

    /// <summary>A version with no more of its commit than tells it from others.</summary>
    private static string Short(string version)
    {
        const int CommitLength = 8;
        int commit = version.IndexOf('+', StringComparison.Ordinal) + 1;
        return commit == 0 ? version : version[..Math.Min(version.Length, commit + CommitLength)];
    }

    private static string Word(Change change) => change switch
    {
        Change.Slower => "SLOWER",
        Change.Faster => "faster",
        _ => "none",
    };

    private static string Step(BenchmarkEntry entry)
    {
        string size = $"batch {ConsoleOutput.Plain(entry.BatchSize)}, {ConsoleOutput.Count(entry.Replicas, "seed")}";
        return string.Join('\n',
        [
            $"{entry.Rule} {entry.Network}",
            entry.Input is { } input ? $"{input}, {size}" : size,
            .. entry.BatchNormalization ? ["batch normalization"] : Array.Empty<string>(),
        ]);
    }

    private static string Time(BenchmarkEntry entry) =>
        $"{ConsoleOutput.Duration(entry.MedianSeconds)}\n{ConsoleOutput.Duration(entry.LowSeconds)} to "
        + $"{ConsoleOutput.Duration(entry.HighSeconds)}";
}
