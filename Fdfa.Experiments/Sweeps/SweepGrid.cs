using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Sweeps;

/// <summary>A point of a grid.</summary>
/// <param name="Values">One of each axis; null where the axis means nothing to the point's rule.</param>
/// <param name="LeftOut">The options, without their dashes, that the sweep gives and that mean nothing to the point's rule.</param>
/// <param name="Request">The run that it is.</param>
internal sealed record SweepPoint(IReadOnlyList<string?> Values, IReadOnlyList<string> LeftOut, RunRequest Request);

/// <summary>
/// Every combination of the values of some axes, and the run that each is; one point for combinations that differ only in what means
/// nothing to their rule.
/// </summary>
/// <param name="Axes">The axes, each once.</param>
/// <param name="Points">The points, the first axis varying slowest.</param>
internal sealed record SweepGrid(IReadOnlyList<SweepAxis> Axes, IReadOnlyList<SweepPoint> Points)
{
    /// <summary>What trains longer than anybody waits is a slip.</summary>
    public const int MostPoints = 10_000;

    /// <summary>What was left out where, as sentences.</summary>
    public IEnumerable<string> Remarks
    {
        get
        {
            foreach (var option in Points
                .SelectMany(point => point.LeftOut.Select(option => (Option: option, point.Request.Options.Rule)))
                .GroupBy(pair => pair.Option, pair => pair.Rule))
            {
                yield return $"The option --{option.Key} means nothing to {string.Join(", ", option.Distinct())}: it is left out there.";
            }

            int combinations = Axes.Aggregate(1, (product, axis) => product * axis.Values.Count);
            if (combinations != Points.Count)
            {
                yield return $"{ConsoleOutput.Count(combinations, "combination")} make {ConsoleOutput.Count(Points.Count, "point")}, "
                    + "because some differ only in what is left out.";
            }
        }
    }

    /// <summary>Spans a grid, and asks for the run of each point before any of them is trained.</summary>
    /// <param name="axes">Its axes.</param>
    /// <param name="read">The point of a combination, given its values.</param>
    /// <exception cref="InvalidOptionException">
    /// There is no axis, or one twice, the grid is too large, a point is no run, or two points are the same.
    /// </exception>
    public static SweepGrid Span(IReadOnlyList<SweepAxis> axes, Func<IReadOnlyList<string>, SweepPoint> read)
    {
        if (axes.GroupBy(axis => axis.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new InvalidOptionException(
                $"The option {twice.Key} is swept {twice.Count()} times; give all its values at once, as in {twice.Key}=a,b.");
        }

        if (axes.Count == 0)
        {
            throw new InvalidOptionException("The grid of --sweep has no options; give at least one with its values.");
        }

        double count = axes.Aggregate(1.0, (product, axis) => product * axis.Values.Count);
        if (count > MostPoints)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture, $"The sweep has {count:0} points, and {MostPoints} are the most; give fewer values."));
        }

        IEnumerable<IReadOnlyList<string>> combinations = axes.Aggregate(
            (IEnumerable<IReadOnlyList<string>>)[[]],
            (points, axis) => points.SelectMany(point => axis.Values.Select(value => (IReadOnlyList<string>)[.. point, value])));
        var grid = new SweepGrid(
            axes, [.. combinations.Select(values => Read(axes, values, read)).DistinctBy(point => Name(axes, point.Values))]);
        return grid.Points.GroupBy(point => RunKey.Of(point.Request)).FirstOrDefault(same => same.Count() > 1) is { } equal
            ? throw new InvalidOptionException(
                $"The sweep's points '{grid.Name(equal.First())}' and '{grid.Name(equal.ElementAt(1))}' are the same run; "
                + "leave out the values that make no difference.")
            : grid;
    }

    /// <summary>A point in words: "rule=FDFA lr=1e-3".</summary>
    public string Name(SweepPoint point) => Name(Axes, point.Values);

    private static string Name(IReadOnlyList<SweepAxis> axes, IReadOnlyList<string?> values) =>
        string.Join(' ', axes.Zip(values).Where(pair => pair.Second is not null).Select(pair => $"{pair.First.Name}={pair.Second}"));

    private static SweepPoint Read(
        IReadOnlyList<SweepAxis> axes, IReadOnlyList<string> values, Func<IReadOnlyList<string>, SweepPoint> read)
    {
        try
        {
            return read(values);
        }
        catch (FdfaException mistake)
        {
            throw new InvalidOptionException($"The sweep's point '{Name(axes, values)}' cannot be trained: {mistake.Message}");
        }
    }
}
