using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Networks;

/// <summary>What the kernels can train and the model file can hold so far: dense blocks without batch normalization.</summary>
internal static class DeviceSupport
{
    /// <summary>Refuses what only the reference knows.</summary>
    /// <param name="network">The network.</param>
    /// <exception cref="TopologyException">It has convolutions or batch normalization.</exception>
    public static void Require(NetworkDescription network)
    {
        if (network.Blocks.Any(block => block is not DenseBlock))
        {
            throw new TopologyException(
                $"The network {network.Topology} has convolutions, and on devices convolutions are not supported yet; give a dense topology, such as 784-800-800-10.");
        }

        if (network.HasBatchNormalization)
        {
            throw new TopologyException(
                $"The network {network.Topology} has batch normalization, which is not supported on devices yet; describe it without.");
        }
    }

    /// <summary>The same, and refuses perturbations elsewhere than at a block's output.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">How to train it.</param>
    /// <exception cref="TopologyException">It has convolutions or batch normalization.</exception>
    /// <exception cref="InvalidOptionException">Perturbations are added before the activation function.</exception>
    public static void Require(NetworkDescription network, TrainingOptions options)
    {
        Require(network);
        if (options.EffectiveSite == PerturbationSite.PreActivation)
        {
            throw new InvalidOptionException(
                $"The perturbation site {options.PerturbationSite} is not supported on devices yet; give {PerturbationSite.BlockOutput}.");
        }
    }
}
