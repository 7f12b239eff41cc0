namespace Fdfa.Cpu.Reference.Losses;

/// <summary>A loss between a batch's outputs and labels, and its derivative: the output error e.</summary>
public interface ILoss
{
    /// <summary>The mean loss over the batch, and e.</summary>
    /// <param name="outputs">y⁽ᴸ⁾, [N × classes] row-major.</param>
    /// <param name="labels">[N], each 0 … classes − 1; N ≥ 1.</param>
    /// <param name="outputError">Written: e = ∂(mean loss)/∂y⁽ᴸ⁾, [N × classes]; it carries 1/N.</param>
    /// <returns>The mean loss.</returns>
    /// <exception cref="Description.ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    double Evaluate(ReadOnlySpan<double> outputs, ReadOnlySpan<int> labels, Span<double> outputError);
}
