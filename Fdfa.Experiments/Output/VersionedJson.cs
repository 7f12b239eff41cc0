using System.Text.Json;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Output;

/// <summary>Reads JSON that states the version of its layout; whatever is wrong with it is one sentence without a .NET type.</summary>
internal static class VersionedJson
{
    /// <summary>Reads a document.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <param name="kind">What it should be, such as "the configuration of a run".</param>
    /// <param name="version">The layout that <typeparamref name="T"/> has.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="refuse">Makes the exception of a sentence.</param>
    /// <exception cref="FdfaException">Not such a document, or one of another version.</exception>
    public static T Parse<T>(
        string json, string path, string kind, int version, JsonSerializerOptions options, Func<string, Exception?, FdfaException> refuse)
    {
        try
        {
            // The version first: a newer layout should be called newer, not malformed.
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("schemaVersion", out JsonElement written)
                || written.ValueKind != JsonValueKind.Number
                || !written.TryGetInt32(out int schema))
            {
                throw refuse($"'{path}' is not {kind}: it has no schemaVersion.", null);
            }

            if (schema != version)
            {
                throw refuse(
                    $"'{path}' has schemaVersion {schema}, and this fdfa reads {version}; use the version of fdfa that wrote it.", null);
            }

            return document.Deserialize<T>(options) ?? throw refuse($"'{path}' is empty.", null);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // Its own message names .NET types.
            string finding = malformed switch
            {
                JsonException { Path: null } cut => $"it is not whole, or its line {cut.LineNumber + 1} is not JSON",
                JsonException { Path: "$" } => "a part of it is missing",
                JsonException wrong => $"its {QuotedText.WithoutQuotes(wrong.Path.AsSpan(2))} is not of the right kind",
                // Half of a surrogate pair, which is well-formed JSON and no text.
                _ => "it holds half a character",
            };
            throw refuse($"'{path}' is not {kind}: {finding}.", malformed);
        }
    }
}
