using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Commands;

/// <summary>The options of a network that no data set goes with: what else images would say, <c>--input</c> does.</summary>
/// <param name="otherwise">The default topology.</param>
internal sealed class NetworkOptions(string otherwise)
{
    private readonly Option<string> _network = CommonOptions.Network(otherwise, "images of the shape of --input");

    private readonly Option<string> _input = OptionText.Create(
        "--input", "shape",
        "Channels x height x width of the images that convolutions read, such as 1x28x28. [default: none; "
        + "layer sizes begin with their input]");

    private readonly BatchNormalizationOptions _batchNormalization = new();

    /// <summary>All of them, for a command to have.</summary>
    public IEnumerable<Option> All => [_network, _input, .. _batchNormalization.All];

    /// <summary>The network that a rule has with a preset.</summary>
    /// <exception cref="FdfaException">There is no such network, or its input is not the one that was given.</exception>
    public NetworkDescription Read(ParseResult arguments, Preset preset, LearningRule rule)
    {
        string topology = arguments.Text(_network) ?? otherwise;
        ImageShape? input = arguments.Shape(_input);
        if (input is null && HasConvolutions(topology))
        {
            throw new InvalidOptionException(
                "The value of --network reads images, and their shape is not given; "
                + "add --input with channels, height and width, such as --input 1x28x28, or give layer sizes, such as 784-800-10.");
        }

        NetworkDescription network = Topology.Parse(
            topology, preset.ActivationFor(rule), input, _batchNormalization.Read(arguments) ?? preset.BatchNormalizationFor(rule));
        if (input is not { } shape)
        {
            return network;
        }

        long values = (long)shape.Channels * shape.Height * shape.Width;
        return values == network.InputSize
            ? network
            : throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"The --input {shape} has {values} values, but the network {network.Topology} takes {network.InputSize}; "
                + $"give a --network that begins with {values}, or leave out --input."));
    }

    /// <summary>Whether a topology states no input size of its own.</summary>
    private static bool HasConvolutions(string topology) => topology.Split('-', 2)[0].ContainsAnyExceptInRange('0', '9');
}
