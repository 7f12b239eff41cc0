using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Sweeps;

/// <summary>A point of a grid.</summary>
/// <param name="Values">One of each axis.</param>
/// <param name="Request">The run that it is.</param>
internal sealed record SweepPoint(IReadOnlyList<string> Values, RunRequest Request);

/// <summary>Every combination of the values of some axes, and the run that each is.</summary>
/// <param name="Axes">The axes, each once.</param>
/// <param name="Points">The points, the first axis varying slowest.</param>
internal sealed record SweepGrid(IReadOnlyList<SweepAxis> Axes, IReadOnlyList<SweepPoint> Points)
{
    /// <summary>What trains longer than anybody waits is a slip.</summary>
    public const int MostPoints = 10_000;

    /// <summary>Spans a grid, and asks for the run of each point before any of them is trained.</summary>
    /// <param name="axes">Its axes.</param>
    /// <param name="read">The run of a point, given its values.</param>
    /// <exception cref="InvalidOptionException">There is no axis, or one twice, the grid is too large, a point is no run, or two points are the same.</exception>
    public static SweepGrid Span(IReadOnlyList<SweepAxis> axes, Func<IReadOnlyList<string>, RunRequest> read)
    {
        if (axes.GroupBy(axis => axis.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new InvalidOptionException($"The option {twice.Key} is swept {twice.Count()} times; give all its values at once, as in {twice.Key}=a,b.");
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
        var grid = new SweepGrid(axes, [.. combinations.Select(values => new SweepPoint(values, Read(axes, values, read)))]);
        return grid.Points.GroupBy(point => RunKey.Of(point.Request)).FirstOrDefault(same => same.Count() > 1) is { } equal
            ? throw new InvalidOptionException(
                $"The sweep's points '{grid.Name(equal.First())}' and '{grid.Name(equal.ElementAt(1))}' are the same run; leave out the values that make no difference.")
            : grid;
    }

    /// <summary>A point in words: "rule=FDFA lr=1e-3".</summary>
    public string Name(SweepPoint point) => Name(Axes, point.Values);

    private static string Name(IReadOnlyList<SweepAxis> axes, IReadOnlyList<string> values) =>
        string.Join(' ', axes.Zip(values, (axis, value) => $"{axis.Name}={value}"));

    private static RunRequest Read(IReadOnlyList<SweepAxis> axes, IReadOnlyList<string> values, Func<IReadOnlyList<string>, RunRequest> read)
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
