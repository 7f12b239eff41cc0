namespace Fdfa.Cpu.Reference.Probes;

/// <summary>What a probe looks at: N samples.</summary>
/// <param name="Inputs">y⁽⁰⁾, [N × n₀] row-major.</param>
/// <param name="Labels">[N], each 0 … n_L − 1.</param>
public sealed record LabelledBatch(double[] Inputs, int[] Labels)
{
    /// <summary>N.</summary>
    public int Size => Labels.Length;
}
