using System.Globalization;
using Spectre.Console;

namespace Fdfa.Experiments.Output;

/// <summary>Where a command writes: results to standard output, one sentence per mistake to standard error.</summary>
/// <param name="console">Standard output.</param>
/// <param name="error">Standard error.</param>
/// <param name="verbose">Whether logs and stack traces go to standard error too.</param>
internal sealed class ConsoleOutput(IAnsiConsole console, TextWriter error, bool verbose)
{
    /// <summary>Whether logs and stack traces go to standard error too.</summary>
    public bool Verbose { get; } = verbose;

    /// <summary>Whether a progress bar can be redrawn in place.</summary>
    public bool IsLive => console.Profile.Capabilities is { Interactive: true, Ansi: true } && !Verbose;

    /// <summary>Standard output as it is: no wrapping, no markup.</summary>
    public TextWriter Raw => console.Profile.Out.Writer;

    /// <summary>The console, for live displays.</summary>
    public IAnsiConsole Console => console;

    /// <summary>Writes one line, which is never wrapped: it may hold a path to copy.</summary>
    public void Line(string text = "") => Raw.WriteLine(text);

    /// <summary>Writes a table.</summary>
    public void Table(Table table) => console.Write(table);

    /// <summary>Writes one sentence to standard error, on one line whatever it quotes.</summary>
    public void Error(string sentence) => WriteError("fdfa: " + OneLine(sentence));

    /// <summary>Writes an exception with its stack trace to standard error.</summary>
    public void ErrorDetails(Exception exception) => WriteError(exception.ToString());

    /// <summary>A table in the house style, with a heading that stands above it.</summary>
    public static Table CreateTable(string heading, params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded, ShowRowSeparators = false };
        table.Title(Markup.Escape(heading), new Style(decoration: Decoration.Bold));
        foreach (string column in columns)
        {
            // A trailing mark says that a column holds numbers; see Number.
            bool isNumber = column.EndsWith(NumberMark);
            table.AddColumn(new TableColumn(Markup.Escape(column.TrimEnd(NumberMark)))
            {
                Alignment = isNumber ? Justify.Right : Justify.Left,
            });
        }

        return table;
    }

    private const char NumberMark = '#';

    /// <summary>The name of a column of numbers, for <see cref="CreateTable"/>: aligned right.</summary>
    public static string Number(string column) => column + NumberMark;

    /// <summary>A share as a percentage with two decimals, "n/a" when there is none.</summary>
    public static string Percent(double share) => double.IsFinite(share) ? PercentNumber(share) + " %" : "n/a";

    /// <summary>A share as a percentage with two decimals, without its unit.</summary>
    public static string PercentNumber(double share) =>
        double.IsFinite(share) ? (100 * share).ToString("F2", CultureInfo.InvariantCulture) : "n/a";

    /// <summary>A loss with four decimals.</summary>
    public static string Loss(double loss) => double.IsFinite(loss)
        ? loss.ToString(Math.Abs(loss) < 1e4 ? "F4" : "E3", CultureInfo.InvariantCulture)
        : "n/a";

    /// <summary>A number as people write it: 0.0001 is 1e-4, 64 is 64.</summary>
    public static string Plain(double value)
    {
        if (value == 0 || !double.IsFinite(value) || Math.Abs(value) is >= 1e-3 and < 1e6)
        {
            return value.ToString("R", CultureInfo.InvariantCulture);
        }

        string[] parts = value.ToString("E16", CultureInfo.InvariantCulture).Split('E');
        string mantissa = double.Parse(parts[0], CultureInfo.InvariantCulture).ToString("G15", CultureInfo.InvariantCulture);
        string text = mantissa + "e" + int.Parse(parts[1], CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
        return double.Parse(text, CultureInfo.InvariantCulture).Equals(value)
            ? text
            : value.ToString("R", CultureInfo.InvariantCulture);
    }

    /// <summary>Seconds with a fitting unit.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        _ when !double.IsFinite(seconds) => "n/a",
        < 1e-3 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e6:F1} µs"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:F2} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:F2} s"),
    };

    /// <summary>A quantity with a decimal prefix and its unit, such as "1.21 GFLOP".</summary>
    public static string Quantity(double value, string unit)
    {
        if (!double.IsFinite(value))
        {
            return "n/a";
        }

        string[] prefixes = ["", "k", "M", "G", "T", "P"];
        var index = 0;
        while (Math.Abs(value) >= 999.5 && index < prefixes.Length - 1)
        {
            value /= 1000;
            index++;
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(index == 0 ? value.ToString("0.#", CultureInfo.InvariantCulture) : value.ToString("G3", CultureInfo.InvariantCulture))} "
            + $"{prefixes[index]}{unit}");
    }

    /// <summary>A count with its noun: "1 seed", "10 seeds".</summary>
    /// <param name="count">How many.</param>
    /// <param name="noun">In the singular.</param>
    /// <param name="plural">In the plural; null for the noun with an s.</param>
    public static string Count(long count, string noun, string? plural = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? noun : plural ?? noun + "s")}");

    /// <summary>A stretch of time as people say it: "2 h 5 min", "40 s".</summary>
    public static string Span(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalDays} d {span.Hours} h"),
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.Hours} h {span.Minutes} min"),
        { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.Minutes} min {span.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalSeconds):F0} s"),
    };

    private void WriteError(string text)
    {
        try
        {
            error.WriteLine(text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed or full: the exit code is all that can still be told.
        }
    }

    private static string OneLine(string text) =>
        string.Concat(text.ReplaceLineEndings(" ").Select(character => char.IsControl(character) ? '?' : character)).Trim();
}
