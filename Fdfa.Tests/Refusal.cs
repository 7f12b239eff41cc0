using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests;

/// <summary>What is refused is refused in one sentence that names what is wrong.</summary>
internal static class Refusal
{
    /// <summary>Does what must be refused.</summary>
    /// <param name="act">What to do.</param>
    /// <param name="words">What the sentence must contain.</param>
    /// <returns>The sentence.</returns>
    public static string Of<TException>(Action act, params string[] words)
        where TException : FdfaException => Check(Assert.Throws<TException>(act), words);

    /// <inheritdoc cref="Of{TException}(Action, string[])"/>
    public static string Of<TException>(Func<object?> act, params string[] words)
        where TException : FdfaException => Check(Assert.Throws<TException>(act), words);

    /// <inheritdoc cref="Of{TException}(Action, string[])"/>
    public static async Task<string> OfAsync<TException>(Func<Task> act, params string[] words)
        where TException : FdfaException => Check(await Assert.ThrowsAsync<TException>(act), words);

    private static string Check(FdfaException refusal, string[] words)
    {
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, refusal.Message, StringComparison.Ordinal));
        return refusal.Message;
    }
}
