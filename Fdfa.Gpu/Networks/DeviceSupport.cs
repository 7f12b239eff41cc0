using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Networks;

/// <summary>What the reference knows and the kernels do not.</summary>
internal static class DeviceSupport
{
    /// <summary>Refuses it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">How to train it.</param>
    /// <exception cref="InvalidOptionException">L-FDFA on convolutions or batch normalization.</exception>
    public static void Require(NetworkDescription network, TrainingOptions options)
    {
        var rule = options.Rule;
        var isPlain = network.Blocks.All(block => block is DenseBlock { HasBatchNormalization: false });
        if (!isPlain && rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && rule.LearnsFeedback)
        {
            throw new InvalidOptionException(
                $"{rule.Name} has kernels for dense networks without batch normalization only, and {network.Topology} is not one; give another rule or network.");
        }
    }
}
