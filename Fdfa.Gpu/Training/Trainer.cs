using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Training;

/// <summary>Trains K replicas of one network, one per seed, in the same launches; each is bit-identical to its seed alone.</summary>
public sealed class Trainer : IDisposable
{
    /// <summary>Allocates the networks, initialises them from their seeds and loads the kernels.</summary>
    /// <exception cref="ShapeMismatchException">The data does not fit the network.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public Trainer(ComputeDevice device, NetworkDescription network, TrainingOptions options, DeviceDataSet trainingData, IReadOnlyList<ulong> seeds) =>
        throw new NotImplementedException();

    /// <summary>The seeds, one per replica.</summary>
    public IReadOnlyList<ulong> Seeds => throw new NotImplementedException();

    /// <summary>Whole epochs done.</summary>
    public int Epoch => throw new NotImplementedException();

    /// <summary>Steps done over the whole run.</summary>
    public long Step => throw new NotImplementedException();

    /// <summary>Steps in an epoch: samples / batch size, rounded up.</summary>
    public int StepsPerEpoch => throw new NotImplementedException();

    /// <summary>Trains one epoch, or until cancelled: the step under way is finished.</summary>
    /// <returns>One entry per seed.</returns>
    /// <exception cref="DivergenceException">The loss became NaN or infinite.</exception>
    public IReadOnlyList<EpochMetrics> TrainEpoch(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        throw new NotImplementedException();

    /// <summary>Evaluates with the current weights.</summary>
    /// <returns>One entry per seed.</returns>
    public IReadOnlyList<Evaluation> Evaluate(DeviceDataSet data) => throw new NotImplementedException();

    /// <summary>Reads one replica's parameters, all pending updates applied.</summary>
    public NetworkParameters GetParameters(int replica) => throw new NotImplementedException();

    /// <summary>Overwrites one replica's parameters; optimizer state stays.</summary>
    /// <exception cref="ShapeMismatchException">A size differs from the network's.</exception>
    public void SetParameters(int replica, NetworkParameters parameters) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
