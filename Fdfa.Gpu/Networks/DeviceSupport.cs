using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Networks;

/// <summary>What the reference knows and the kernels do not: L-FDFA on convolutions or batch normalization.</summary>
public static class DeviceSupport
{
    /// <summary>Whether there are kernels for a rule on a network.</summary>
    public static bool HasKernels(NetworkDescription network, LearningRule rule)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(rule);
        return HasChannelKernels(rule) || network.Blocks.All(block => block is DenseBlock { HasBatchNormalization: false });
    }

    /// <summary>Whether a rule has kernels for blocks with channels.</summary>
    internal static bool HasChannelKernels(LearningRule rule) =>
        !(rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && rule.LearnsFeedback);

    /// <summary>Refuses what has none.</summary>
    /// <exception cref="InvalidOptionException">There are no kernels.</exception>
    internal static void Require(NetworkDescription network, LearningRule rule)
    {
        if (!HasKernels(network, rule))
        {
            throw new InvalidOptionException(
                $"{rule.Name} has kernels for dense networks without batch normalization only, and {network.Topology} is not one; "
                + "give another rule or network.");
        }
    }
}
