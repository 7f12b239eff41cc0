using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Training;

/// <summary>Where a run stands, reported about ten times a second. Means are over this epoch so far and over all seeds.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Step">Steps done in this epoch.</param>
/// <param name="StepsPerEpoch">Steps in a whole epoch.</param>
/// <param name="Loss">Mean training loss.</param>
/// <param name="Accuracy">Training accuracy, 0…1.</param>
public readonly record struct TrainingProgress(int Epoch, int Step, int StepsPerEpoch, double Loss, double Accuracy);

/// <summary>One seed's training metrics over an epoch: measured on the fly, while the weights change.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Steps">Steps done; fewer than a whole epoch's when training was cancelled.</param>
/// <param name="Loss">Mean loss per sample; NaN after no step.</param>
/// <param name="Accuracy">Share of samples classified correctly, 0…1; NaN after no step.</param>
public sealed record EpochMetrics(int Epoch, int Steps, double Loss, double Accuracy);

/// <summary>One seed's result on a data set, with frozen weights.</summary>
/// <param name="Loss">Mean loss per sample.</param>
/// <param name="Accuracy">Share of samples classified correctly, 0…1.</param>
public sealed record Evaluation(double Loss, double Accuracy);

/// <summary>The loss of a run is no longer a number.</summary>
public sealed class DivergenceException(long step, ulong seed, LearningRule rule) : FdfaException(
    $"The loss became NaN or infinite at step {step} (seed {seed}); "
    + $"try a smaller learning rate{(rule.LearnsFeedback ? ", or a smaller feedback rate" : string.Empty)}.")
{
    /// <summary>
    /// The step, counted from 0 over the whole run, at which the loss was first not finite; the next one where an evaluation showed it.
    /// </summary>
    public long Step { get; } = step;
}
