using System.Globalization;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Mutations;

/// <summary>
/// Whatever a file holds, reading it ends in success or in one sentence, and takes memory for what is there, not for what is claimed.
/// </summary>
/// <remarks>FDFA_MUTATIONS says how many inputs all parsers get together.</remarks>
public sealed class MutationTests
{
    private const string Variable = "FDFA_MUTATIONS";
    private const int FewMutations = 5_000;
    private const int LongestSentence = 1_000;
    private const int ShownFailures = 5;

    // An honest reading takes buffers that do not depend on the input, and a small multiple of it.
    private const long FixedBytes = 4 << 20;
    private const long BytesPerByte = 64;

    public static TheoryData<string> Parsers => [.. Parser.All.Select(parser => parser.Name)];

    [Theory]
    [MemberData(nameof(Parsers))]
    public void Damaged_input_is_read_or_refused_in_one_sentence(string name) => Check(Parser.All.Single(each => each.Name == name));

    /// <summary>Checks a parser that needs what a table cannot hold.</summary>
    internal static void Check(Parser parser)
    {
        using var folder = new TemporaryFolder();

        // What is not damaged is read; and what happens only once has happened before memory is counted.
        foreach (byte[] original in parser.Originals)
        {
            parser.Read(original, folder);
        }

        var failures = new List<string>();
        for (var number = 0; number < Mutations() && failures.Count < ShownFailures; number++)
        {
            byte[] input = new Mutator(number).Mutate(
                parser.Originals[number % parser.Originals.Count], parser.Originals[(number + 1) % parser.Originals.Count]);
            if (FindFault(parser, input, folder) is { } fault)
            {
                failures.Add($"mutation {number} ({Shown(input)}): {fault}");
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static int Mutations()
    {
        int all = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } count
            ? int.Parse(count, CultureInfo.InvariantCulture)
            : FewMutations;
        return (all + Parser.All.Count - 1) / Parser.All.Count;
    }

    private static string? FindFault(Parser parser, byte[] input, TemporaryFolder folder)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            parser.Read(input, folder);
        }
        catch (FdfaException refusal)
        {
            if (FindFault(refusal.Message) is { } fault)
            {
                return $"{fault} in '{refusal.Message}'";
            }
        }
#pragma warning disable CA1031 // Every other exception is what this test is about.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            return bug.ToString();
        }

        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        long most = FixedBytes + BytesPerByte * input.Length;
        return taken <= most ? null : $"takes {taken} bytes, where {most} are enough for an input of {input.Length}";
    }

    private static string? FindFault(string sentence) => sentence switch
    {
        _ when sentence.Any(character => char.GetUnicodeCategory(character) is
            UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator) =>
                "a line break or control character",
        { Length: > LongestSentence } => "a novel",

        // A command line that is there to be copied has none behind it.
        _ when !sentence.EndsWith('.') && !sentence.Contains(": fdfa ", StringComparison.Ordinal) => "no full stop",
        _ => null,
    };

    private static string Shown(byte[] input)
    {
        string text = Encoding.Latin1.GetString(input.AsSpan(0, Math.Min(input.Length, 300)));
        return string.Concat(text.Select(character => character is >= ' ' and <= '~' ? character.ToString() : $"<{(int)character:x2}>"));
    }
}
