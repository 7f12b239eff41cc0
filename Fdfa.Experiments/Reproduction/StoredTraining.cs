using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Experiments.Reproduction;

/// <summary>What became of a run that a store lacked; nothing where it was interrupted.</summary>
/// <param name="Run">The run, finished or diverged.</param>
/// <param name="Refusal">Why it cannot be trained here, as a sentence.</param>
internal readonly record struct StoredOutcome(StoredRun? Run, string? Refusal);

/// <summary>Trains what a store lacks.</summary>
internal static class StoredTraining
{
    /// <summary>Trains one run into its folder of the store, from where it stopped if it was begun there.</summary>
    /// <param name="store">Where it belongs.</param>
    /// <param name="request">What it is, with its data.</param>
    /// <param name="label">What it is called while it trains.</param>
    /// <param name="data">Its data.</param>
    /// <param name="devices">At most one per seed.</param>
    /// <param name="writesEvents">Whether its epochs are written for TensorBoard too.</param>
    /// <param name="verbose">Whether its log goes to standard error too.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <exception cref="DeviceLostException">A device failed: no other run can be trained on it.</exception>
    /// <exception cref="FolderTakenException">Another process trains it.</exception>
    /// <exception cref="RunFolderException">Its folder cannot be written, or not be read again; or the disk is full.</exception>
    public static StoredOutcome Train(
        RunStore store,
        RunRequest request,
        string label,
        LoadedData data,
        IReadOnlyList<ComputeDevice> devices,
        bool writesEvents,
        bool verbose,
        ProgressDisplay progress,
        CancellationToken cancellation)
    {
        UnfinishedRun? unfinished = store.Continue(request, data.Description, verbose);
        using RunFolder folder = unfinished?.Folder ?? store.Begin(request, verbose);
        RunConfiguration configuration = unfinished?.Configuration
            ?? RunConfiguration.Describe(request, data.Description, [.. devices.Select(device => device.Info)]);
        if (writesEvents)
        {
            configuration = configuration.WithEvents();
        }

        try
        {
            // Ten models of each run would be gigabytes that no table needs; config.json says how to train one again.
            using var run = new TrainingRun(configuration, data, devices, folder, unfinished?.Start)
            {
                Label = label,
                KeepsModels = false,
                WayOn = "finished runs are kept, and the same command goes on with this one where its last checkpoint is",
            };
            run.Execute(progress, cancellation);
        }
        catch (DivergenceException divergence)
        {
            store.WriteDivergence(request, divergence.Message);
        }
        catch (FdfaException refusal) when (refusal is not DeviceLostException && !DiskFull.Is(refusal))
        {
            // Too much memory for this device, say: other runs may well fit.
            return new StoredOutcome(null, refusal.Message);
        }

        try
        {
            // Read back, so that a table shows the same whether its runs were there before or not.
            return new StoredOutcome(store.Read(request), null);
        }
        catch (FdfaException damage)
        {
            throw new RunFolderException($"The run of {label} cannot be read back: {damage.Message}", damage);
        }
    }
}
