using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>FG-W: weight-perturbed forward gradients, Algorithm 2 of the paper (Baydin et al., 2022).</summary>
/// <remarks>
/// <code>
/// injected   V⁽ˡ⁾ on every weight and bias, l = 1 … L
/// d⁽ˡ⁾   = (d⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ + [y⁽ˡ⁻¹⁾ 1] V⁽ˡ⁾ᵀ) ⊙ σ'(a⁽ˡ⁾)             (line 12; a bias is the weight of a constant input)
/// c_s    = e_s · d_s⁽ᴸ⁾                                          (line 14)
/// ∂W⁽ˡ⁾  = (1/K) Σ_{k,s} c_{k,s} V_k⁽ˡ⁾                             (line 17)
/// feedback   none
/// </code>
/// E[∂W⁽ˡ⁾] is the gradient (Theorem 3). Algorithm 2 draws V inside its loop over samples (<see cref="WeightNoise.PerSample"/>);
/// the authors' published code draws it once for the batch (<see cref="WeightNoise.PerBatch"/>): then ∂W is Σ_s c_s times V,
/// unbiased too, but the batch does not average the noise away.
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
            DenseForward.RunTangents(
                step.Forward,
                step.Parameters,
                nothing,
                [.. Enumerable.Range(1, step.LastBlock).Select(l => TimesInputs(step, l, direction))])))];
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

    /// <summary>[y⁽ˡ⁻¹⁾ 1] V⁽ˡ⁾ᵀ, [N × n_l].</summary>
    private static double[] TimesInputs(TrainingStep step, int l, int direction)
    {
        DenseBlock block = step.Network.Blocks[l - 1];
        double[] y = step.Forward.InputsOf(l);
        var product = new double[step.BatchSize * block.Outputs];
        ForEachWeight(step, l, direction, (sample, i, j, v) =>
        {
            for (int s = sample ?? 0; s <= (sample ?? (step.BatchSize - 1)); s++)
            {
                product[(s * block.Outputs) + i] += v * (j < block.Inputs ? y[(s * block.Inputs) + j] : 1);
            }
        });
        return product;
    }

    private static BlockGradient Gradient(TrainingStep step, int l, double[][] derivatives)
    {
        DenseBlock block = step.Network.Blocks[l - 1];
        var weights = new double[block.Outputs * block.Inputs];
        var biases = new double[block.Outputs];
        for (var direction = 0; direction < derivatives.Length; direction++)
        {
            double[] c = derivatives[direction];
            double sum = c.Sum();
            ForEachWeight(step, l, direction, (sample, i, j, v) =>
            {
                double change = (sample is { } s ? c[s] : sum) * v / derivatives.Length;
                if (j < block.Inputs)
                {
                    weights[(i * block.Inputs) + j] += change;
                }
                else
                {
                    biases[i] += change;
                }
            });
        }

        return new BlockGradient(weights, biases, PreactivationDeltas: null);
    }

    /// <summary>Draws V⁽ˡ⁾ again, element (i, j) with the bias behind the last weight; the sample is null where the batch shares V.</summary>
    private static void ForEachWeight(TrainingStep step, int l, int direction, Action<int?, int, int, double> use)
    {
        DenseBlock block = step.Network.Blocks[l - 1];
        int columns = block.Inputs + 1;
        bool isShared = step.Options.WeightNoise == WeightNoise.PerBatch;
        for (var sample = 0; sample < (isShared ? 1 : step.BatchSize); sample++)
        {
            for (var i = 0; i < block.Outputs; i++)
            {
                for (var j = 0; j < columns; j++)
                {
                    use(isShared ? null : sample, i, j, step.Noise.OfWeight(l, i, j, columns, sample, direction));
                }
            }
        }
    }
}
