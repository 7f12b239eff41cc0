using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class ScheduleTests
{
    /// <summary>
    /// Epoch for epoch, by hand; PyTorch's SequentialLR with its ExponentialLR, CosineAnnealingLR, StepLR and ConstantLR has the same after
    /// warm-up.
    /// </summary>
    [Theory]
    [InlineData(LearningRateSchedule.Exponential, 0, new[] { 1, 0.5, 0.25, 0.125 })]
    [InlineData(LearningRateSchedule.Exponential, 1, new[] { 0.5, 1, 0.5, 0.25 })]
    [InlineData(LearningRateSchedule.Cosine, 0, new[] { 1, 0.75, 0.25, 0 })]
    [InlineData(LearningRateSchedule.Cosine, 2, new[] { 1.0 / 3, 2.0 / 3, 1, 0.75, 0.25, 0, 0 })]
    [InlineData(LearningRateSchedule.Step, 0, new[] { 1, 1, 1, 0.5, 0.5, 0.5, 0.25 })]
    [InlineData(LearningRateSchedule.Step, 1, new[] { 0.5, 1, 1, 1, 0.5 })]
    [InlineData(LearningRateSchedule.Constant, 0, new[] { 1.0, 1, 1 })]
    [InlineData(LearningRateSchedule.Constant, 3, new[] { 0.25, 0.5, 0.75, 1, 1 })]
    public void The_learning_rate_of_each_epoch(LearningRateSchedule schedule, int warmup, double[] factors)
    {
        var options = new TrainingOptions
        {
            LearningRate = 0.01,
            LearningRateDecay = 0.5,
            Schedule = schedule,
            SchedulePeriod = 3,
            WarmupEpochs = warmup,
        };

        VectorAssert.Close(
            [.. factors.Select(factor => 0.01 * factor)], [.. Enumerable.Range(0, factors.Length).Select(options.LearningRateAt)], 1e-15);
        // A run that would go on at a rate of 0 is refused, and no other.
        int zero = Array.IndexOf(factors, 0) is var index and >= 0 ? index : int.MaxValue;
        Assert.All(
            Enumerable.Range(0, 20),
            epochs => Assert.Equal(epochs > zero, Record.Exception(() => options.RequireRateIn(epochs)) is InvalidOptionException));
        Assert.Equal(options.FeedbackRate * options.FeedbackRateDecay, options.FeedbackRateAt(1));
    }
}
