using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>Max pooling: every window passes its largest value on, and with it the tangent and the error of that value alone.</summary>
/// <remarks>
/// With i(o) the index of the largest value in window o:
/// <code>
/// forward    y[o] = s[i(o)]
/// tangent    y'[o] = s'[i(o)]
/// backward   δ[i] = Σ_{o: i(o) = i} δ[o]           a value can be the largest of several windows where they overlap
/// </code>
/// Of equal values the first in the order of rows and columns is taken, as in PyTorch; a NaN is taken before any number, so that a
/// network that has diverged shows it.
/// </remarks>
internal static class MaxPool
{
    /// <summary>i(o).</summary>
    /// <param name="block">A block with a pool.</param>
    /// <param name="values">s, [N × map].</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × pooled map], indices into [N × map].</returns>
    public static int[] Choose(ConvolutionBlock block, double[] values, int batchSize)
    {
        PoolWindow window = block.Pool!.Value;
        ImageShape map = block.Map;
        ImageShape pooled = block.Pooled;
        var choices = new int[batchSize * pooled.Size];
        for (var sample = 0; sample < batchSize; sample++)
        {
            for (var channel = 0; channel < map.Channels; channel++)
            {
                for (var row = 0; row < pooled.Height; row++)
                {
                    for (var column = 0; column < pooled.Width; column++)
                    {
                        int largest = (sample * map.Size) + map.IndexOf(channel, row * window.Stride, column * window.Stride);
                        for (var windowRow = 0; windowRow < window.Size; windowRow++)
                        {
                            for (var windowColumn = 0; windowColumn < window.Size; windowColumn++)
                            {
                                int candidate = (sample * map.Size) + map.IndexOf(
                                    channel, (row * window.Stride) + windowRow, (column * window.Stride) + windowColumn);
                                if (values[candidate] > values[largest] || double.IsNaN(values[candidate]))
                                {
                                    largest = candidate;
                                }
                            }
                        }

                        choices[(sample * pooled.Size) + pooled.IndexOf(channel, row, column)] = largest;
                    }
                }
            }
        }

        return choices;
    }

    /// <summary>Forward and tangent: what stands at the choices.</summary>
    public static double[] Run(int[] choices, double[] values) => Array.ConvertAll(choices, index => values[index]);

    /// <summary>Backward: every choice gets the errors of its windows, all other values none.</summary>
    /// <param name="choices">i(o).</param>
    /// <param name="deltas">δ[o].</param>
    /// <param name="count">N × map.</param>
    public static double[] Transposed(int[] choices, double[] deltas, int count)
    {
        var result = new double[count];
        for (var o = 0; o < choices.Length; o++)
        {
            result[choices[o]] += deltas[o];
        }

        return result;
    }
}
