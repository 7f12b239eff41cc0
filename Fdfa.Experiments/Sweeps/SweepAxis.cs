using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Sweeps;

/// <summary>An option and the values that a sweep gives it, one after the other.</summary>
/// <param name="Name">The option without its dashes.</param>
/// <param name="Values">As on the command line; "yes" and "no" for an option that takes none.</param>
internal sealed record SweepAxis(string Name, IReadOnlyList<string> Values)
{
    /// <summary>More than enough for every grid that is worth training; a larger file is another one.</summary>
    private const int LongestFile = 1 << 20;

    /// <summary>The values as numbers; null where one of them is none.</summary>
    public IReadOnlyList<double>? Numbers
    {
        get
        {
            double?[] numbers =
            [
                .. Values.Select(value =>
                    double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : (double?)null)
            ];
            return numbers.All(number => number.HasValue) ? [.. numbers.Select(number => number!.Value)] : null;
        }
    }

    /// <summary>The axis as <c>--sweep</c> takes it.</summary>
    public override string ToString() => $"{Name}={string.Join(',', Values)}";

    /// <summary>Reads what <c>--sweep</c> was given: an option and its values, as in lr=1e-3,1e-4, or a JSON file of several.</summary>
    /// <exception cref="InvalidOptionException">Neither.</exception>
    public static IReadOnlyList<SweepAxis> Read(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            return ReadFile(text);
        }

        string name = text[..equals].Trim();
        return [Of(name, text[(equals + 1)..].Split(',').Select(value => value.Trim()), $"{QuotedText.Of(text)} of --sweep")];
    }

    /// <summary>Axes as the text of a JSON file that <c>--sweep</c> takes: a command line has room for fewer values.</summary>
    public static string ToJson(IEnumerable<SweepAxis> axes) => new JsonObject(axes.Select(axis =>
        KeyValuePair.Create(axis.Name, (JsonNode?)new JsonArray([.. axis.Values.Select(value => (JsonNode)value)])))).ToJsonString() + "\n";

    /// <summary>Reads the text of a JSON file: an object that has an option's values under its name.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="InvalidOptionException">Not such an object.</exception>
    public static IReadOnlyList<SweepAxis> ReadJson(string json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw NoGrid(path, "it is no object");
            }

            return [.. document.RootElement.EnumerateObject().Select(property => ReadProperty(property, path))];
        }
        catch (JsonException malformed)
        {
            throw NoGrid(path, $"it is not whole, or its line {malformed.LineNumber + 1} is not JSON");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, say.
            throw NoGrid(path, "a word in it is no text");
        }
    }

    private static IReadOnlyList<SweepAxis> ReadFile(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidOptionException(
                $"The value {QuotedText.Of(path)} of --sweep is neither an option with its values, such as lr=1e-3,1e-4, nor a JSON file; "
                + "give one of them.");
        }

        return file.Length <= LongestFile
            ? ReadJson(File.ReadAllText(path), path)
            : throw NoGrid(path, $"it has {file.Length} bytes, and {LongestFile} are enough for any");
    }

    private static SweepAxis ReadProperty(JsonProperty property, string path)
    {
        JsonElement[] elements = property.Value.ValueKind == JsonValueKind.Array ? [.. property.Value.EnumerateArray()] : [property.Value];
        return Of(
            property.Name, elements.Select(element => Word(element, property.Name, path)), $"{QuotedText.Of(property.Name)} in '{path}'");
    }

    private static string Word(JsonElement element, string name, string path) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString()!,
        JsonValueKind.Number => element.GetRawText(),
        JsonValueKind.True => "yes",
        JsonValueKind.False => "no",
        _ => throw NoGrid(path, $"a value of {QuotedText.Of(name)} is neither a word, a number, nor true or false"),
    };

    private static SweepAxis Of(string name, IEnumerable<string> words, string place)
    {
        string[] values = [.. words];
        if (name.Length == 0 || values.Length == 0
            || values.Any(value => value.Length == 0 || value.Contains(',', StringComparison.Ordinal)))
        {
            throw new InvalidOptionException($"The axis {place} is not an option with values, such as lr=1e-3,1e-4; give it so.");
        }

        return values.GroupBy(value => value, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? throw new InvalidOptionException($"The axis {place} has {QuotedText.Of(twice.Key)} twice; give it once.")
            : new SweepAxis(name, values);
    }

    private static InvalidOptionException NoGrid(string path, string why) => new(
        $$"""The file '{{path}}' is not the grid of a sweep: {{why}}; """
        + """write options and their values as in {"lr": [1e-3, 1e-4], "rule": ["FDFA", "DFA"]}.""");
}
