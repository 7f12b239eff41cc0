namespace Fdfa.Experiments.Runs;

/// <summary>A word as a POSIX shell reads it back.</summary>
internal static class ShellWord
{
    /// <summary>The word itself where it is harmless, else in single quotes.</summary>
    public static string Quote(string word) =>
        word.Length > 0
        && word.All(character => char.IsAsciiLetterOrDigit(character) || "-_./:=,+".Contains(character, StringComparison.Ordinal))
            ? word
            : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
