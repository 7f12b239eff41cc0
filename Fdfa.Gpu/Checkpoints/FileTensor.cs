namespace Fdfa.Gpu.Checkpoints;

/// <summary>An array of floats as a file of ours has it.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Shape">Row-major.</param>
internal record FileTensor(string Name, int[] Shape)
{
    public long Elements { get; } = Shape.Aggregate(1L, (product, side) => product * side);

    public long Bytes => Elements * TensorType.Single.Bytes;

    public string ShapeInWords => $"[{string.Join(", ", Shape)}]";

    /// <summary>The place of an element, as in "[3, 0]".</summary>
    public string IndexInWords(long element)
    {
        var index = new long[Shape.Length];
        for (var side = Shape.Length - 1; side >= 0; side--)
        {
            (element, index[side]) = Math.DivRem(element, Shape[side]);
        }

        return $"[{string.Join(", ", index)}]";
    }

    /// <summary>Whether a file's tensor has this shape.</summary>
    public bool HasShape(long[] sides) => sides.SequenceEqual(Shape.Select(side => (long)side));
}
