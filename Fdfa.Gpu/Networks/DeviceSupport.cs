using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Networks;

/// <summary>What the reference knows and the kernels do not.</summary>
internal static class DeviceSupport
{
    /// <summary>Refuses it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">How to train it.</param>
    /// <exception cref="InvalidOptionException">L-FDFA on convolutions or batch normalization, or an adaptive average that changes anything.</exception>
    public static void Require(NetworkDescription network, TrainingOptions options)
    {
        var rule = options.Rule;
        var isPlain = network.Blocks.All(block => block is DenseBlock { HasBatchNormalization: false });
        if (!isPlain && rule.ErrorSignal == ErrorSignal.LayerwiseFeedback && rule.LearnsFeedback)
        {
            throw new InvalidOptionException(
                $"{rule.Name} has kernels for dense networks without batch normalization only, and {network.Topology} is not one; give another rule or network.");
        }

        if (network.Blocks.FirstOrDefault(IsAveraged) is ConvolutionBlock averaged)
        {
            throw new InvalidOptionException(
                $"The network {network.Topology} averages maps of {averaged.Pooled.Height}x{averaged.Pooled.Width} to {averaged.AdaptivePool}x{averaged.AdaptivePool}, and kernels average only where nothing changes; give images of a size that leaves {averaged.AdaptivePool}x{averaged.AdaptivePool}.");
        }
    }

    private static bool IsAveraged(Block block) =>
        block is ConvolutionBlock { AdaptivePool: { } side } convolution && (convolution.Pooled.Height != side || convolution.Pooled.Width != side);
}
