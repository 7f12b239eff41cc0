using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

/// <summary>
/// The network as a function of shifts of its blocks' values at a site, such as y⁽ˡ⁾ = pool(σ(a⁽ˡ⁾)) + shift⁽ˡ⁾, written a second time
/// from the definition so that the tests do not check the reference with itself.
/// </summary>
internal static class ShiftedNetwork
{
    /// <summary>Outputs [N × n_L]; <paramref name="preactivations"/> receives every a of every block, sample by sample.</summary>
    public static double[] Outputs(
        NetworkDescription network, NetworkParameters parameters, double[] inputs, int batchSize,
        IReadOnlyList<double[]?> directions, double distance, List<double>? preactivations = null,
        PerturbationSite site = PerturbationSite.BlockOutput, bool frozen = false)
    {
        double[][] y = [.. inputs.Chunk(network.InputSize)];
        List<double>[] seen = [.. y.Select(_ => new List<double>())];
        for (var l = 0; l < network.Blocks.Count; l++)
        {
            Block block = network.Blocks[l];
            BlockParameters numbers = parameters.Blocks[l];
            double[][] a = [.. y.Select(sample => block is ConvolutionBlock convolution
                ? Convolve(convolution, numbers, sample)
                : Multiply(block, numbers, sample))];
            if (block.HasBatchNormalization)
            {
                Normalize(a, block.Positions, numbers.Normalization!, frozen);
            }

            void Shift(double[][] values, PerturbationSite here)
            {
                for (var s = 0; s < batchSize && site == here && directions[l] is not null; s++)
                {
                    for (var i = 0; i < values[s].Length; i++)
                    {
                        values[s][i] += distance * directions[l]![(s * values[s].Length) + i];
                    }
                }
            }

            Shift(a, PerturbationSite.PreActivation);
            for (var s = 0; s < batchSize; s++)
            {
                seen[s].AddRange(a[s]);
            }

            y = [.. a.Select(sample => Array.ConvertAll(sample, value => block.Activation switch
            {
                ActivationFunction.ReLU or ActivationFunction.ReLUOpenAtZero => value > 0 ? value : 0,
                ActivationFunction.Tanh => Math.Tanh(value),
                ActivationFunction.Identity => value,
                _ => throw new NotSupportedException($"The definition of {block.Activation} is missing here."),
            }))];
            Shift(y, PerturbationSite.BeforePool);
            if (block is ConvolutionBlock map)
            {
                y = [.. y.Select(sample => Average(map, Largest(map, sample)))];
            }

            Shift(y, PerturbationSite.BlockOutput);
        }

        preactivations?.AddRange(seen.SelectMany(sample => sample));
        return [.. y.SelectMany(sample => sample)];
    }

    /// <summary>The derivative of the outputs along the directions, by central differences.</summary>
    public static double[] CentralDifference(
        NetworkDescription network, NetworkParameters parameters, double[] inputs, int batchSize,
        IReadOnlyList<double[]?> directions, double distance,
        PerturbationSite site = PerturbationSite.BlockOutput, bool frozen = false)
    {
        double[] ahead = Outputs(network, parameters, inputs, batchSize, directions, distance, null, site, frozen);
        double[] behind = Outputs(network, parameters, inputs, batchSize, directions, -distance, null, site, frozen);
        return [.. ahead.Zip(behind, (plus, minus) => (plus - minus) / (2 * distance))];
    }

    private static double[] Multiply(Block block, BlockParameters numbers, double[] x)
    {
        var a = new double[block.Outputs];
        for (var i = 0; i < block.Outputs; i++)
        {
            a[i] = numbers.Biases.ElementAtOrDefault(i);
            for (var j = 0; j < block.Inputs; j++)
            {
                a[i] += numbers.Weights[i * block.Inputs + j] * x[j];
            }
        }

        return a;
    }

    /// <summary>The image in a frame of zeros, and the filters drawn over it.</summary>
    private static double[] Convolve(ConvolutionBlock block, BlockParameters numbers, double[] x)
    {
        var (channels, height, width) = block.Input;
        var framed = new double[channels, height + (2 * block.Padding), width + (2 * block.Padding)];
        for (var i = 0; i < x.Length; i++)
        {
            framed[i / (height * width), (i / width % height) + block.Padding, (i % width) + block.Padding] = x[i];
        }

        var a = new List<double>();
        for (var f = 0; f < block.Filters; f++)
        {
            for (var top = 0; top + block.Kernel <= framed.GetLength(1); top += block.Stride)
            {
                for (var left = 0; left + block.Kernel <= framed.GetLength(2); left += block.Stride)
                {
                    double sum = numbers.Biases.ElementAtOrDefault(f);
                    int weight = f * channels * block.Kernel * block.Kernel;
                    for (var c = 0; c < channels; c++)
                    {
                        for (var row = top; row < top + block.Kernel; row++)
                        {
                            for (var column = left; column < left + block.Kernel; column++)
                            {
                                sum += numbers.Weights[weight++] * framed[c, row, column];
                            }
                        }
                    }

                    a.Add(sum);
                }
            }
        }

        return [.. a];
    }

    private static void Normalize(double[][] z, int positions, Normalization numbers, bool frozen)
    {
        for (var channel = 0; channel < numbers.Scale.Length; channel++)
        {
            double[] values = [.. z.SelectMany(sample => sample.Skip(channel * positions).Take(positions))];
            double mean = frozen ? numbers.RunningMean[channel] : values.Average();
            double variance = frozen ? numbers.RunningVariance[channel] : values.Average(value => (value - mean) * (value - mean));
            foreach (double[] sample in z)
            {
                for (int i = channel * positions; i < (channel + 1) * positions; i++)
                {
                    sample[i] = (numbers.Scale[channel] * (sample[i] - mean) / Math.Sqrt(variance + 1e-5)) + numbers.Shift[channel];
                }
            }
        }
    }

    private static double[] Largest(ConvolutionBlock block, double[] map)
    {
        if (block.Pool is not { } pool)
        {
            return map;
        }

        int width = block.Map.Width;
        var largest = new List<double>();
        foreach (double[] channel in map.Chunk(block.Map.Height * width))
        {
            for (var top = 0; top + pool.Size <= block.Map.Height; top += pool.Stride)
            {
                for (var left = 0; left + pool.Size <= width; left += pool.Stride)
                {
                    largest.Add(Enumerable.Range(0, pool.Size * pool.Size).Max(
                        i => channel[((top + (i / pool.Size)) * width) + left + (i % pool.Size)]));
                }
            }
        }

        return [.. largest];
    }

    /// <summary>A value of the output is the mean of those whose fraction of the side overlaps its own.</summary>
    private static double[] Average(ConvolutionBlock block, double[] map)
    {
        if (block.AdaptivePool is not { } side)
        {
            return map;
        }

        var (_, height, width) = block.Pooled;
        int[] Overlapping(int output, int length) =>
            [.. Enumerable.Range(0, length).Where(i => (i + 1) * side > output * length && i * side < (output + 1) * length)];
        return [.. map.Chunk(height * width).SelectMany(channel =>
            from row in Enumerable.Range(0, side)
            from column in Enumerable.Range(0, side)
            select (from y in Overlapping(row, height) from x in Overlapping(column, width) select channel[(y * width) + x]).Average())];
    }
}
