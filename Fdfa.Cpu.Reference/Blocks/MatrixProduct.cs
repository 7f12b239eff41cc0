namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>The three products of row-major matrices that dense networks need, as three nested loops each.</summary>
internal static class MatrixProduct
{
    /// <summary>C = A Bᵀ: the forward direction, a batch times weights.</summary>
    /// <param name="a">A, [rows × inner].</param>
    /// <param name="b">B, [columns × inner].</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="inner">Length of the sums.</param>
    /// <param name="columns">Columns of C.</param>
    /// <returns>C, [rows × columns].</returns>
    public static double[] TimesTransposed(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int rows, int inner, int columns)
    {
        var c = new double[rows * columns];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                double sum = 0;
                for (var k = 0; k < inner; k++)
                {
                    sum += a[row * inner + k] * b[column * inner + k];
                }

                c[row * columns + column] = sum;
            }
        }

        return c;
    }

    /// <summary>C = A B: the backward direction, a batch of errors times weights or feedback.</summary>
    /// <param name="a">A, [rows × inner].</param>
    /// <param name="b">B, [inner × columns].</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="inner">Length of the sums.</param>
    /// <param name="columns">Columns of C.</param>
    /// <returns>C, [rows × columns].</returns>
    public static double[] Times(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int rows, int inner, int columns)
    {
        var c = new double[rows * columns];
        for (var row = 0; row < rows; row++)
        {
            // The sum runs in the middle loop, so that the inner one walks along the rows of B.
            for (var k = 0; k < inner; k++)
            {
                for (var column = 0; column < columns; column++)
                {
                    c[row * columns + column] += a[row * inner + k] * b[k * columns + column];
                }
            }
        }

        return c;
    }

    /// <summary>C = Aᵀ B = Σ_s a_s ⊗ b_s: outer products summed over a batch, never held one by one.</summary>
    /// <param name="a">A, [inner × rows].</param>
    /// <param name="b">B, [inner × columns].</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="inner">Length of the sums.</param>
    /// <param name="columns">Columns of C.</param>
    /// <returns>C, [rows × columns].</returns>
    public static double[] TransposedTimes(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int rows, int inner, int columns)
    {
        var c = new double[rows * columns];
        for (var k = 0; k < inner; k++)
        {
            for (var row = 0; row < rows; row++)
            {
                for (var column = 0; column < columns; column++)
                {
                    c[row * columns + column] += a[k * rows + row] * b[k * columns + column];
                }
            }
        }

        return c;
    }
}
