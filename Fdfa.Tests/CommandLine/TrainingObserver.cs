using Fdfa.Experiments.Output;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.CommandLine;

/// <summary>Does something in the middle of a training, on its thread.</summary>
internal sealed class TrainingObserver : ProgressDisplay
{
    /// <summary>Given the number of epochs that are done.</summary>
    public Action<int>? OnEpoch { get; set; }

    public Action? OnReport { get; set; }

    public override void Begin(string label, int epochs, int stepsPerEpoch)
    {
    }

    public override void Report(TrainingProgress value) => OnReport?.Invoke();

    public override void EpochDone(int epoch, string result) => OnEpoch?.Invoke(epoch);
}
