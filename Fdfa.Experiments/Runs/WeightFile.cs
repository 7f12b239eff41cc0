using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;

namespace Fdfa.Experiments.Runs;

/// <summary>
/// Weights for a network that a command line describes. A refusal says which options describe the network that they are of.
/// </summary>
internal static class WeightFile
{
    /// <summary>Reads them.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <param name="network">As the command line describes it.</param>
    /// <param name="withoutNormalization">How the command line asks for no batch normalization.</param>
    /// <exception cref="ModelFileException">The file cannot be read, or holds another network.</exception>
    public static NetworkParameters Load(
        string path, NetworkDescription network, string withoutNormalization = $"give {BatchNormalizationOptions.Without}")
    {
        try
        {
            return StateDict.Load(path, network);
        }
        catch (ModelFileException refusal)
        {
            if (Others(path, network).FirstOrDefault(other => Fits(path, other)) is { } fitting)
            {
                throw new ModelFileException($"{refusal.Message.TrimEnd('.')}: {Ways(network, fitting, withoutNormalization)}.", refusal);
            }

            throw;
        }
    }

    /// <summary>The same network with or without batch normalization, and the one that the file itself describes.</summary>
    private static IEnumerable<NetworkDescription> Others(string path, NetworkDescription network)
    {
        yield return Topology.Parse(network.Topology, network.HiddenActivation, network.InputShape, !network.IsNormalized());
        NetworkDescription? other = null;
        try
        {
            NetworkDescription described = ModelFile.ReadNetwork(path);
            other = Topology.Parse(described.Topology, described.HiddenActivation, network.InputShape, described.IsNormalized());
        }
        catch (FdfaException)
        {
            // It does not say, or it is no file of a network on these data.
        }

        if (other is not null)
        {
            yield return other;
        }
    }

    private static bool Fits(string path, NetworkDescription network)
    {
        try
        {
            StateDict.Load(path, network);
            return true;
        }
        catch (ModelFileException)
        {
            return false;
        }
    }

    private static string Ways(NetworkDescription given, NetworkDescription fitting, string withoutNormalization)
    {
        var ways = new List<string>();
        if (fitting.Topology != given.Topology)
        {
            ways.Add($"give --network {fitting.Topology}");
        }

        if (fitting.HiddenActivation != given.HiddenActivation)
        {
            ways.Add($"give --activation {OptionWords.Activations.Of(fitting.HiddenActivation)}");
        }

        if (fitting.IsNormalized() != given.IsNormalized())
        {
            ways.Add(fitting.IsNormalized() ? $"give {BatchNormalizationOptions.With}" : withoutNormalization);
        }

        return string.Join(" and ", ways);
    }
}
