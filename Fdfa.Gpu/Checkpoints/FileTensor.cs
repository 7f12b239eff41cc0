namespace Fdfa.Gpu.Checkpoints;

/// <summary>An array of floats as a file of ours has it.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Shape">Row-major.</param>
internal record FileTensor(string Name, int[] Shape)
{
    public long Elements { get; } = Shape.Aggregate(1L, (product, side) => product * side);

    public long Bytes => Elements * sizeof(float);

    public string ShapeInWords => $"[{string.Join(", ", Shape)}]";

    /// <summary>Whether a file's tensor has this shape.</summary>
    public bool HasShape(long[] sides) => sides.SequenceEqual(Shape.Select(side => (long)side));
}
