using System.Globalization;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>The words in a file's metadata that describe its network.</summary>
/// <remarks>
/// <code>
/// topology              784-800-10
/// activation            ReLU
/// input_shape           1x28x28        convolutional networks alone
/// batch_normalization   1,2            the blocks that have it, counted from 1
/// perturbation_site     BeforePool     where direct feedback arrives
/// </code>
/// The last three are left out where they say nothing: a file without them, as all were before there were convolutions, is of a dense
/// network without batch normalization whose feedback arrives at its blocks' outputs.
/// </remarks>
internal static class ModelWords
{
    private const string TopologyWord = "topology";
    private const string ActivationWord = "activation";
    private const string InputShapeWord = "input_shape";
    private const string NormalizationWord = "batch_normalization";
    private const string SiteWord = "perturbation_site";

    /// <summary>All of them: what a caller may not say otherwise.</summary>
    public static IReadOnlyList<string> All { get; } = [TopologyWord, ActivationWord, InputShapeWord, NormalizationWord, SiteWord];

    /// <summary>The words of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="site">Where direct feedback arrives.</param>
    public static IEnumerable<KeyValuePair<string, string>> Of(NetworkDescription network, PerturbationSite site) =>
        OfNetwork(network).Append(new(SiteWord, site == PerturbationSite.BlockOutput ? string.Empty : site.ToString()))
            .Where(word => word.Value.Length > 0);

    /// <summary>Refuses a file of another network.</summary>
    /// <exception cref="ModelFileException">A word differs; the message names the first.</exception>
    public static void Require(string path, NetworkDescription network, IReadOnlyDictionary<string, string> metadata)
    {
        foreach (var (word, expected) in OfNetwork(network))
        {
            // Files from elsewhere need not carry our words; the tensors' shapes decide then.
            var isLeftOut = word is InputShapeWord or NormalizationWord && metadata.ContainsKey(TopologyWord);
            var found = metadata.GetValueOrDefault(word, isLeftOut ? string.Empty : expected);
            if (found != expected)
            {
                var (what, advice) = word switch
                {
                    TopologyWord => ($"the network {QuotedText.WithoutQuotes(found)}, not {expected}", "topology"),
                    ActivationWord => ($"a network with activation {QuotedText.WithoutQuotes(found)}, not {expected}", "activation"),
                    InputShapeWord => ($"a network with {Input(found)}, not {Input(expected)}", "input shape"),
                    _ => ($"a network with {Normalized(found)}, not {Normalized(expected)}", "batch normalization"),
                };
                throw new ModelFileException($"The model file '{path}' holds {what}; load it with the {advice} it was saved with.");
            }
        }
    }

    /// <summary>Where direct feedback arrives.</summary>
    /// <exception cref="ModelFileException">The word is no site.</exception>
    public static PerturbationSite Site(string path, IReadOnlyDictionary<string, string> metadata) =>
        !metadata.TryGetValue(SiteWord, out var word)
            ? PerturbationSite.BlockOutput
            : Named<PerturbationSite>(word) ?? throw Unknown(path, "perturbation site", word);

    /// <summary>The network that the words describe.</summary>
    /// <exception cref="ModelFileException">A word is missing, or describes none.</exception>
    public static NetworkDescription Network(string path, IReadOnlyDictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue(TopologyWord, out var topology))
        {
            throw ModelFileException.Damaged(path, $"its metadata has no {TopologyWord}");
        }

        var activation = metadata.TryGetValue(ActivationWord, out var word)
            ? Named<ActivationFunction>(word) ?? throw Unknown(path, "activation", word)
            : ActivationFunction.ReLU;
        ImageShape? input = metadata.TryGetValue(InputShapeWord, out var shape)
            ? Integers(shape, 'x') is [var channels, var height, var width]
                ? new(channels, height, width)
                : throw Unknown(path, "input shape", shape)
            : null;
        var list = metadata.GetValueOrDefault(NormalizationWord, string.Empty);
        var normalized = list.Length == 0
            ? []
            : Integers(list, ',') ?? throw Unknown(path, "list of blocks with batch normalization", list);
        try
        {
            var plain = Topology.Parse(topology, activation, input);
            if (normalized.Any(l => l < 1 || l >= plain.Blocks.Count))
            {
                throw Unknown(path, "list of blocks with batch normalization", list);
            }

            return new NetworkDescription(
                [.. plain.Blocks.Select((block, index) => block with { HasBatchNormalization = normalized.Contains(index + 1) })],
                activation, plain.Topology);
        }
        catch (TopologyException exception)
        {
            throw ModelFileException.Damaged(path, $"its {TopologyWord} {QuotedText.Of(topology)} describes no network", exception);
        }
    }

    /// <summary>Every word that tells networks apart; empty where it is left out.</summary>
    private static IEnumerable<KeyValuePair<string, string>> OfNetwork(NetworkDescription network) =>
    [
        new(TopologyWord, network.Topology),
        new(ActivationWord, network.HiddenActivation.ToString()),
        new(InputShapeWord, network.InputShape?.ToString() ?? string.Empty),
        new(NormalizationWord, string.Join(
            ',', Enumerable.Range(1, network.Blocks.Count).Where(l => network.Blocks[l - 1].HasBatchNormalization))),
    ];

    private static string Input(string word) =>
        word.Length == 0 ? "inputs that are no images" : $"inputs of {QuotedText.WithoutQuotes(word)}";

    private static string Normalized(string word) =>
        word.Length == 0 ? "no batch normalization" : $"batch normalization in block(s) {QuotedText.WithoutQuotes(word)}";

    private static T? Named<T>(string word)
        where T : struct, Enum =>
        Enum.GetNames<T>().Contains(word) ? Enum.Parse<T>(word) : null;

    private static int[]? Integers(string text, char separator)
    {
        var words = text.Split(separator);
        var integers = new int[words.Length];
        for (var i = 0; i < words.Length; i++)
        {
            if (!int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out integers[i]))
            {
                return null;
            }
        }

        return integers;
    }

    private static ModelFileException Unknown(string path, string what, string word) =>
        ModelFileException.Damaged(path, $"its metadata has the {what} {QuotedText.Of(word)}, which is none");
}
