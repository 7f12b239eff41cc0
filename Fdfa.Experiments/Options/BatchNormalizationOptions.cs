using System.CommandLine;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Options;

/// <summary><c>--batch-norm</c> and <c>--no-batch-norm</c>: a preset decides, and either overrides it.</summary>
internal sealed class BatchNormalizationOptions
{
    /// <summary>Asks for it in every hidden block.</summary>
    public const string With = "--batch-norm";

    /// <summary>Asks for none.</summary>
    public const string Without = "--no-batch-norm";

    private readonly Option<bool> _with = OptionText.CreateSwitch(
        With, "Normalize every hidden block over its batch. [default: published-code with "
        + $"{string.Join(", ", LearningRule.All.Where(Preset.PublishedCode.BatchNormalizationFor))}; else not]");

    private readonly Option<bool> _without = OptionText.CreateSwitch(
        Without, "Normalize no block over its batch; alexnet's convolutions always are.");

    /// <summary>Both, for a command to have.</summary>
    public IEnumerable<Option> All => [_with, _without];

    /// <summary>What the command line says; null where it leaves that to the preset.</summary>
    /// <exception cref="InvalidOptionException">It says both.</exception>
    public bool? Read(ParseResult arguments) => (arguments.GetValue(_with), arguments.GetValue(_without)) switch
    {
        (true, true) => throw new InvalidOptionException(
            $"The options {With} and {Without} exclude each other; give one of them, or neither to leave it to the preset."),
        (true, _) => true,
        (_, true) => false,
        _ => null,
    };

    /// <summary>The words of a command line that ask for a network's batch normalization.</summary>
    public static string ToArgument(NetworkDescription network) => network.IsNormalized() ? With : Without;
}
