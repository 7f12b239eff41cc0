using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Reproduction;

/// <summary>How far a reproduction came.</summary>
/// <param name="Entries">All entries of the table.</param>
/// <param name="Interruption">One sentence if Ctrl-C ended it, else null.</param>
/// <param name="Report">The table beside the paper's.</param>
internal sealed record ReproductionResult(IReadOnlyList<TableEntry> Entries, string? Interruption, AccuracyReport Report);

/// <summary>Trains what a table still lacks and writes the table: after every run, so that a long job can be watched.</summary>
internal sealed class TableReproduction
{
    private readonly ReproductionRequest _request;
    private readonly ReproductionPlan _plan;
    private readonly RunStore _store;
    private readonly ConsoleOutput _output;
    private readonly TableEntry[] _entries;

    private TableReproduction(ReproductionRequest request, ReproductionPlan plan, RunStore store, ConsoleOutput output)
    {
        (_request, _plan, _store, _output) = (request, plan, store, output);
        _entries = [.. plan.Entries];
    }

    /// <summary>The table's file, without its ending: a quick look, or a part of it, must not replace the table of a week's work.</summary>
    private string FileName => string.Join('-',
    [
        string.Create(
            CultureInfo.InvariantCulture,
            $"{_request.Table.Name}-{_request.Preset}{BatchNormalizationPart}{(_request.Augments ? "" : Augmentation.Without[1..])}-"
            + $"{_request.Epochs}epochs-{_request.Seeds}seeds"),
        .. _request.Limit is { } limit ? new[] { string.Create(CultureInfo.InvariantCulture, $"{limit}samples") } : [],
        .. _request.Rules.SequenceEqual(LearningRule.OfThePaper) ? [] : new[] { string.Join('+', _request.Rules) },
        .. _request.DataSets is { } names ? new[] { string.Join('+', names) } : [],
    ]);

    private string BatchNormalizationPart => _request.BatchNormalization switch
    {
        true => "-batch-norm",
        false => "-no-batch-norm",
        null => "",
    };

    private AccuracyReport Report => new(_request.Table, _entries, _plan.Remarks);

    /// <summary>Reproduces a table.</summary>
    /// <exception cref="FdfaException">Nothing can be trained at all: no data, no device, no folder.</exception>
    public static ReproductionResult Run(ReproductionRequest request, ConsoleOutput output, CancellationToken cancellation)
    {
        ReproductionPlan plan = ReproductionPlan.Of(request);
        using RunStore store = RunStore.Open(request.Output);
        return new TableReproduction(request, plan, store, output).Run(cancellation);
    }

    private ReproductionResult Run(CancellationToken cancellation)
    {
        string? interruption = null;
        using (var data = new DataOfRuns(_request.Quiet ? null : _output, cancellation))
        {
            List<int> open = ReadStore(data);
            if (open.Count > 0)
            {
                using DeviceSet devices = DeviceSet.Open(_request.Device, most: _request.Seeds);
                Announce(open.Count, devices);
                interruption = ProgressDisplay.Run(
                    _output, _request.Quiet, progress => TrainAll(open, data, devices.Devices, progress, cancellation), runs: open.Count);
            }
        }

        WriteTable();
        Report.Write(_output);
        _output.Line($"The table is in {Path.Combine(_store.Path, FileName)}.md and .csv, its runs beside it.");
        return new ReproductionResult(_entries, interruption, Report);
    }

    /// <returns>The entries that are to be trained.</returns>
    private List<int> ReadStore(DataOfRuns data)
    {
        var open = new List<int>();
        for (var index = 0; index < _entries.Length; index++)
        {
            RunRequest request = data.Identify(_entries[index].Request);
            _entries[index] = _entries[index] with { Request = request, Run = _store.Find(request, _request.Quiet ? null : _output.Line) };
            if (_entries[index].Run is null)
            {
                open.Add(index);
            }
            else
            {
                _store.DeleteCheckpoints(request);
            }
        }

        return open;
    }

    private void Announce(int open, DeviceSet devices)
    {
        if (_request.Quiet)
        {
            return;
        }

        _output.Line(
            $"{_request.Table.Title}: {ConsoleOutput.Count(_entries.Length, "entry", "entries")}, "
            + $"of which {_entries.Length - open} are in {_store.Path} and {open} to train on {devices.Names}");
        foreach (string remark in _plan.Remarks)
        {
            _output.Line(remark);
        }
    }

    /// <returns>The sentence about an interruption, or null.</returns>
    private string? TrainAll(
        List<int> open, DataOfRuns data, IReadOnlyList<ComputeDevice> devices, ProgressDisplay progress, CancellationToken cancellation)
    {
        for (var number = 0; number < open.Count; number++)
        {
            int index = open[number];
            TableEntry entry = _entries[index];
            if (!cancellation.IsCancellationRequested)
            {
                _entries[index] = Train(entry, data.Of(entry.Request), devices, progress, cancellation);
                progress.End();
                WriteTable();
            }

            if (_entries[index] is { Run: null, Refusal: null })
            {
                return $"Interrupted in run {ConsoleOutput.Plain(number + 1)} of {ConsoleOutput.Plain(open.Count)} ({entry.Label}); "
                    + "finished runs are kept, and the same command goes on with this one where it stopped.";
            }
        }

        return null;
    }

    /// <returns>The entry with its run or its refusal; with neither, it was interrupted.</returns>
    private TableEntry Train(
        TableEntry entry, LoadedData data, IReadOnlyList<ComputeDevice> devices, ProgressDisplay progress, CancellationToken cancellation)
    {
        StoredOutcome outcome = StoredTraining.Train(
            _store, entry.Request, entry.Label, data, devices, writesEvents: false, _output.Verbose, progress, cancellation);
        return entry with { Run = outcome.Run, Refusal = outcome.Refusal };
    }

    private void WriteTable()
    {
        _store.Write(FileName + ".md", Report.ToMarkdown());
        _store.Write(FileName + ".csv", Report.ToCsv());
    }
}
