using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>Adaptive average pooling: any map to a map of a given side, with PyTorch's windows.</summary>
/// <remarks>
/// Window o of T covers rows ⌊o·H/T⌋ to ⌈(o + 1)·H/T⌉ − 1, columns likewise; windows overlap where T does not divide H, and repeat where
/// T &gt; H.
/// <code>
/// forward, tangent   y[o] = (1/|o|) Σ_{i ∈ o} s[i]
/// backward           δ[i] = Σ_{o ∋ i} δ[o]/|o|
/// </code>
/// </remarks>
internal static class AdaptiveAveragePool
{
    private delegate void Member(int output, int input, double share);

    /// <summary>Forward and tangent.</summary>
    /// <param name="block">A block with an adaptive average.</param>
    /// <param name="values">s, [N × pooled map].</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × n_l].</returns>
    public static double[] Run(ConvolutionBlock block, double[] values, int batchSize)
    {
        var averages = new double[batchSize * block.Outputs];
        ForEachMember(block, batchSize, (output, input, share) => averages[output] += share * values[input]);
        return averages;
    }

    /// <summary>Backward.</summary>
    /// <param name="block">A block with an adaptive average.</param>
    /// <param name="deltas">δ[o], [N × n_l].</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N × pooled map].</returns>
    public static double[] Transposed(ConvolutionBlock block, double[] deltas, int batchSize)
    {
        var result = new double[batchSize * block.Pooled.Size];
        ForEachMember(block, batchSize, (output, input, share) => result[input] += share * deltas[output]);
        return result;
    }

    private static void ForEachMember(ConvolutionBlock block, int batchSize, Member use)
    {
        ImageShape from = block.Pooled;
        ImageShape to = block.Output;
        for (var sample = 0; sample < batchSize; sample++)
        {
            for (var channel = 0; channel < to.Channels; channel++)
            {
                for (var row = 0; row < to.Height; row++)
                {
                    for (var column = 0; column < to.Width; column++)
                    {
                        var (top, bottom) = Window(row, from.Height, to.Height);
                        var (left, right) = Window(column, from.Width, to.Width);
                        for (int y = top; y < bottom; y++)
                        {
                            for (int x = left; x < right; x++)
                            {
                                use(
                                    (sample * to.Size) + to.IndexOf(channel, row, column),
                                    (sample * from.Size) + from.IndexOf(channel, y, x),
                                    1.0 / ((bottom - top) * (right - left)));
                            }
                        }
                    }
                }
            }
        }
    }

    private static (int Start, int End) Window(int output, int from, int to) =>
        ((int)((long)output * from / to), (int)((((output + 1L) * from) + to - 1) / to));
}
