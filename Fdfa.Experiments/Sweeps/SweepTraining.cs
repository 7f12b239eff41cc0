using System.Security.Cryptography;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Sweeps;

/// <summary>How far a sweep came.</summary>
/// <param name="Entries">The points that were asked for.</param>
/// <param name="Interruption">One sentence if Ctrl-C ended it, else null.</param>
/// <param name="Missing">One sentence where what was only to be gathered is not all there, else null.</param>
internal sealed record SweepResult(IReadOnlyList<SweepEntry> Entries, string? Interruption, string? Missing);

/// <summary>Trains the points of a sweep that its store lacks, and writes the table after each.</summary>
internal sealed class SweepTraining
{
    private const int HashBytes = 4;

    /// <summary>Missing points that a sentence names; the table has all.</summary>
    private const int MostNamed = 10;

    private readonly SweepRequest _request;
    private readonly RunStore _store;
    private readonly ConsoleOutput _output;
    private readonly SweepEntry[] _entries;

    private SweepTraining(SweepRequest request, IReadOnlyList<SweepPoint> points, RunStore store, ConsoleOutput output)
    {
        (_request, _store, _output) = (request, store, output);
        _entries = [.. points.Select(point => new SweepEntry(point, default))];
    }

    /// <summary>The results' file without its extension: another sweep in the same store has another.</summary>
    private string FileName
    {
        get
        {
            byte[] hash = SHA256.HashData(
                Encoding.UTF8.GetBytes(string.Join('\n', _entries.Select(entry => RunKey.Of(entry.Point.Request)))));
            return $"sweep-{string.Join('+', _request.Grid.Axes.Select(axis => axis.Name))}-"
                + $"{Convert.ToHexStringLower(hash.AsSpan(0, HashBytes))}";
        }
    }

    /// <summary>The entries that have no run yet.</summary>
    private int[] Open => [.. Enumerable.Range(0, _entries.Length).Where(index => _entries[index].Outcome.Run is null)];

    private SweepReport Report => new(_request.Grid, _entries);

    /// <summary>Trains a sweep, or the one point of it that was asked for.</summary>
    /// <exception cref="FdfaException">
    /// Nothing can be trained at all: no data, no device, no folder, or a network that does not fit the data.
    /// </exception>
    public static SweepResult Run(SweepRequest request, ConsoleOutput output, CancellationToken cancellation)
    {
        IReadOnlyList<SweepPoint> points = request.Point is { } one ? [request.Grid.Points[one]] : request.Grid.Points;
        using RunStore store = request switch
        {
            { Gathers: true } => RunStore.OpenToRead(request.Output),
            { Point: null } => RunStore.Open(request.Output),
            _ => RunStore.OpenFor(request.Output, points[0].Request),
        };
        return new SweepTraining(request, points, store, output).Run(cancellation);
    }

    private SweepResult Run(CancellationToken cancellation)
    {
        string? interruption = null;
        using (var data = new DataOfRuns(_request.Quiet ? null : _output, cancellation))
        {
            ReadStore(data);
            int[] open = Open;
            if (!_request.Quiet)
            {
                foreach (string remark in _request.Grid.Remarks)
                {
                    _output.Line(remark);
                }
            }

            if (open.Length > 0 && !_request.Gathers)
            {
                using DeviceSet devices = DeviceSet.Open(
                    _request.Device, most: open.Max(index => _entries[index].Point.Request.Seeds.Count));
                if (!_request.Quiet)
                {
                    _output.Line(
                        $"Sweep of {string.Join(' ', _request.Grid.Axes)}: {ConsoleOutput.Count(_entries.Length, "run")}, "
                        + $"of which {_entries.Length - open.Length} are in {_store.Path} and {open.Length} to train on {devices.Names}");
                }

                interruption = ProgressDisplay.Run(
                    _output, _request.Quiet, progress => TrainAll(open, data, devices.Devices, progress, cancellation), runs: open.Length);
            }
        }

        SweepHeatMap? map = SweepHeatMap.Of(_request.Grid, _entries);
        if (map is not null)
        {
            _output.Table(map.ToTable());
        }

        Report.Write(_output);
        if (_request.Point is null)
        {
            WriteTable();
            using PlotSheet? picture = map is null ? null : PlotLibrary.Draw(map.Draw);
            picture?.Write((ending, bytes) => _store.Write(FileName + ending, bytes));
            _output.Line(
                $"The table is in {Path.Combine(_store.Path, FileName + ".csv")}{(picture is null ? "" : ", a picture of it")}, "
                + "its runs beside it.");
        }

        return new SweepResult(_entries, interruption, _request.Gathers ? Missing() : null);
    }

    /// <summary>Which points a sweep that is gathered lacks, and how to train them, as one sentence; null where it lacks none.</summary>
    private string? Missing()
    {
        int[] open = Open;
        if (open.Length == 0)
        {
            return null;
        }

        string points = string.Join(
            "; ", open.Take(MostNamed).Select(index => $"{ConsoleOutput.Plain(index)} ({_request.Grid.Name(_entries[index].Point)})"));
        string more = open.Length > MostNamed ? $" and {ConsoleOutput.Plain(open.Length - MostNamed)} more" : "";
        return $"{ConsoleOutput.Plain(open.Length)} of {ConsoleOutput.Count(_entries.Length, "point")} are not trained: {points}{more}. "
            + $"To train them: {RunConfiguration.CommandLine(_request.ToArguments())}, or send the job array again; one of them: "
            + $"the same with --sweep-point {ConsoleOutput.Plain(open[0])}.";
    }

    private void ReadStore(DataOfRuns data)
    {
        for (var index = 0; index < _entries.Length; index++)
        {
            SweepPoint point = _entries[index].Point;
            point = point with { Request = data.Identify(point.Request) };
            _entries[index] = new SweepEntry(
                point, new StoredOutcome(_store.Find(point.Request, _request.Quiet ? null : _output.Line), null));
        }
    }

    /// <returns>The sentence about an interruption, or null.</returns>
    private string? TrainAll(
        int[] open, DataOfRuns data, IReadOnlyList<ComputeDevice> devices, ProgressDisplay progress, CancellationToken cancellation)
    {
        for (var number = 0; number < open.Length; number++)
        {
            SweepPoint point = _entries[open[number]].Point;
            string name = _request.Grid.Name(point);
            StoredOutcome outcome = default;
            if (!cancellation.IsCancellationRequested)
            {
                outcome = StoredTraining.Train(
                    _store, point.Request, name, data.Of(point.Request), [.. devices.Take(point.Request.Seeds.Count)],
                    _request.WritesEvents, _output.Verbose, progress, cancellation);
                _entries[open[number]] = new SweepEntry(point, outcome);
                progress.End();
                WriteTable();
            }

            if (outcome == default)
            {
                return $"Interrupted in run {ConsoleOutput.Plain(number + 1)} of {ConsoleOutput.Plain(open.Length)} ({name}); "
                    + "finished runs are kept, and the same command goes on with this one.";
            }
        }

        return null;
    }

    private void WriteTable()
    {
        // A job of many writes its run alone: the table is everybody's.
        if (_request.Point is null)
        {
            _store.Write(FileName + ".csv", Report.ToCsv());
        }
    }
}
