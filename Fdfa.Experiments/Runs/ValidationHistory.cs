namespace Fdfa.Experiments.Runs;

/// <summary>The best epochs of a run by validation accuracy: each seed's own, and that of the mean over seeds.</summary>
/// <remarks>
/// A run's patience counts from the latter: its seeds train together, and one of them alone does not end it.
/// Of equally good epochs the first is the best: an epoch is no improvement because it is later.
/// All of it follows from the metrics, so a run that goes on decides as one that nothing interrupted.
/// </remarks>
/// <param name="seeds">How many seeds each epoch has.</param>
internal sealed class ValidationHistory(int seeds)
{
    private readonly Dictionary<ulong, (int Epoch, double Accuracy)> _best = [];
    private (int Epoch, double Accuracy)? _bestMean;
    private int _epoch;

    /// <summary>The epoch whose mean is the best; 0 before the first.</summary>
    public int BestEpoch => _bestMean?.Epoch ?? 0;

    /// <summary>How many epochs in a row the mean has not been above its best.</summary>
    public int EpochsSinceBest => _epoch - BestEpoch;

    /// <summary>The history that metrics tell.</summary>
    /// <param name="rows">Whole epochs, in their order; those without validation are left out.</param>
    /// <param name="seeds">How many seeds each has.</param>
    public static ValidationHistory Of(IEnumerable<MetricsRow> rows, int seeds)
    {
        var history = new ValidationHistory(seeds);
        history.Add(rows);
        return history;
    }

    /// <summary>The best epoch of a seed; 0 before the first.</summary>
    public int BestEpochOf(ulong seed) => _best.GetValueOrDefault(seed).Epoch;

    /// <summary>Adds epochs.</summary>
    /// <param name="rows">Whole ones, that follow those before.</param>
    public void Add(IEnumerable<MetricsRow> rows)
    {
        foreach (MetricsRow[] epoch in rows.Where(row => row.Validation is not null).Chunk(seeds))
        {
            _epoch = epoch[0].Epoch;
            double mean = epoch.Average(row => row.Validation!.Accuracy);
            if (_bestMean is not { } best || mean > best.Accuracy)
            {
                _bestMean = (_epoch, mean);
            }

            foreach (MetricsRow row in epoch)
            {
                if (!_best.TryGetValue(row.Seed, out var own) || row.Validation!.Accuracy > own.Accuracy)
                {
                    _best[row.Seed] = (_epoch, row.Validation!.Accuracy);
                }
            }
        }
    }
}
