using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Reproduction;

/// <summary>The name under which a run is stored: the same for the same experiment, whoever asks for it and where.</summary>
/// <remarks>
/// It covers what decides a run's numbers, and only the options that mean anything to its rule, each by its value: two
/// presets, or two tables, that ask for the same share a run. The data are in it by what they hold, not by their path. Neither is the
/// device, nor the version: another device adds up in another order and another sample of the same distribution comes out, while the
/// table reports that distribution; a store may be begun on one machine and finished on another. config.json names both.
/// What came to be decided later is in it only where it is decided otherwise than it always was before: an older run keeps its key,
/// which is without the data.
/// </remarks>
internal static class RunKey
{
    /// <summary>
    /// Raise it where a configuration comes to mean other numbers (a bug in a rule, say): stored runs are not found any more then.
    /// </summary>
    private const int Meaning = 1;

    private const int LongestTopology = 80;
    private const int HashBytes = 4;
    private const int DataDigits = 2 * HashBytes;

    /// <summary>
    /// The key of a run, fit to name a folder: readable at first, and at its end hashes of everything asked for, and of the data once they
    /// were read.
    /// </summary>
    public static string Of(RunRequest request) =>
        request.DataSha256 is { } data ? $"{OfAnyData(request)}-{data[..DataDigits]}" : OfAnyData(request);

    /// <summary>Whether a folder's name is the key of a run, on whatever data.</summary>
    public static bool Is(string name, RunRequest request)
    {
        string key = OfAnyData(request);
        return name.StartsWith(key, StringComparison.Ordinal)
            && name[key.Length..] is "" or ['-', .. { Length: DataDigits }];
    }

    /// <summary>The key of a run without its data: what is asked for.</summary>
    public static string OfAnyData(RunRequest request)
    {
        (int training, int test) = request.Part ?? DataSource.SamplesOf(request.DataName);
        IEnumerable<string> parts =
        [
            $"meaning {Number(Meaning)}",
            $"rule {request.Options.Rule.Name}",
            $"network {request.Network.Topology}",
            $"activation {OptionWords.Activations.Of(request.Network.HiddenActivation)}",
            $"data {request.DataName} {Number(Math.Min(request.Limit ?? training, training))} {Number(test)}",
            $"epochs {Number(request.Epochs)}",
            $"seeds {string.Join(' ', request.Seeds)}",
            .. TrainingOption.For(request.Options)
                .Where(option => option.Text(request.Options) != option.Former)
                .Select(option => $"{option.Switch} {option.Text(request.Options)}"),
            .. request.Network.InputShape is { } shape ? new[] { $"input {shape}" } : [],
            .. request.Options.Augmentation is { } augmentation ? new[] { $"augmentation {Augmentation.Key(augmentation)}" } : [],
            .. request.Validation is { } validation ? new[] { $"validation {validation}" } : [],
            .. request.Patience is { } patience ? new[] { $"patience {Number(patience)}" } : [],
            .. request.Network.HasBatchNormalization ? new[] { $"batch normalization {BatchNormalization.Text(request.Network)}" } : [],
        ];
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts)));
        string topology = RunFolder.NameOf(request.Network);
        return string.Join(
            '-',
            request.Options.Rule.Name,
            topology[..Math.Min(topology.Length, LongestTopology)],
            request.DataName,
            $"{Number(request.Epochs)}epochs",
            $"{Number(request.Seeds.Count)}seeds",
            Convert.ToHexStringLower(hash.AsSpan(0, HashBytes)));
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
