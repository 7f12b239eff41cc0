using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>Refuses arrays whose length is not that of the matrix they hold.</summary>
internal static class Shape
{
    /// <summary>Requires a row-major [rows × columns] array.</summary>
    /// <exception cref="ShapeMismatchException">The length differs.</exception>
    public static void Require(string name, int length, int rows, int columns)
    {
        if (length != (long)rows * columns)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"The {name} hold {length} values; expected {rows} × {columns} = {(long)rows * columns}."));
        }
    }
}
