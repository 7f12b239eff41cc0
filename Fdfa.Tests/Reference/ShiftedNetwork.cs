using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

/// <summary>
/// The network as a function of shifts of its blocks' values at a site, such as y⁽ˡ⁾ = pool(σ(a⁽ˡ⁾)) + shift⁽ˡ⁾, written a second time
/// from the definition so that the tests do not check the reference with itself.
/// </summary>
public sealed record ShiftedNetwork(
    NetworkDescription Network, NetworkParameters Parameters, double[] Inputs, PerturbationSite Site, bool IsFrozen = false)
{
    /// <summary>y⁽ᴸ⁾, [N × n_L], of the network where it is.</summary>
    public double[] Outputs => Run()[^1].Outputs;

    /// <summary>Everything that the blocks compute, at index l − 1.</summary>
    /// <param name="directions">Along which a block's values move, or null for one whose do not.</param>
    /// <param name="distance">How far.</param>
    public IReadOnlyList<ShiftedBlock> Run(IReadOnlyList<double[]?>? directions = null, double distance = 0)
    {
        var blocks = new List<ShiftedBlock>();
        for (var l = 0; l < Network.Blocks.Count; l++)
        {
            double[]? shift = directions?[l] is { } direction ? [.. direction.Select(value => distance * value)] : null;
            blocks.Add(ShiftedBlock.Of(
                Network.Blocks[l], Parameters.Blocks[l], l == 0 ? Inputs : blocks[^1].Outputs, IsFrozen, Site, shift));
        }

        return blocks;
    }

    /// <summary>d⁽ˡ⁾: the derivatives of each block's outputs along the directions, at index l − 1, by central differences.</summary>
    public IReadOnlyList<double[]> Tangents(IReadOnlyList<double[]?> directions)
    {
        const double Distance = 1e-6;
        return [.. Run(directions, Distance).Zip(Run(directions, -Distance), (ahead, behind) =>
            ahead.Outputs.Zip(behind.Outputs, (plus, minus) => (plus - minus) / (2 * Distance)).ToArray())];
    }
}

/// <summary>What a block computes, each [N × values].</summary>
public sealed record ShiftedBlock(double[] Preactivations, double[] Activated, double[] Outputs)
{
    public double[] ValuesAt(PerturbationSite site) => site switch
    {
        PerturbationSite.PreActivation => Preactivations,
        PerturbationSite.BeforePool => Activated,
        PerturbationSite.BlockOutput => Outputs,
        _ => throw new NotSupportedException($"The definition of {site} is missing here."),
    };

    /// <summary>A block by itself, with a shift of its values at a site.</summary>
    public static ShiftedBlock Of(
        Block block, BlockParameters numbers, double[] inputs, bool isFrozen = false,
        PerturbationSite site = PerturbationSite.BlockOutput, double[]? shift = null)
    {
        double[] Shifted(IEnumerable<double[]> samples, PerturbationSite here) =>
            [.. samples.SelectMany(sample => sample).Select((value, i) => value + (site == here && shift is not null ? shift[i] : 0))];

        double[][] z = [.. inputs.Chunk(block.Inputs).Select(sample => Linear(block, numbers.Weights, sample, numbers.Biases))];
        if (block.HasBatchNormalization)
        {
            Normalize(z, block.Positions, numbers.Normalization!, isFrozen);
        }

        double[] a = Shifted(z, PerturbationSite.PreActivation);
        double[] s = Shifted([Array.ConvertAll(a, value => Activate(block.Activation, value))], PerturbationSite.BeforePool);
        double[] y = Shifted(
            s.Chunk(block.Preactivations).Select(map => block is ConvolutionBlock pooled ? Average(pooled, Largest(pooled, map)) : map),
            PerturbationSite.BlockOutput);
        return new ShiftedBlock(a, s, y);
    }

    /// <summary>W x + b of one sample; without b where there is none.</summary>
    public static double[] Linear(Block block, double[] weights, double[] x, double[]? biases = null) =>
        block is ConvolutionBlock convolution
            ? Convolve(convolution, weights, biases ?? [], x)
            : Multiply(block, weights, biases ?? [], x);

    /// <summary>The integral of a smooth function from 0 to an end.</summary>
    private static double Simpson(Func<double, double> function, double end)
    {
        const int Pieces = 500;
        double half = end / (2 * Pieces);
        return half / 3 * Enumerable.Range(0, Pieces).Sum(
            i => function(2 * i * half) + (4 * function(((2 * i) + 1) * half)) + function(((2 * i) + 2) * half));
    }

    private static double Activate(ActivationFunction activation, double value) => activation switch
    {
        ActivationFunction.ReLU or ActivationFunction.ReLUOpenAtZero => value > 0 ? value : 0,
        ActivationFunction.Tanh => Math.Tanh(value),
        ActivationFunction.Identity => value,
        ActivationFunction.LeakyReLU => Math.Max(value, value / 100),
        ActivationFunction.GELU => value * (0.5 + Simpson(x => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI), value)),
        ActivationFunction.SiLU => value / (1 + Math.Exp(-value)),
        _ => throw new NotSupportedException($"The definition of {activation} is missing here."),
    };

    private static double[] Multiply(Block block, double[] weights, double[] biases, double[] x)
    {
        var a = new double[block.Outputs];
        for (var i = 0; i < block.Outputs; i++)
        {
            a[i] = biases.ElementAtOrDefault(i);
            for (var j = 0; j < block.Inputs; j++)
            {
                a[i] += weights[(i * block.Inputs) + j] * x[j];
            }
        }

        return a;
    }

    /// <summary>The image in a frame of zeros, and the filters drawn over it.</summary>
    private static double[] Convolve(ConvolutionBlock block, double[] weights, double[] biases, double[] x)
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
                    double sum = biases.ElementAtOrDefault(f);
                    int weight = f * channels * block.Kernel * block.Kernel;
                    for (var c = 0; c < channels; c++)
                    {
                        for (var row = top; row < top + block.Kernel; row++)
                        {
                            for (var column = left; column < left + block.Kernel; column++)
                            {
                                sum += weights[weight++] * framed[c, row, column];
                            }
                        }
                    }

                    a.Add(sum);
                }
            }
        }

        return [.. a];
    }

    private static void Normalize(double[][] z, int positions, Normalization numbers, bool isFrozen)
    {
        for (var channel = 0; channel < numbers.Scale.Length; channel++)
        {
            double[] values = [.. z.SelectMany(sample => sample.Skip(channel * positions).Take(positions))];
            double mean = isFrozen ? numbers.RunningMean[channel] : values.Average();
            double variance = isFrozen ? numbers.RunningVariance[channel] : values.Average(value => (value - mean) * (value - mean));
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
