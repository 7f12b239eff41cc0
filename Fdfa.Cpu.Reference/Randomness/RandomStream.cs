using System.Diagnostics.CodeAnalysis;

namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>The contract between the reference and every device: which Philox counter belongs to which number.</summary>
/// <remarks>
/// <code>
/// key     = (low 32 bits of the seed, high 32 bits of the seed)
/// counter = (element >> 2, row, purpose &lt;&lt; 16 | block, step)
/// </code>
/// Element i of a row takes word i &amp; 3 of its counter. For perturbations the row is direction &lt;&lt; 24 | sample. Nothing is
/// drawn in sequence, so a run can resume, and a device can regenerate a number instead of storing it, from the step number
/// alone.
/// </remarks>
/// <param name="Seed">The run's seed.</param>
/// <param name="Purpose">What the words are for.</param>
/// <param name="Block">l, counted from 1; 0 where no block is meant. At most 65535.</param>
/// <param name="Step">The training step (or, for the epoch order, the epoch), counted from 0.</param>
[SuppressMessage(
    "Naming", "CA1711",
    Justification = "A stream of random words is what the literature calls it; nobody takes it for a System.IO.Stream.")]
public readonly record struct RandomStream(ulong Seed, RandomPurpose Purpose, int Block, uint Step)
{
    /// <summary>The four words for elements 4·⌊element/4⌋ to 4·⌊element/4⌋ + 3 of a row.</summary>
    /// <param name="element">Index in the row, 0 to 2³⁴ − 1.</param>
    /// <param name="row">The sample, with the direction above it; 0 where there are no samples.</param>
    public (uint X0, uint X1, uint X2, uint X3) WordsAround(long element, int row) => Philox4x32.Generate(
        (uint)(element >> 2),
        (uint)row,
        ((uint)Purpose << 16) | (uint)Block,
        Step,
        (uint)Seed,
        (uint)(Seed >> 32));

    /// <summary>The one word of an element.</summary>
    /// <param name="element">Index in the row, 0 to 2³⁴ − 1.</param>
    /// <param name="row">The sample, with the direction above it; 0 where there are no samples.</param>
    public uint WordAt(long element, int row)
    {
        var (x0, x1, x2, x3) = WordsAround(element, row);
        return (element & 3) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
    }
}
