using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;

namespace Fdfa.Experiments.Runs;

/// <summary>The data of several runs: each data set is loaded once, when a run first asks for it.</summary>
/// <param name="output">Where to tell of a download; null to say nothing.</param>
/// <param name="cancellation">Ctrl-C.</param>
internal sealed class DataOfRuns(ConsoleOutput? output, CancellationToken cancellation) : IDisposable
{
    private readonly Dictionary<(string Name, int? Limit, ValidationPart? Validation), LoadedData> _loaded = [];

    /// <summary>The data of a run.</summary>
    /// <exception cref="FdfaException">They cannot be had, or do not fit the run's network.</exception>
    public LoadedData Of(RunRequest run)
    {
        if (!_loaded.TryGetValue((run.DataName, run.Limit, run.Validation), out LoadedData? data))
        {
            data = DataSource.Load(run, output, cancellation);
            _loaded.Add((run.DataName, run.Limit, run.Validation), data);
        }

        data.RequireFit(run);
        return data;
    }

    /// <summary>The same run with what its data hold, which is part of its key.</summary>
    /// <exception cref="FdfaException">They cannot be had, or do not fit the run's network.</exception>
    public RunRequest Identify(RunRequest run)
    {
        LoadedData data = Of(run);
        return run with { Part = data.Part, DataSha256 = data.Description.Sha256 };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LoadedData data in _loaded.Values)
        {
            data.Dispose();
        }
    }
}
