using System.Text;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Output;

/// <summary>Standard output that is closed, full or broken.</summary>
internal sealed class StandardOutputException(string message, Exception cause) : FdfaException(message, cause);

/// <summary>
/// Writes to a terminal for as long as there is one: a run does not end because nobody sees it. Elsewhere it says that it fails.
/// </summary>
/// <param name="writer">What to write with.</param>
/// <param name="isTerminal">Whether it writes to a terminal.</param>
internal sealed class StandardOutput(TextWriter writer, bool isTerminal) : TextWriter
{
    /// <inheritdoc/>
    public override Encoding Encoding => writer.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Try(() => writer.Write(value));

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Try(() => writer.Write(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(string? value) => Try(() => writer.Write(value));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Try(() => writer.WriteLine(value));

    /// <inheritdoc/>
    public override void Flush() => Try(writer.Flush);

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (!isTerminal)
            {
                // What the system said of a closed one, .NET takes for a lack of permission.
                throw new StandardOutputException(
                    $"Standard output cannot be written ({(failure.InnerException ?? failure).Message.TrimEnd('.')}); "
                    + "give the command again with it open, or redirected to a file with room, or to /dev/null.",
                    failure);
            }
        }
    }
}
