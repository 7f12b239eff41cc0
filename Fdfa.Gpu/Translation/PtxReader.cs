using System.Globalization;
using System.Text.RegularExpressions;

namespace Fdfa.Gpu.Translation;

/// <summary>Takes PTX apart, as ILGPU writes it.</summary>
internal static partial class PtxReader
{
    private const string Entry = "";

    public static GeneratedCode Read(string text)
    {
        var blocks = new List<CodeBlock> { new(Entry) };
        var sharedBytes = 0;
        foreach (var line in KernelLines(text))
        {
            if (Label().Match(line) is { Success: true } label)
            {
                var next = new CodeBlock(label.Groups[1].Value);
                blocks[^1].Jump(next.Label);
                blocks.Add(next);
            }
            else if (Instruction().Match(line) is { Success: true } instruction)
            {
                blocks[^1].Statements.Add(Read(line.Trim(), instruction.Groups[2].Value.Split('.')));
                var condition = instruction.Groups[1] is { Success: true } guard ? guard.Value : null;
                if (instruction.Groups[2].Value is "bra" or "bra.uni")
                {
                    blocks[^1].Jump(instruction.Groups[3].Value.Trim(), condition);
                }
                else if (instruction.Groups[2].Value == "ret")
                {
                    blocks[^1].Jump(null, condition);
                }
            }
            else if (Shared().Match(line) is { Success: true } shared)
            {
                sharedBytes += Number(shared.Groups[1]) / 8 * Number(shared.Groups[2]);
            }
        }

        return new GeneratedCode(blocks, sharedBytes);
    }

    // Functions of their own are of no interest: what kernels call is inlined, or written in place of the call.
    private static IEnumerable<string> KernelLines(string text)
    {
        var isFunction = false;
        foreach (var line in text.Split('\n'))
        {
            isFunction |= line.Contains(".func ", StringComparison.Ordinal);
            if (!isFunction)
            {
                yield return line;
            }

            isFunction &= line is not (";" or "}");
        }
    }

    private static Statement Read(string text, string[] words)
    {
        var isFloat = words[^1] is "f32" or "f64" or "f16";
        var isShared = words.Contains("shared");
        return words[0] switch
        {
            "ld" when !words.Contains("param") => new(text, isShared ? StatementKind.LoadShared : StatementKind.LoadGlobal, Bytes(words)),
            "st" when !words.Contains("param") => new(text, isShared ? StatementKind.StoreShared : StatementKind.StoreGlobal, Bytes(words)),
            "bar" => new(text, StatementKind.Barrier),
            "add" or "sub" when isFloat => new(text, StatementKind.Add),
            "mul" when isFloat => new(text, StatementKind.Multiply),
            "mma" => new(text, StatementKind.MultiplyAdd, Times: 16 * 8 * 8 / 32),
            "fma" or "mad" when isFloat => new(text, StatementKind.MultiplyAdd),
            "div" or "rcp" or "sqrt" or "rsqrt" or "ex2" or "lg2" or "sin" or "cos" or "tanh" or "min" or "max" when isFloat =>
                new(text, StatementKind.OtherArithmetic),
            _ => new(text),
        };
    }

    // ld.shared.v4.f32: four times 32 bits.
    private static int Bytes(string[] words) =>
        int.Parse(words[^1].AsSpan(1), CultureInfo.InvariantCulture) / 8 * (words.Contains("v4") ? 4 : words.Contains("v2") ? 2 : 1);

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\s*(L_\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s+(?:@!?(%p\d+)\s+)?([a-z][a-z0-9]*(?:\.[a-z0-9]+)*)(?:\s+([^;]*))?;")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"^\s*\.shared\s+\.align\s+\d+\s+\.b(\d+)\s+\w+\[(\d+)\]")]
    private static partial Regex Shared();
}
