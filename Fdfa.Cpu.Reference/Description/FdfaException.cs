namespace Fdfa.Cpu.Reference.Description;

/// <summary>
/// Something a person can put right. The message is one sentence that names the file, option or value,
/// says what was expected, and what to do; the command line prints it without a stack trace.
/// </summary>
public abstract class FdfaException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>An option, a name or a number that the library cannot work with.</summary>
public sealed class InvalidOptionException(string message) : FdfaException(message)
{
    /// <summary>The refusal of a word that is not in a list, with the nearest that is.</summary>
    /// <param name="kind">What the word should name, in the singular, such as "rule".</param>
    /// <param name="word">What was given.</param>
    /// <param name="knownWords">All valid words.</param>
    /// <returns>As in "Unknown rule 'FDAF'; did you mean FDFA? Known rules: BP, FDFA."</returns>
    public static InvalidOptionException UnknownWord(string kind, string word, IReadOnlyCollection<string> knownWords)
    {
        string guess = NearestWord.Find(word, knownWords) is { } nearest ? $"; did you mean {nearest}?" : ".";
        return new($"Unknown {kind} {QuotedText.Of(word)}{guess} Known {kind}s: {string.Join(", ", knownWords)}.");
    }

    /// <summary>The refusal of an enumeration's value that has no name.</summary>
    /// <param name="kind">What the value should be, in the singular, such as "loss".</param>
    /// <param name="value">What was given.</param>
    public static InvalidOptionException UnknownValue<TEnum>(string kind, TEnum value)
        where TEnum : struct, Enum =>
        new($"Unknown {kind} '{value}'; give one of {string.Join(", ", Enum.GetNames<TEnum>())}.");
}

/// <summary>A topology that does not follow the notation, or that is not supported.</summary>
public sealed class TopologyException(string message) : FdfaException(message);

/// <summary>Two arrays, buffers or files whose sizes do not belong together.</summary>
public sealed class ShapeMismatchException(string message) : FdfaException(message);
