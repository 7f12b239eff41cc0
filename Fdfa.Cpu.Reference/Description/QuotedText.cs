using System.Globalization;
using System.Text;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>Somebody's text as it may stand inside a one-line message: short, and without characters that move the cursor.</summary>
public static class QuotedText
{
    private const int MaximumLength = 60;

    /// <summary>The text in single quotes, cut after 60 characters, control and formatting characters replaced by '?'.</summary>
    public static string Of(ReadOnlySpan<char> text) => $"'{WithoutQuotes(text)}'";

    /// <summary>The same without quotes, for a text that is no word of the sentence's own and cannot be taken for one.</summary>
    public static string WithoutQuotes(ReadOnlySpan<char> text)
    {
        var printable = new StringBuilder();
        foreach (char character in text[..Math.Min(text.Length, MaximumLength)])
        {
            printable.Append(IsPrintable(character) ? character : '?');
        }

        return printable.Append(text.Length > MaximumLength ? "…" : "").ToString();
    }

    private static bool IsPrintable(char character) => char.GetUnicodeCategory(character) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
