using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Training;

/// <summary>Parameters that must be equal to the last bit.</summary>
internal static class SameBits
{
    /// <summary>Compares the parameters of every seed.</summary>
    public static void Assert(Trainer expected, Trainer actual) => Xunit.Assert.All(
        expected.Seeds.Select((_, replica) => replica), replica => Assert(expected.GetParameters(replica), actual.GetParameters(replica)));

    /// <summary>Compares every array of every block.</summary>
    public static void Assert(NetworkParameters expected, NetworkParameters actual)
    {
        Xunit.Assert.Equal(expected.Blocks.Count, actual.Blocks.Count);
        foreach (var (one, other) in expected.Blocks.Zip(actual.Blocks))
        {
            Xunit.Assert.Equal(one.Weights, other.Weights);
            Xunit.Assert.Equal(one.Biases, other.Biases);
            Xunit.Assert.Equal(one.Feedback, other.Feedback);
            Xunit.Assert.Equal(one.Head?.Weights, other.Head?.Weights);
            Xunit.Assert.Equal(one.Head?.Biases, other.Head?.Biases);
            Xunit.Assert.Equal(one.Normalization?.Scale, other.Normalization?.Scale);
            Xunit.Assert.Equal(one.Normalization?.Shift, other.Normalization?.Shift);
            Xunit.Assert.Equal(one.Normalization?.RunningMean, other.Normalization?.RunningMean);
            Xunit.Assert.Equal(one.Normalization?.RunningVariance, other.Normalization?.RunningVariance);
        }
    }
}
