namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>The values that one output of an adaptive average takes, along one side: ⌊o n/S⌋ … ⌈(o + 1) n/S⌉ − 1, as in PyTorch.</summary>
/// <param name="output">o.</param>
/// <param name="values">n.</param>
/// <param name="outputs">S.</param>
internal readonly struct AverageWindow(int output, int values, int outputs)
{
    /// <summary>The first.</summary>
    public readonly int Begin = output * values / outputs;

    /// <summary>One past the last.</summary>
    public readonly int End = (((output + 1) * values) + outputs - 1) / outputs;

    /// <summary>How many.</summary>
    public int Count => End - Begin;

    /// <summary>Whether a value is among them.</summary>
    public bool Has(int value) => value >= Begin && value < End;
}
