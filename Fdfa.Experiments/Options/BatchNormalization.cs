using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Options;

/// <summary>What a network has of batch normalization, which its topology does not say.</summary>
internal static class BatchNormalization
{
    /// <summary>Whether it was described with batch normalization: then every hidden block has it.</summary>
    public static bool IsNormalized(this NetworkDescription network)
    {
        IEnumerable<Block> hidden = network.Blocks.SkipLast(1);
        return hidden.Any() && hidden.All(block => block.HasBatchNormalization);
    }

    /// <summary>In a word, for tables.</summary>
    public static string Text(NetworkDescription network) =>
        network.IsNormalized() ? "yes" : network.HasBatchNormalization ? "in convolutions" : "no";

    /// <summary>The same network as a preset would have it.</summary>
    public static NetworkDescription AsIn(this NetworkDescription network, Preset preset, LearningRule rule) => Topology.Parse(
        network.Topology, preset.ActivationFor(rule), network.InputShape, preset.BatchNormalizationFor(rule));
}
