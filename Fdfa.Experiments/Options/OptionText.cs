using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Options;

/// <summary>
/// The values of options, read from their text by this program's own rules: System.CommandLine would answer a bad
/// number with the name of a .NET type.
/// </summary>
internal static class OptionText
{
    /// <summary>How command lines are read: no bundled letters, no files in the place of words.</summary>
    public static ParserConfiguration Parsing { get; } = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    private const string UncheckedDeviceName = "--unchecked-device";

    /// <summary>
    /// <c>--unchecked-device</c>, of every command that computes on <c>--device</c>; <see cref="Device"/> and <see cref="Devices"/> read
    /// it.
    /// </summary>
    public static Option<bool> CreateUncheckedDevice() => CreateSwitch(
        UncheckedDeviceName, "Take the device as it is: without the self-test at its first use, and even where it failed it.");

    /// <summary>An option that takes one word.</summary>
    public static Option<string> Create(string name, string valueName, string description) => new(name)
    {
        Description = description,
        HelpName = valueName,
        Arity = ArgumentArity.ExactlyOne,
    };

    /// <summary>An option that is there or not.</summary>
    public static Option<bool> CreateSwitch(string name, string description) => new(name)
    {
        Description = description,
        Arity = ArgumentArity.Zero,
    };

    /// <summary>The text given for an option, or null when it is not on the command line.</summary>
    public static string? Text(this ParseResult arguments, Option<string> option) =>
        arguments.GetResult(option) is OptionResult { Implicit: false, Tokens: [var token, ..] } ? token.Value : null;

    /// <summary>
    /// A whole number from <paramref name="minimum"/> to <paramref name="maximum"/>, or null when the option is not given.
    /// </summary>
    /// <exception cref="InvalidOptionException">Not such a number.</exception>
    public static int? WholeNumber(this ParseResult arguments, Option<string> option, int minimum = 1, int maximum = int.MaxValue)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            && value >= minimum && value <= maximum
            ? value
            : throw Refuse(option, text, string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"));
    }

    /// <summary>A seed, or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">Not a whole number from 0 to 2⁶⁴ − 1.</exception>
    public static ulong? Seed(this ParseResult arguments, Option<string> option)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw Refuse(option, text, $"a whole number from 0 to {ulong.MaxValue}");
    }

    /// <summary>A finite number above 0, or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">Not such a number.</exception>
    public static double? Rate(this ParseResult arguments, Option<string> option) =>
        Number(arguments, option, value => value > 0, "a number above 0, such as 1e-4");

    /// <summary>A number in (0, 1], or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">Not such a number.</exception>
    public static double? Fraction(this ParseResult arguments, Option<string> option) =>
        Number(arguments, option, value => value is > 0 and <= 1, "a number above 0 and at most 1, such as 0.95");

    /// <summary>A finite number of at least 0, or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">Not such a number.</exception>
    public static double? NotNegative(this ParseResult arguments, Option<string> option) =>
        Number(arguments, option, value => value >= 0, "a number of at least 0, such as 1e-6");

    /// <summary>A part of the training samples, or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">Neither a share nor a count.</exception>
    public static ValidationPart? ValidationPart(this ParseResult arguments, Option<string> option)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        return Cpu.Reference.Description.ValidationPart.TryParse(text, out ValidationPart? part)
            ? part
            : throw Refuse(
                option, text, "a share of the training samples above 0 and below 1, such as 0.1, or a whole number of them of at least 2");
    }

    /// <summary>One of an option's words, or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">None of the words.</exception>
    public static T? OneOf<T>(this ParseResult arguments, Option<string> option, OptionWords<T> words)
        where T : struct, Enum =>
        arguments.Text(option) is { } text ? words.Read(text) : null;

    /// <summary>The shape of an image, or null when the option is not given.</summary>
    /// <exception cref="InvalidOptionException">Not three numbers with an x between them.</exception>
    public static ImageShape? Shape(this ParseResult arguments, Option<string> option)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        return ParseShape(text) ?? throw Refuse(option, text, string.Create(
            CultureInfo.InvariantCulture, $"channels, height and width from 1 to {NetworkDescription.MaximumSize}, such as 1x28x28"));
    }

    /// <summary>The shape that a text states, such as "1x28x28"; null where it states none.</summary>
    public static ImageShape? ParseShape(string text)
    {
        int?[] sizes =
        [
            .. text.Split('x').Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
                && size is >= 1 and <= NetworkDescription.MaximumSize ? size : (int?)null),
        ];
        return sizes is [{ } channels, { } height, { } width] ? new ImageShape(channels, height, width) : null;
    }

    /// <summary>The items of a list with commas, each once, or null when the option is not given.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="option">The option.</param>
    /// <param name="read">Reads an item, or refuses it.</param>
    /// <exception cref="InvalidOptionException">An item is empty, invalid or there twice.</exception>
    public static IReadOnlyList<T>? List<T>(this ParseResult arguments, Option<string> option, Func<string, T> read)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        var items = new List<T>();
        foreach (string word in text.Split(','))
        {
            T item = word.Trim() is { Length: > 0 } trimmed
                ? read(trimmed)
                : throw Refuse(option, text, "a list with commas between its items, such as 'a,b'");
            if (items.Contains(item))
            {
                throw new InvalidOptionException($"The list '{text}' of {option.Name} has {item} twice; give it once.");
            }

            items.Add(item);
        }

        return items;
    }

    /// <summary>Whether an option is on the command line.</summary>
    public static bool IsGiven(this ParseResult arguments, Option option) =>
        arguments.GetResult(option) is OptionResult { Implicit: false };

    /// <summary>A device selector, "auto" when the option is not given. Whether the device is here, only opening it can tell.</summary>
    /// <exception cref="InvalidOptionException">Not the notation of a device.</exception>
    public static string Device(this ParseResult arguments, Option<string> option) =>
        Checked(arguments, ReadDevice(arguments.Text(option) ?? "auto", "auto"));

    /// <summary>Devices to share work among: one, several with commas between, or "all".</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="option">The option.</param>
    /// <param name="most">How many there is work for.</param>
    /// <param name="work">What is shared out, a piece of it.</param>
    /// <exception cref="InvalidOptionException">Not the notation of devices, one of them twice, or more than there is work for.</exception>
    public static string Devices(this ParseResult arguments, Option<string> option, int most, string work = "seed")
    {
        string text = arguments.Text(option) ?? "auto";
        if (!text.Contains(',', StringComparison.Ordinal))
        {
            return Checked(arguments, ReadDevice(text, "auto", "all"));
        }

        IReadOnlyList<string> devices = arguments.List(option, word => ReadDevice(word))!;
        return devices.Count <= most
            ? string.Join(',', devices.Select(device => Checked(arguments, device)))
            : throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"The list '{text}' of {option.Name} has {devices.Count} devices for {most} {work}(s); "
                + $"name at most as many devices as there are {work}s."));
    }

    /// <summary>A device's name, with what --unchecked-device adds to it.</summary>
    private static string Checked(ParseResult arguments, string device) =>
        arguments.CommandResult.Command.Options.OfType<Option<bool>>()
            .Any(option => option.Name == UncheckedDeviceName && arguments.GetValue(option))
        && !device.EndsWith(ComputeDevice.Unchecked, StringComparison.Ordinal)
            ? device + ComputeDevice.Unchecked
            : device;

    private static string ReadDevice(string text, params IReadOnlyList<string> words) =>
        (text.EndsWith(ComputeDevice.Unchecked, StringComparison.Ordinal) ? text[..^ComputeDevice.Unchecked.Length] : text)
        .Split(':') switch
        {
            ["cpu" or "opencl-unsupported"] => text,
            ["opencl-unsupported", var index] when IsIndex(index) => text,
            ["cuda", var index] when IsIndex(index.EndsWith("+tf32", StringComparison.Ordinal) ? index[..^"+tf32".Length] : index) => text,
            ["opencl", var index] when IsIndex(index) => text,
            [var word] when words.Contains(word) => text,
            _ => throw InvalidOptionException.UnknownWord("device", text, [.. words, "cpu", "cuda:0", "opencl:0"]),
        };

    private static bool IsIndex(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static double? Number(ParseResult arguments, Option<string> option, Func<double, bool> isValid, string expected)
    {
        if (arguments.Text(option) is not { } text)
        {
            return null;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) && isValid(value)
            ? value
            : throw Refuse(option, text, expected);
    }

    private static InvalidOptionException Refuse(Option option, string text, string expected) =>
        new($"The value '{text}' of {option.Name} is not {expected}.");
}
