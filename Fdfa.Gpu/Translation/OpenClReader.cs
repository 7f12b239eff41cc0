using System.Globalization;
using System.Text.RegularExpressions;

namespace Fdfa.Gpu.Translation;

/// <summary>Takes OpenCL C apart, as ILGPU writes it: a statement a line, and jumps for everything that is not straight.</summary>
internal sealed partial class OpenClReader
{
    private const string Entry = "";
    private const int PointerBytes = 8;

    private readonly Dictionary<string, int> _bytes = new()
    {
        ["bool"] = 1,
        ["char"] = 1,
        ["uchar"] = 1,
        ["short"] = 2,
        ["ushort"] = 2,
        ["int"] = 4,
        ["uint"] = 4,
        ["float"] = 4,
        ["long"] = 8,
        ["ulong"] = 8,
        ["double"] = 8,
    };

    private readonly Dictionary<string, (bool IsShared, string Element)> _pointers = [];
    private readonly Dictionary<string, string> _variables = [];
    private readonly List<CodeBlock> _blocks = [new(Entry)];
    private int _sharedBytes;
    private string? _structure;
    private string? _condition;

    private OpenClReader()
    {
    }

    public static GeneratedCode Read(string text)
    {
        var reader = new OpenClReader();
        foreach (var line in text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line != ";"))
        {
            if (line.StartsWith("goto", StringComparison.Ordinal) || !reader.ReadDeclaration(line))
            {
                reader.ReadStatement(line);
            }
        }

        return new GeneratedCode(reader._blocks, reader._sharedBytes);
    }

    private bool ReadDeclaration(string line)
    {
        if (Pointer().Match(line) is { Success: true } pointer)
        {
            _pointers[pointer.Groups[3].Value] = (pointer.Groups[1].Value == "local", pointer.Groups[2].Value);
            _bytes[pointer.Groups[3].Value] = PointerBytes;
        }
        else if (Structure().Match(line) is { Success: true } structure)
        {
            _structure = structure.Groups[1].Value;
            _bytes[_structure] = 0;
        }
        else if (line == "};")
        {
            _structure = null;
        }
        else if (Shared().Match(line) is { Success: true } shared)
        {
            _sharedBytes += Bytes(shared.Groups[1].Value) * Number(shared.Groups[2]);
        }
        else if (Declaration().Match(line) is { Success: true } declaration)
        {
            if (_structure is not null)
            {
                var count = declaration.Groups[3].Success ? Number(declaration.Groups[3]) : 1;
                _bytes[_structure] += Bytes(declaration.Groups[1].Value) * count;
            }

            _variables[declaration.Groups[2].Value] = declaration.Groups[1].Value;
        }
        else
        {
            return _structure is not null || NoStatement().IsMatch(line);
        }

        return true;
    }

    private void ReadStatement(string line)
    {
        if (Label().Match(line) is { Success: true } label)
        {
            var next = new CodeBlock(label.Groups[1].Value);
            _blocks[^1].Jump(next.Label);
            _blocks.Add(next);
            return;
        }

        _blocks[^1].Statements.Add(Classify(line));
        if (Condition().Match(line) is { Success: true } condition)
        {
            _condition = condition.Groups[1].Value;
            return;
        }

        if (Jump().Match(line) is { Success: true } jump)
        {
            _blocks[^1].Jump(jump.Groups[1].Success ? jump.Groups[1].Value : null, _condition);
        }

        _condition = null;
    }

    private Statement Classify(string line)
    {
        if (Load().Match(line) is { Success: true } load)
        {
            return Access(line, load.Groups[1].Value, StatementKind.LoadShared, StatementKind.LoadGlobal);
        }

        if (Store().Match(line) is { Success: true } store)
        {
            return Access(line, store.Groups[1].Value, StatementKind.StoreShared, StatementKind.StoreGlobal);
        }

        if (line.StartsWith("barrier", StringComparison.Ordinal))
        {
            return new(line, StatementKind.Barrier);
        }

        if (Arithmetic().Match(line) is { Success: true } arithmetic)
        {
            return new(line, arithmetic.Groups[1].Value switch
            {
                "*" => StatementKind.Multiply,
                "/" => StatementKind.OtherArithmetic,
                _ => StatementKind.Add,
            });
        }

        return Function().Match(line) is { Success: true } function
            ? new(line, function.Groups[1].Value is "fma" or "mad" ? StatementKind.MultiplyAdd : StatementKind.OtherArithmetic)
            : new(line);
    }

    private Statement Access(string line, string variable, StatementKind shared, StatementKind global) =>
        _variables.TryGetValue(variable, out var type) && _pointers.TryGetValue(type, out var pointer)
            ? new(line, pointer.IsShared ? shared : global, Bytes(pointer.Element))
            : throw new InvalidOperationException(
                $"This version of ILGPU writes OpenCL C in another way: the type of {variable} in '{line}' is unknown.");

    private int Bytes(string type) => _bytes.TryGetValue(type, out var bytes)
        ? bytes
        : throw new InvalidOperationException($"This version of ILGPU writes OpenCL C in another way: the size of {type} is unknown.");

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^typedef (\w+) (?:struct )?(\w+)\s*\*+ (\w+);")]
    private static partial Regex Pointer();

    [GeneratedRegex(@"^struct (\w+)$")]
    private static partial Regex Structure();

    [GeneratedRegex(@"^local (?:struct )?(\w+) \w+\[(\d+)\];")]
    private static partial Regex Shared();

    [GeneratedRegex(@"^(?:struct )?(\w+) (\w+)(?:\[(\d+)\])?;$")]
    private static partial Regex Declaration();

    // Braces, remarks, forward declarations and parameters.
    [GeneratedRegex(@"^(?:[{}]|//|(?!if\b).*[,(]$|(?!if\b)[^;]*\)$|struct \w+;$)")]
    private static partial Regex NoStatement();

    [GeneratedRegex(@"^(L_\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^if \(!?\s*(\w+)\)")]
    private static partial Regex Condition();

    [GeneratedRegex(@"^(?:goto (\w+)|return)\s*;")]
    private static partial Regex Jump();

    [GeneratedRegex(@"^\w+ =\s*\*\s*(\w+);")]
    private static partial Regex Load();

    [GeneratedRegex(@"^\*\s*(\w+) =")]
    private static partial Regex Store();

    [GeneratedRegex(@"= \((?:float|double)\)\(\((?:float|double)\)\s*\S+ ([-+*/]) ")]
    private static partial Regex Arithmetic();

    [GeneratedRegex(@"= \((?:float|double)\)\s*(fma|mad|sqrt|rsqrt|exp|exp2|log|log2|sin|cos|tanh|fmin|fmax) \(")]
    private static partial Regex Function();
}
