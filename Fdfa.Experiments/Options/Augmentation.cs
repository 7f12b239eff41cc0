using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Options;

/// <summary><c>--no-augment</c>: a preset decides how images become inputs, and this takes them as they are.</summary>
/// <remarks>There is no switch for the opposite: what a preset does not augment has no size to enlarge it to.</remarks>
internal static class Augmentation
{
    /// <summary>The switch.</summary>
    public const string Without = "--no-augment";

    /// <summary>The option, for a command to have.</summary>
    public static Option<bool> CreateOption() => OptionText.CreateSwitch(
        Without, "Train on images as they are. [default: published-code enlarges CIFAR's to 224 pixels for alexnet with "
        + $"{string.Join(", ", LearningRule.All.Where(Preset.PublishedCode.AugmentsFor))}: "
        + "in training random crops, half of them mirrored]");

    /// <summary>The shape of the inputs that a data set's images become.</summary>
    /// <param name="augmentation">How; null where they are taken as they are.</param>
    /// <param name="image">The images' shape.</param>
    public static ImageShape InputOf(ImageAugmentation? augmentation, ImageShape image) => augmentation?.InputOf(image) ?? image;

    /// <summary>In words, for tables.</summary>
    public static string Text(ImageAugmentation? augmentation) => augmentation is null
        ? "no"
        : FormattableString.Invariant($"crops to {augmentation.Side} pixels{(augmentation.Flips ? ", mirrored" : "")}");

    /// <summary>With every number, for a run's key.</summary>
    public static string Key(ImageAugmentation augmentation) => string.Create(
        CultureInfo.InvariantCulture,
        $"{augmentation.Side} {augmentation.SmallestArea:R} {augmentation.LargestArea:R} {augmentation.SmallestRatio:R} "
        + $"{augmentation.LargestRatio:R} {augmentation.Flips}");
}
