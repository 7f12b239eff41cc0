using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>FG-W: weight-perturbed forward gradients, Algorithm 2 of the paper (Baydin et al., 2022).</summary>
/// <remarks>
/// <code>
/// injected   V⁽ˡ⁾ on every weight and bias, and on every γ and β, l = 1 … L
/// d⁽ˡ⁾   = (d⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ + [y⁽ˡ⁻¹⁾ 1] V⁽ˡ⁾ᵀ) ⊙ σ'(a⁽ˡ⁾)             (line 12; a bias is the weight of a constant input)
/// c_s    = e_s · d_s⁽ᴸ⁾                                          (line 14)
/// ∂W⁽ˡ⁾  = (1/K) Σ_{k,s} c_{k,s} V_k⁽ˡ⁾                             (line 17)
/// feedback   none
/// </code>
/// E[∂W⁽ˡ⁾] is the gradient (Theorem 3). Algorithm 2 draws V inside its loop over samples (<see cref="WeightNoise.PerSample"/>);
/// the authors' published code draws it once for the batch (<see cref="WeightNoise.PerBatch"/>): then ∂W is Σ_s c_s times V,
/// unbiased too, but the batch does not average the noise away. Behind batch normalization only PerBatch is unbiased: a sample's own V
/// moves other samples' outputs, which its c_s does not see.
/// </remarks>
public sealed class WeightPerturbedForwardGradient : IRule
{
    /// <inheritdoc/>
    public IReadOnlyList<TangentPass> InjectTangents(TrainingStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        var nothing = new double[]?[step.LastBlock];
        return [.. Enumerable.Range(0, step.Options.Perturbations).Select(direction => new TangentPass(
            nothing,
            NetworkForward.RunTangents(
                step.Forward,
                step.Parameters,
                [.. Enumerable.Range(1, step.LastBlock).Select(l => Inject(step, l, direction))])))];
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockGradient> Gradients(TrainingStep step, IReadOnlyList<TangentPass> tangents)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(tangents);
        double[][] derivatives = [.. tangents.Select(pass =>
            DirectionalDerivative.PerSample(step.OutputError, pass.Tangents[^1], step.BatchSize))];
        return [.. Enumerable.Range(1, step.LastBlock).Select(l => Gradient(step, l, derivatives))];
    }

    /// <summary>[y⁽ˡ⁻¹⁾ 1] V⁽ˡ⁾ᵀ where the linear map ends, and V_γ x̂ + V_β where normalization does.</summary>
    private static BlockPerturbation Inject(TrainingStep step, int l, int direction)
    {
        BlockPass pass = step.Forward.Blocks[l - 1];
        var linear = new List<double>();
        var normalized = new List<double>();
        foreach (Range samples in Sharing(step))
        {
            WeightPerturbation v = Draw(step, l, samples.Start.Value, direction);
            int count = samples.End.Value - samples.Start.Value;
            double[] y = pass.Inputs[(samples.Start.Value * pass.Block.Inputs)..(samples.End.Value * pass.Block.Inputs)];
            double[] z = LinearMap.Run(pass.Block, y, v.Weights, count);
            LinearMap.AddBiases(pass.Block, z, v.Biases);
            linear.AddRange(z);
            for (var i = 0; i < z.Length && pass.Normalized is not null; i++)
            {
                int channel = LinearMap.ChannelOf(pass.Block, i);
                double xHat = pass.Normalized.Values[(samples.Start.Value * pass.Block.Preactivations) + i];
                normalized.Add((v.Scale[channel] * xHat) + v.Shift[channel]);
            }
        }

        return new BlockPerturbation([.. linear], pass.Normalized is null ? null : [.. normalized], null, null);
    }

    private static BlockGradient Gradient(TrainingStep step, int l, double[][] derivatives)
    {
        Block block = step.Network.Blocks[l - 1];
        var gradient = new WeightPerturbation(
            new double[block.Channels * block.FanIn],
            new double[block.BiasCount],
            new double[block.NormalizedChannels],
            new double[block.NormalizedChannels]);
        for (var direction = 0; direction < derivatives.Length; direction++)
        {
            foreach (Range samples in Sharing(step))
            {
                double c = derivatives[direction][samples].Sum();
                WeightPerturbation v = Draw(step, l, samples.Start.Value, direction);
                Accumulate(gradient.Weights, c, v.Weights, derivatives.Length);
                Accumulate(gradient.Biases, c, v.Biases, derivatives.Length);
                Accumulate(gradient.Scale, c, v.Scale, derivatives.Length);
                Accumulate(gradient.Shift, c, v.Shift, derivatives.Length);
            }
        }

        return new BlockGradient(gradient.Weights, gradient.Biases, PreactivationDeltas: null)
        {
            Scale = block.HasBatchNormalization ? gradient.Scale : null,
            Shift = block.HasBatchNormalization ? gradient.Shift : null,
        };
    }

    private static void Accumulate(double[] gradient, double c, double[] v, int directions)
    {
        for (var i = 0; i < gradient.Length; i++)
        {
            gradient[i] += c * v[i] / directions;
        }
    }

    /// <summary>The samples that share a V: the batch, or each sample alone.</summary>
    private static IEnumerable<Range> Sharing(TrainingStep step) => step.Options.HasWeightNoisePerSample
        ? Enumerable.Range(0, step.BatchSize).Select(sample => sample..(sample + 1))
        : [0..step.BatchSize];

    /// <summary>V⁽ˡ⁾ row by row: the row of W, and behind its last weight that of b, or those of γ and β.</summary>
    /// <param name="step">The step.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="sample">The sample whose V it is; 0 where the batch shares it.</param>
    /// <param name="direction">The direction, 0 … K − 1.</param>
    private static WeightPerturbation Draw(TrainingStep step, int l, int sample, int direction)
    {
        Block block = step.Network.Blocks[l - 1];
        int columns = block.FanIn + (block.HasBatchNormalization ? 2 : 1);
        double[] Column(int column, int count) =>
            [.. Enumerable.Range(0, count).Select(row => step.Noise.OfWeight(l, row, column, columns, sample, direction))];
        var weights = new double[block.Channels * block.FanIn];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = step.Noise.OfWeight(l, i / block.FanIn, i % block.FanIn, columns, sample, direction);
        }

        return new WeightPerturbation(
            weights,
            Column(block.FanIn, block.BiasCount),
            Column(block.FanIn, block.NormalizedChannels),
            Column(block.FanIn + 1, block.NormalizedChannels));
    }

    private sealed record WeightPerturbation(double[] Weights, double[] Biases, double[] Scale, double[] Shift);
}
