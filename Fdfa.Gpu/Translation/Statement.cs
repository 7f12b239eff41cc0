namespace Fdfa.Gpu.Translation;

/// <summary>What a statement of generated code does, as far as counting needs to know.</summary>
internal enum StatementKind
{
    Other,
    Add,
    Multiply,
    MultiplyAdd,
    OtherArithmetic,
    LoadShared,
    StoreShared,
    LoadGlobal,
    StoreGlobal,
    Barrier,
}

/// <summary>A statement of generated code.</summary>
/// <param name="Text">As it stands there.</param>
/// <param name="Kind">What it does; arithmetic is that of floats.</param>
/// <param name="Bytes">What a load or store moves.</param>
/// <param name="Times">How often a thread does it: a warp's product is many multiply-adds.</param>
internal readonly record struct Statement(string Text, StatementKind Kind = StatementKind.Other, int Bytes = 0, int Times = 1);

/// <summary>Statements that run one after the other, and where control goes from there.</summary>
internal sealed class CodeBlock(string label)
{
    public string Label { get; } = label;

    public List<Statement> Statements { get; } = [];

    public List<string> Successors { get; } = [];

    /// <summary>The variable that decides between the successors; null where there is no choice.</summary>
    public string? Condition { get; private set; }

    private bool IsOpen { get; set; } = true;

    /// <summary>Adds a jump, and what it depends on; without a condition the block ends there.</summary>
    public void Jump(string? label, string? condition = null)
    {
        if (label is not null && IsOpen)
        {
            Successors.Add(label);
        }

        Condition ??= condition;
        IsOpen &= condition is not null;
    }
}
