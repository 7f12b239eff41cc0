namespace Fdfa.Gpu.Translation;

/// <summary>A loop of generated code that holds no other; all counts are of one round.</summary>
public sealed class InnerLoop
{
    private readonly IReadOnlyList<Statement> _statements;

    internal InnerLoop(IReadOnlyList<Statement> statements) => _statements = statements;

    /// <summary>Multiplications followed by an addition, which the device's own compiler may fuse.</summary>
    public int MultiplyAdds => Count(StatementKind.MultiplyAdd) + Math.Min(Count(StatementKind.Multiply), Count(StatementKind.Add));

    /// <summary>Floating-point operations; a multiply-add is two.</summary>
    public int Operations => (2 * Count(StatementKind.MultiplyAdd)) + Count(StatementKind.Multiply) + Count(StatementKind.Add)
        + Count(StatementKind.OtherArithmetic);

    /// <summary>Bytes that a thread moves from and to the memory that its group shares.</summary>
    public int SharedBytes => Bytes(StatementKind.LoadShared) + Bytes(StatementKind.StoreShared);

    /// <summary>Bytes that a thread moves from and to the device's memory.</summary>
    public int GlobalBytes => Bytes(StatementKind.LoadGlobal) + Bytes(StatementKind.StoreGlobal);

    /// <summary>Arithmetic per byte; infinite where nothing is moved.</summary>
    public double OperationsPerByte => Operations / (double)(SharedBytes + GlobalBytes);

    /// <summary>
    /// Whether it multiplies what the group has staged and keeps the sums in registers: the loop that a tile program is made for.
    /// </summary>
    internal bool IsProduct => Count(StatementKind.LoadShared) > 0 && MultiplyAdds > 0 && Count(StatementKind.StoreGlobal) == 0;

    /// <summary>Whether it brings operands to the memory that its group shares.</summary>
    internal bool IsStaging => Count(StatementKind.LoadGlobal) > 0 && Count(StatementKind.StoreShared) > 0;

    /// <summary>Bytes of each statement of a kind.</summary>
    internal IEnumerable<int> Sizes(StatementKind kind) =>
        _statements.Where(statement => statement.Kind == kind).Select(statement => statement.Bytes);

    private int Count(StatementKind kind) => _statements.Where(statement => statement.Kind == kind).Sum(statement => statement.Times);

    private int Bytes(StatementKind kind) => Sizes(kind).Sum();
}
